-- What was made, by the provider's word and by the archived file, against what was sold.

CREATE FUNCTION counted_seconds(p_seconds numeric) RETURNS integer
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, holdfast, pg_temp AS $$
  SELECT CASE WHEN p_seconds > 0 AND p_seconds < 86400 THEN greatest(1, ceil(p_seconds - 0.25))::integer END
$$;
COMMENT ON FUNCTION counted_seconds IS
$$Internal. The whole seconds that a length counts as: a part of a second counts as one, unless it is a quarter or less. Models
make 81 frames for 5 seconds, and sound has a few frames more than pictures. NULL for what is no length.
Rules: MR-75.$$;

CREATE FUNCTION seconds_made(g generations) RETURNS integer
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, holdfast, pg_temp AS $$
  SELECT COALESCE(
    (SELECT counted_seconds(c.length_ms / 1000.0) FROM contents c WHERE c.generation_id = g.id AND c.variant = 'video' AND c.before_capture),
    (SELECT made.made_seconds FROM generations made WHERE made.id = COALESCE(g.claim_of, g.id)))
$$;
COMMENT ON FUNCTION seconds_made IS
$$How long the video is that a capture charges: by its file, where that was archived before, else by the provider's word.
Rules: MR-75, MR-97.$$;

CREATE FUNCTION made_difference(g generations, p_seconds integer, p_size text, p_model text, p_audio boolean) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, holdfast, pg_temp AS $$
  SELECT jsonb_strip_nulls(jsonb_build_object(
    'seconds', CASE WHEN p_seconds <> g.seconds THEN g.seconds END,
    'made_seconds', CASE WHEN p_seconds <> g.seconds THEN p_seconds END,
    -- In the words of the sale (activities/madeSize.ts).
    'size', CASE WHEN p_size <> g.size THEN g.size END,
    'made_size', CASE WHEN p_size <> g.size THEN p_size END,
    -- Gateways put their own provider's name before a model's.
    'made_model', CASE WHEN regexp_replace(lower(p_model), '^.*/', '') <> regexp_replace(lower(sent_model(g)), '^.*/', '') THEN p_model END,
    'made_audio', CASE WHEN NOT p_audio AND EXISTS (SELECT FROM inputs i, sound_parameters(g.offer_id) AS s
      WHERE i.generation_id = g.id AND i.parameters ->> s = 'true') THEN false END))
$$;
COMMENT ON FUNCTION made_difference IS
$$Internal. In what a completed video differs from what was sold, by the provider's words or by its file; empty where it does not,
or they say nothing.
Rules: MR-75.$$;

CREATE FUNCTION made_charge(g generations, shown contents DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, holdfast, pg_temp AS $$
DECLARE
  offer offers;
  -- The one that made the video.
  made generations;
  price prices;
  smaller prices;
  effects jsonb;
BEGIN
  SELECT * INTO offer FROM offers o WHERE o.id = g.offer_id;
  IF offer.charge_rule IS DISTINCT FROM 'as_made' THEN
    RETURN g.amount_microcredits;
  END IF;
  SELECT * INTO made FROM generations maker WHERE maker.id = COALESCE(g.claim_of, g.id);
  IF shown.generation_id IS NULL THEN
    SELECT * INTO shown FROM contents c WHERE c.generation_id = g.id AND c.variant = 'video' AND c.before_capture;
  END IF;
  made.made_seconds := COALESCE(counted_seconds(shown.length_ms / 1000.0), made.made_seconds);
  made.made_size := COALESCE(shown.frame_size, made.made_size);
  made.made_audio := COALESCE(shown.has_sound, made.made_audio);
  SELECT * INTO price FROM prices p WHERE p.id = g.price_id;
  -- By the price book of the moment at which it was sold.
  SELECT * INTO smaller FROM prices p WHERE p.model = g.model AND p.size = made.made_size AND p.size <> g.size
      AND p.size = ANY (COALESCE(offer.sizes, ARRAY[p.size])) AND p.effective_from <= made.requested_at
    ORDER BY p.effective_from DESC LIMIT 1;
  IF FOUND THEN price := smaller; END IF;
  SELECT COALESCE(jsonb_agg(e), '[]') INTO effects FROM jsonb_array_elements(g.price_effects) AS e
    WHERE made.made_audio IS NOT false OR e ->> 'parameter' NOT IN (SELECT sound_parameters(g.offer_id));
  RETURN least(g.amount_microcredits, price_microcredits(price.provider_cost_microcredits_per_second, price.margin_basis_points,
    least(g.seconds, greatest(offer.lengths[1], COALESCE(made.made_seconds, g.seconds))), effects));
EXCEPTION WHEN data_exception THEN
  RETURN g.amount_microcredits;
END $$;
COMMENT ON FUNCTION made_charge IS
$$Internal. What a completed video is charged: all that is held, or where its offer says 'as_made' the price of what was made, by
the prices at which it was sold. What was made is as the file shows it, where it was archived before the capture or is given;
else, and in what the file does not show, as the provider says; else as sold. A length counts as at least the shortest that is
sold, and another size only where its offer sells it; it is never more than is held. What was told of it can refuse nothing:
where it can't be priced, it is as sold. Without a file it stays the same after the settlement, so a repeat of that is one.
Rules: MR-6, MR-8, MR-43, MR-75.$$;

CREATE FUNCTION refund_made(g generations, shown contents) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, holdfast, pg_temp AS $$
DECLARE
  remaining bigint;
  due bigint;
  refund text;
BEGIN
  SELECT g.charged_amount_microcredits - COALESCE(sum(r.amount_microcredits), 0) INTO remaining FROM refunds r WHERE r.generation_id = g.id;
  due := least(g.charged_amount_microcredits - made_charge(g, shown), remaining);
  IF due > 0 THEN
    -- A key that no header can carry: an operator's refund never takes its place.
    SELECT r.outcome INTO refund FROM refund_generation(g.id, due, 'content_otherwise', 'content otherwise', 'holdfast') r;
  END IF;
  RETURN refund;
END $$;
COMMENT ON FUNCTION refund_made IS
$$Internal. Refunds what a charged video was charged above what its archived file shows, once, and never more than is left of the
charge. The caller has locked the generation. Answers as refund_generation does; NULL when nothing is due.
Rules: MR-8, MR-75, MR-101.$$;

GRANT EXECUTE ON FUNCTION seconds_made TO holdfast_service;

-- Prices of videos and texts. A new version begins at a moment that is still to come, so what was quoted before stays what
-- it was; a generation keeps the version that it was admitted by (admit_generation in admission.sql snapshots it, and the
-- trigger guard_generation in generations.sql refuses to change it).

CREATE FUNCTION price_microcredits(
  p_cost_per_second bigint, p_margin_basis_points integer, p_seconds integer, p_effects jsonb DEFAULT '[]'
) RETURNS numeric LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, holdfast, pg_temp AS $$
DECLARE
  effect jsonb;
  per_second numeric := 0;
  amount numeric := 0;
  -- One fraction to the end: rounded once, up, and exact.
  numerator numeric;
  denominator numeric := 10000 - p_margin_basis_points;
BEGIN
  FOR effect IN SELECT * FROM jsonb_array_elements(p_effects) LOOP
    per_second := per_second + COALESCE((effect ->> 'per_second_microcredits')::numeric, 0);
    amount := amount + COALESCE((effect ->> 'amount_microcredits')::numeric, 0);
  END LOOP;
  numerator := (p_cost_per_second::numeric * 10000 + per_second * denominator) * p_seconds;
  FOR effect IN SELECT * FROM jsonb_array_elements(p_effects) LOOP
    numerator := numerator * COALESCE((effect ->> 'factor_basis_points')::numeric, 10000);
    denominator := denominator * 10000;
  END LOOP;
  RETURN div(numerator + denominator - 1, denominator) + amount;
END $$;
COMMENT ON FUNCTION price_microcredits IS
$$Internal. (The provider's cost per second ÷ (1 − margin) + what the effects add by second) × seconds × their factors, rounded up
to the microcredit, + their amounts; exact. With effects that are not negative it is never below the least price, 1, and never
falls with the seconds.
Rules: MR-72.$$;

CREATE VIEW current_prices AS
  SELECT DISTINCT ON (model, size) id, model, size, provider_cost_microcredits_per_second, margin_basis_points, effective_from
  FROM prices WHERE effective_from <= now()
  ORDER BY model, size, effective_from DESC;
COMMENT ON VIEW current_prices IS
$$The price of each model and size that is in force now.$$;

CREATE FUNCTION set_price(
  p_model text, p_size text, p_cost_per_second bigint, p_margin_basis_points integer, p_effective_from timestamptz, p_key text
) RETURNS TABLE (outcome text, price_id bigint, effective_from timestamptz, replayed boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, holdfast, pg_temp AS $$
#variable_conflict use_column
DECLARE
  price prices;
  recorded timestamptz := clock_timestamp();
BEGIN
  -- Two callers with one key: the second waits here, and then finds the first one's row.
  PERFORM pg_advisory_xact_lock(hashtextextended('price ' || p_key, 0));
  SELECT * INTO price FROM prices p WHERE p.key = p_key;
  IF FOUND THEN
    IF (price.model, price.size, price.provider_cost_microcredits_per_second, price.margin_basis_points, price.effective_from)
       IS DISTINCT FROM (p_model, p_size, p_cost_per_second, p_margin_basis_points, COALESCE(p_effective_from, price.recorded_at)) THEN
      RETURN QUERY SELECT 'key_reused', NULL::bigint, NULL::timestamptz, false; RETURN;
    END IF;
    RETURN QUERY SELECT 'set', price.id, price.effective_from, true; RETURN;
  END IF;
  IF p_effective_from < recorded THEN
    RETURN QUERY SELECT 'in_the_past', NULL::bigint, NULL::timestamptz, false; RETURN;
  END IF;
  INSERT INTO prices AS p (model, size, provider_cost_microcredits_per_second, margin_basis_points, effective_from, key, recorded_at)
    VALUES (p_model, p_size, p_cost_per_second, p_margin_basis_points, COALESCE(p_effective_from, recorded), p_key, recorded)
    ON CONFLICT (model, size, effective_from) DO NOTHING RETURNING * INTO price;
  IF NOT FOUND THEN
    RETURN QUERY SELECT 'already_set', NULL::bigint, NULL::timestamptz, false; RETURN;
  END IF;
  -- The first price of a model sells it, as sora-2 is sold, until an offer says otherwise.
  INSERT INTO offers (model, effective_from) SELECT p_model, price.effective_from
    WHERE NOT EXISTS (SELECT FROM offers o WHERE o.model = p_model AND o.effective_from <= price.effective_from)
    ON CONFLICT DO NOTHING;
  RETURN QUERY SELECT 'set', price.id, price.effective_from, false;
END $$;
COMMENT ON FUNCTION set_price IS
$$Sets the price of a model and size from a moment on (from now on when that is NULL), once per key. A version begins in the
future or now, never in the past; a generation keeps the version that it was admitted by. Where no offer is in force then, it
makes one with the default lengths and no parameters.
outcome: 'set', 'key_reused', 'in_the_past', 'already_set' (another version begins at that very moment).
Rules: MR-8, MR-90.$$;
CREATE TRIGGER prices_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON prices
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION text_price_microcredits(
  p_input_cost bigint, p_output_cost bigint, p_margin_basis_points integer, p_input_tokens bigint, p_output_tokens bigint
) RETURNS numeric LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, holdfast, pg_temp AS $$
  SELECT ceil((p_input_cost::numeric * p_input_tokens + p_output_cost::numeric * p_output_tokens) * 10000
    / (1000000 * (10000 - p_margin_basis_points)::numeric))
$$;
COMMENT ON FUNCTION text_price_microcredits IS
$$Internal. The provider's cost of the tokens ÷ (1 − margin), rounded up to the microcredit; exact, and beyond any bigint.
Rules: MR-72.$$;

CREATE VIEW current_text_prices AS
  SELECT id, model, provider, provider_model, input_cost_microcredits_per_million_tokens,
    output_cost_microcredits_per_million_tokens, margin_basis_points, effective_from
  FROM (SELECT DISTINCT ON (model) * FROM text_prices WHERE effective_from <= now() ORDER BY model, effective_from DESC) AS newest
  WHERE for_sale;
COMMENT ON VIEW current_text_prices IS
$$The price of each text model that is sold now.$$;

CREATE FUNCTION set_text_price(
  p_model text, p_input_cost bigint, p_output_cost bigint, p_margin_basis_points integer, p_effective_from timestamptz, p_key text,
  p_provider text DEFAULT NULL, p_provider_model text DEFAULT NULL, p_for_sale boolean DEFAULT true
) RETURNS TABLE (outcome text, price_id bigint, effective_from timestamptz, replayed boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, holdfast, pg_temp AS $$
#variable_conflict use_column
DECLARE
  price text_prices;
  recorded timestamptz := clock_timestamp();
BEGIN
  -- Two callers with one key: the second waits here, and then finds the first one's row.
  PERFORM pg_advisory_xact_lock(hashtextextended('text price ' || p_key, 0));
  SELECT * INTO price FROM text_prices p WHERE p.key = p_key;
  IF FOUND THEN
    IF (price.model, price.input_cost_microcredits_per_million_tokens, price.output_cost_microcredits_per_million_tokens, price.margin_basis_points,
        price.provider, price.provider_model, price.for_sale, price.effective_from)
       IS DISTINCT FROM (p_model, p_input_cost, p_output_cost, p_margin_basis_points, p_provider, p_provider_model, p_for_sale,
        COALESCE(p_effective_from, price.recorded_at)) THEN
      RETURN QUERY SELECT 'key_reused', NULL::bigint, NULL::timestamptz, false; RETURN;
    END IF;
    RETURN QUERY SELECT 'set', price.id, price.effective_from, true; RETURN;
  END IF;
  IF p_effective_from < recorded THEN
    RETURN QUERY SELECT 'in_the_past', NULL::bigint, NULL::timestamptz, false; RETURN;
  END IF;
  INSERT INTO text_prices AS p (model, provider, provider_model, input_cost_microcredits_per_million_tokens,
      output_cost_microcredits_per_million_tokens, margin_basis_points, for_sale, effective_from, key, recorded_at)
    VALUES (p_model, p_provider, p_provider_model, p_input_cost, p_output_cost, p_margin_basis_points, p_for_sale, COALESCE(p_effective_from, recorded), p_key, recorded)
    ON CONFLICT (model, effective_from) DO NOTHING RETURNING * INTO price;
  IF NOT FOUND THEN
    RETURN QUERY SELECT 'already_set', NULL::bigint, NULL::timestamptz, false; RETURN;
  END IF;
  RETURN QUERY SELECT 'set', price.id, price.effective_from, false;
END $$;
COMMENT ON FUNCTION set_text_price IS
$$Sets the price of a text model, as set_price does for videos; a text keeps the version that it was admitted by. p_provider
writes it, under the name p_provider_model; NULL: the default provider, the same name. Without p_for_sale the model is withdrawn.
outcome: 'set', 'key_reused', 'in_the_past', 'already_set' (another version begins at that very moment).
Rules: MR-8, MR-90.$$;
CREATE TRIGGER text_prices_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON text_prices
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

GRANT SELECT ON prices, text_prices, current_prices, current_text_prices TO holdfast_service;
GRANT EXECUTE ON FUNCTION price_microcredits, set_price, text_price_microcredits, set_text_price TO holdfast_service;

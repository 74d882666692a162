-- What is sold of each video model: its provider, lengths, sizes and parameters; and the one reading of a request by it, for
-- admission, dry runs and price lists alike.

CREATE VIEW current_offers AS
  SELECT DISTINCT ON (model) * FROM offers WHERE effective_from <= now() ORDER BY model, effective_from DESC;
COMMENT ON VIEW current_offers IS
$$The offer of each model that is in force now; one that is not for_sale has withdrawn its model.$$;

CREATE FUNCTION is_reserved_parameter(p_name text) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, holdfast, pg_temp AS $$
  SELECT name IN ('n', 'id', 'count', 'model', 'prompt', 'messages', 'seconds', 'duration', 'size', 'resolution', 'width', 'height',
      'user', 'metadata', 'maxcredits', 'dryrun', 'frameimages', 'bestof', 'remixof', 'stream', 'repeat', 'outputs', 'generations',
      'constructor', 'prototype', 'tojson')
    OR name ~ '^(n|nb|no|num|numberof|total)(frames|outputs|videos|images|samples|seconds|generations|results|varia|clips|segments)'
    OR name ~ '^(video|clip|output|total)?(length|duration)'
    OR name ~ '^(batch|varia(nts|tions)|lora|extra|api|customllm|inputreference|inputimage|webhook|callback|remixedfrom|save|storage)'
    OR name ~ '(counts?|frames|seconds|duration|quantity|paths?|urls?|uris?|files?|dirs?|fileids?|hooks?|callbacks?)$'
    OR name ~ '(upscal|path|bucket|folder)'
  FROM (SELECT replace(lower(p_name), '_', '')) AS spelled (name)
$$;
COMMENT ON FUNCTION is_reserved_parameter IS
$$Internal. Whether a parameter may never have this name, neither here nor at the provider, however it is spelled: it would make
more than is paid for, read or write files, or replace a field of the request itself.
Rules: MR-93.$$;

CREATE FUNCTION read_parameter(p_rule jsonb, p_value jsonb, OUT fault text, OUT value jsonb)
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, holdfast, pg_temp AS $$
DECLARE
  -- As a form sends it; NULL for what is no single value.
  written text := CASE WHEN jsonb_typeof(p_value) IN ('string', 'number', 'boolean') THEN p_value #>> '{}' END;
  amount numeric;
BEGIN
  CASE p_rule ->> 'type'
  WHEN 'boolean' THEN
    IF written IN ('true', 'false') THEN value := to_jsonb(written = 'true'); ELSE fault := 'no_boolean'; END IF;
  WHEN 'integer', 'number' THEN
    IF jsonb_typeof(p_value) = 'boolean' OR COALESCE(written !~ '^-?[0-9]{1,16}(\.[0-9]{1,10})?$', true) THEN
      fault := CASE p_rule ->> 'type' WHEN 'integer' THEN 'no_integer' ELSE 'no_number' END;
      RETURN;
    END IF;
    amount := written::numeric;
    fault := CASE
      WHEN p_rule ->> 'type' = 'integer' AND amount <> trunc(amount) THEN 'no_integer'
      WHEN amount < (p_rule ->> 'min')::numeric THEN 'too_small'
      WHEN amount > (p_rule ->> 'max')::numeric THEN 'too_large'
      WHEN mod(amount - (p_rule ->> 'min')::numeric, (p_rule ->> 'step')::numeric) <> 0 THEN 'no_step' END;
    value := to_jsonb(trim_scale(amount));
  WHEN 'enum' THEN
    -- Typed as the offer has it: `24` and `"24"` are one value.
    SELECT v.value INTO value FROM jsonb_array_elements(p_rule -> 'values') AS v (value) WHERE v.value #>> '{}' = written;
    IF NOT FOUND THEN fault := 'no_value'; END IF;
  WHEN 'images' THEN
    -- How many there are; they themselves stand in `inputs`.
    fault := CASE WHEN CASE WHEN jsonb_typeof(p_value) = 'number' THEN written::numeric BETWEEN 1 AND (p_rule ->> 'max_items')::numeric END
      IS NOT TRUE THEN 'too_many' END;
    value := p_value;
  WHEN 'string' THEN
    fault := CASE WHEN jsonb_typeof(p_value) <> 'string' THEN 'no_string'
      WHEN length(written) > (p_rule ->> 'max_length')::integer THEN 'too_long' END;
    value := p_value;
  END CASE;
END $$;
COMMENT ON FUNCTION read_parameter IS
$$Internal. A parameter's value by the rule of its offer, typed as the provider gets it; numbers and booleans may come as text.
fault: NULL, 'no_boolean', 'no_integer', 'no_number', 'too_small', 'too_large', 'no_step' (from the minimum), 'no_value' (none of
those that are sold), 'no_string', 'too_long', 'too_many' (of images, whose value is their number).
Rules: MR-93.$$;

CREATE FUNCTION has_flags(p_text text) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, holdfast, pg_temp AS $$
  -- Phones and word processors write an em dash for two hyphens.
  SELECT p_text ~ '--[[:alpha:]]|(^|\s)(--+|\u2014+)[^-\u2014\s]'
$$;
COMMENT ON FUNCTION has_flags IS
$$Internal. Whether a text has options that a model may read in it, such as `--rs 1080p`.
Rules: MR-79.$$;

CREATE FUNCTION parameter_effects(p_rule jsonb) RETURNS SETOF jsonb
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, holdfast, pg_temp AS $$
  SELECT e.value FROM jsonb_each(CASE WHEN p_rule ->> 'type' IN ('boolean', 'enum') THEN p_rule -> 'price' END) AS e
  UNION ALL
  SELECT p_rule -> 'price' WHERE p_rule ->> 'type' NOT IN ('boolean', 'enum') AND p_rule ? 'price'
$$;
COMMENT ON FUNCTION parameter_effects IS
$$Internal. Everything that a parameter can do to the price, whatever its value.
Rules: MR-72.$$;

CREATE FUNCTION parameter_effect(p_rule jsonb, p_value jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, holdfast, pg_temp AS $$
  SELECT CASE WHEN p_rule ->> 'type' IN ('boolean', 'enum') THEN p_rule -> 'price' -> (p_value #>> '{}') ELSE p_rule -> 'price' END
    || jsonb_build_object('parameter', p_rule ->> 'name')
$$;
COMMENT ON FUNCTION parameter_effect IS
$$Internal. What a parameter does to the price when it has this value, with its name; NULL when it does nothing.
Rules: MR-72.$$;

CREATE FUNCTION default_effects(p_parameters jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, holdfast, pg_temp AS $$
  SELECT COALESCE(jsonb_agg(e.effect), '[]') FROM jsonb_array_elements(p_parameters) AS rule,
    parameter_effect(rule, rule -> 'default') AS e (effect) WHERE rule ? 'default' AND e.effect IS NOT NULL
$$;
COMMENT ON FUNCTION default_effects IS
$$Internal. What the defaults of an offer's parameters do to the price of a request that leaves them out.
Rules: MR-72.$$;

CREATE FUNCTION sound_parameters(p_offer_id bigint) RETURNS SETOF text
LANGUAGE sql STABLE SET search_path = pg_catalog, holdfast, pg_temp AS $$
  SELECT r ->> 'name' FROM offers o, jsonb_array_elements(o.parameters) AS r WHERE o.id = p_offer_id
    AND 'generateaudio' IN (replace(lower(r ->> 'name'), '_', ''), replace(lower(r ->> 'sent_as'), '_', ''))
$$;
COMMENT ON FUNCTION sound_parameters IS
$$Internal. The names of an offer's parameters that ask for sound: those called generate_audio, here or at the provider, in any
spelling.
Rules: MR-75.$$;

CREATE FUNCTION largest_effects(p_parameters jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, holdfast, pg_temp AS $$
  SELECT COALESCE(jsonb_agg((SELECT jsonb_build_object(
      'factor_basis_points', greatest(10000, max((e ->> 'factor_basis_points')::bigint)),
      'per_second_microcredits', COALESCE(max((e ->> 'per_second_microcredits')::bigint), 0),
      'amount_microcredits', COALESCE(max((e ->> 'amount_microcredits')::bigint), 0))
    FROM parameter_effects(rule) AS e)), '[]')
  FROM jsonb_array_elements(p_parameters) AS rule
$$;
COMMENT ON FUNCTION largest_effects IS
$$Internal. The most that all parameters together can do to a price.
Rules: MR-72.$$;

CREATE FUNCTION parameter_fault(p_rule jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, holdfast, pg_temp AS $$
DECLARE
  type text := p_rule ->> 'type';
  sent text := COALESCE(p_rule ->> 'sent_as', p_rule ->> 'name');
BEGIN
  RETURN CASE
    WHEN jsonb_typeof(p_rule) <> 'object' OR EXISTS (SELECT FROM jsonb_object_keys(p_rule) AS k WHERE k NOT IN
      ('name', 'type', 'min', 'max', 'step', 'values', 'max_length', 'max_items', 'default', 'sent_as', 'price')) THEN 'has unknown fields'
    WHEN (p_rule ->> 'name' ~ '^[a-z][a-z0-9_]{0,63}$') IS NOT TRUE OR sent !~ '^[A-Za-z][A-Za-z0-9_]{0,63}$' THEN 'has no name'
    -- The two lists of images have their own type, and the provider's dialect knows how they are sent.
    WHEN type = 'images' AND (NOT p_rule ?| ARRAY['sent_as', 'default'] AND (p_rule ->> 'max_items')::numeric BETWEEN 1
      AND CASE p_rule ->> 'name' WHEN 'frame_images' THEN 2 WHEN 'input_references' THEN 8 END) IS NOT TRUE THEN 'is no list of images'
    WHEN type IS DISTINCT FROM 'images' AND (is_reserved_parameter(p_rule ->> 'name') OR is_reserved_parameter(sent)) THEN 'has a reserved name'
    WHEN (type IN ('boolean', 'integer', 'number', 'enum', 'string', 'images')) IS NOT TRUE THEN 'has an unknown type'
    WHEN type IN ('integer', 'number') AND (abs((p_rule ->> 'min')::numeric) <= 9007199254740991 AND (p_rule ->> 'max')::numeric <= 9007199254740991
      AND (p_rule ->> 'min')::numeric <= (p_rule ->> 'max')::numeric AND COALESCE((p_rule ->> 'step')::numeric > 0, true)) IS NOT TRUE THEN 'has no range'
    WHEN type = 'enum' AND (jsonb_typeof(p_rule -> 'values') = 'array' AND jsonb_array_length(p_rule -> 'values') BETWEEN 1 AND 64) IS NOT TRUE
      OR EXISTS (SELECT FROM jsonb_array_elements(CASE type WHEN 'enum' THEN p_rule -> 'values' END) AS v
        WHERE jsonb_typeof(v) NOT IN ('string', 'number') OR length(v #>> '{}') NOT BETWEEN 1 AND 100)
      OR (SELECT count(DISTINCT v #>> '{}') <> count(*) FROM jsonb_array_elements(CASE type WHEN 'enum' THEN p_rule -> 'values' END) AS v) THEN 'has no values'
    WHEN type = 'string' AND ((p_rule ->> 'max_length')::numeric BETWEEN 1 AND 4000) IS NOT TRUE THEN 'has no maximum length'
    WHEN p_rule ? 'default' AND (SELECT fault FROM read_parameter(p_rule, p_rule -> 'default')) IS NOT NULL THEN 'has a default that it refuses'
    WHEN p_rule ? 'price' AND jsonb_typeof(p_rule -> 'price') <> 'object' THEN 'has no price effect'
    -- What the provider makes where nothing is sent may be the dear one.
    WHEN type IN ('boolean', 'enum') AND p_rule ? 'price' AND NOT p_rule ? 'default' THEN 'has a price but no default'
    WHEN type IN ('boolean', 'enum') AND EXISTS (SELECT FROM jsonb_object_keys(p_rule -> 'price') AS k
      WHERE (SELECT fault FROM read_parameter(p_rule, to_jsonb(k))) IS NOT NULL) THEN 'has a price for a value that it refuses'
    WHEN EXISTS (SELECT FROM parameter_effects(p_rule) AS e WHERE (SELECT count(*) = 1 AND bool_and(CASE k
        WHEN 'factor_basis_points' THEN (e ->> k)::numeric BETWEEN 1 AND 1000000
        WHEN 'per_second_microcredits' THEN (e ->> k)::numeric BETWEEN 0 AND 1000000000000
        WHEN 'amount_microcredits' THEN (e ->> k)::numeric BETWEEN 0 AND 1000000000000
        ELSE false END AND (e ->> k)::numeric = trunc((e ->> k)::numeric)) FROM jsonb_object_keys(e) AS k) IS NOT TRUE) THEN 'has no price effect'
    END;
END $$;
COMMENT ON FUNCTION parameter_fault IS
$$Internal. What is wrong with a parameter of an offer, in a few words; NULL when nothing is. An effect is one of a factor (in
basis points, never 0), an amount, and an amount by second, in whole microcredits that are never negative: so no price is. A
boolean or an enum with a price has a default, so that the provider is always told the value that is paid for.
Rules: MR-72, MR-93.$$;

CREATE FUNCTION offer_fault(p_offer offers) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, holdfast, pg_temp AS $$
DECLARE
  rule jsonb;
  fault text;
BEGIN
  IF p_offer.lengths IS DISTINCT FROM ARRAY(SELECT DISTINCT l FROM unnest(p_offer.lengths) AS l ORDER BY l) THEN
    RETURN 'its lengths are not ascending';
  END IF;
  IF jsonb_typeof(p_offer.parameters) <> 'array' OR octet_length(p_offer.parameters::text) > 65536
     OR jsonb_array_length(p_offer.parameters) > 32 THEN
    RETURN 'it has no list of at most 32 parameters';
  END IF;
  FOR rule IN SELECT * FROM jsonb_array_elements(p_offer.parameters) LOOP
    fault := parameter_fault(rule);
    IF fault IS NOT NULL THEN RETURN format('parameter %s %s', rule ->> 'name', fault); END IF;
    IF p_offer.prompt_flags = 'refuse' AND rule ->> 'type' = 'string' AND has_flags(rule ->> 'default') THEN
      RETURN format('parameter %s has a default with a flag, which prompt_flags refuse', rule ->> 'name');
    END IF;
  END LOOP;
  IF EXISTS (SELECT FROM jsonb_array_elements(p_offer.parameters) AS r
      GROUP BY replace(lower(COALESCE(r ->> 'sent_as', r ->> 'name')), '_', '') HAVING count(*) > 1)
     OR EXISTS (SELECT FROM jsonb_array_elements(p_offer.parameters) AS r GROUP BY r ->> 'name' HAVING count(*) > 1) THEN
    RETURN 'two of its parameters have one name';
  END IF;
  IF EXISTS (SELECT FROM prices p WHERE p.model = p_offer.model AND price_microcredits(p.provider_cost_microcredits_per_second,
      p.margin_basis_points, p_offer.lengths[cardinality(p_offer.lengths)], largest_effects(p_offer.parameters)) > 9007199254740991) THEN
    RETURN 'its highest price is above 2^53 - 1';
  END IF;
  RETURN NULL;
END $$;
COMMENT ON FUNCTION offer_fault IS
$$Internal. What is wrong with an offer, in a few words; NULL when nothing is.
Rules: MR-72, MR-79, MR-93.$$;

CREATE FUNCTION guard_offer() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, holdfast, pg_temp AS $$
DECLARE fault text;
BEGIN
  -- A price and an offer of one model are checked against each other, one after the other.
  PERFORM pg_advisory_xact_lock(hashtextextended('sold ' || NEW.model, 0));
  IF TG_TABLE_NAME = 'offers' THEN
    fault := offer_fault(NEW);
  ELSE
    SELECT 'with the offer of its model its highest price is above 2^53 - 1' INTO fault FROM offers o
      WHERE o.model = NEW.model AND price_microcredits(NEW.provider_cost_microcredits_per_second, NEW.margin_basis_points,
        o.lengths[cardinality(o.lengths)], largest_effects(o.parameters)) > 9007199254740991 LIMIT 1;
  END IF;
  IF fault IS NOT NULL THEN
    RAISE EXCEPTION 'the % of % is refused: %', TG_TABLE_NAME, NEW.model, fault USING ERRCODE = '23514';
  END IF;
  RETURN NULL;
END $$;
COMMENT ON FUNCTION guard_offer IS
$$Trigger of offers and prices: an offer is well-formed, and no price of it, with its longest length and its largest effects, is
above 2^53 - 1.
Raises 23514.
Rules: MR-72, MR-93.$$;
CREATE TRIGGER offers_guard AFTER INSERT ON offers FOR EACH ROW EXECUTE FUNCTION guard_offer();
CREATE TRIGGER prices_guard AFTER INSERT ON prices FOR EACH ROW EXECUTE FUNCTION guard_offer();
CREATE TRIGGER offers_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON offers
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION set_offer(p_model text, p_terms jsonb, p_effective_from timestamptz, p_key text)
RETURNS TABLE (outcome text, price_id bigint, effective_from timestamptz, replayed boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, holdfast, pg_temp AS $$
#variable_conflict use_column
DECLARE
  offer offers;
  asked offers;
  recorded timestamptz := clock_timestamp();
BEGIN
  -- Two callers with one key: the second waits here, and then finds the first one's row.
  PERFORM pg_advisory_xact_lock(hashtextextended('offer ' || p_key, 0));
  asked := jsonb_populate_record(NULL::offers, jsonb_build_object('for_sale', true, 'lengths', '[4,8,12,16,20]'::jsonb, 'length_field', 'seconds',
    'size_field', 'size', 'parameters', '[]'::jsonb, 'prompt_flags', 'allow', 'charge_rule', 'as_sold') || p_terms);
  SELECT * INTO offer FROM offers o WHERE o.key = p_key;
  IF FOUND THEN
    IF (offer.model, offer.for_sale, offer.provider, offer.provider_model, offer.lengths, offer.sizes, offer.length_field, offer.size_field,
        offer.parameters, offer.prompt_flags, offer.charge_rule, offer.effective_from)
       IS DISTINCT FROM (p_model, asked.for_sale, asked.provider, asked.provider_model, asked.lengths, asked.sizes, asked.length_field,
        asked.size_field, asked.parameters, asked.prompt_flags, asked.charge_rule, COALESCE(p_effective_from, offer.recorded_at)) THEN
      RETURN QUERY SELECT 'key_reused', NULL::bigint, NULL::timestamptz, false; RETURN;
    END IF;
    RETURN QUERY SELECT 'set', offer.id, offer.effective_from, true; RETURN;
  END IF;
  IF p_effective_from < recorded THEN
    RETURN QUERY SELECT 'in_the_past', NULL::bigint, NULL::timestamptz, false; RETURN;
  END IF;
  INSERT INTO offers AS o (model, for_sale, provider, provider_model, lengths, sizes, length_field, size_field, parameters, prompt_flags,
      charge_rule, effective_from, key, recorded_at)
    VALUES (p_model, asked.for_sale, asked.provider, asked.provider_model, asked.lengths, asked.sizes, asked.length_field, asked.size_field,
      asked.parameters, asked.prompt_flags, asked.charge_rule, COALESCE(p_effective_from, recorded), p_key, recorded)
    ON CONFLICT (model, effective_from) DO NOTHING RETURNING * INTO offer;
  IF NOT FOUND THEN
    RETURN QUERY SELECT 'already_set', NULL::bigint, NULL::timestamptz, false; RETURN;
  END IF;
  RETURN QUERY SELECT 'set', offer.id, offer.effective_from, false;
END $$;
COMMENT ON FUNCTION set_offer IS
$$Sets what is sold of a model from a moment on, as set_price does for a price. p_terms are the columns of `offers`, an object;
what it leaves out is as in the offer that a first price makes.
outcome: 'set', 'key_reused', 'in_the_past', 'already_set' (another version begins at that very moment).
Raises 23514 for an offer that is not well-formed (guard_offer), or whose prices could pass 2^53 - 1.
Rules: MR-8, MR-72, MR-90, MR-93.$$;

CREATE FUNCTION quote_video(
  p_account_id text, p_remix_of text, p_model text, p_seconds integer, p_size text, p_prompt text, p_parameters jsonb, p_providers text[]
) RETURNS TABLE (
  outcome text, refused jsonb, model text, seconds integer, size text, parameters jsonb, offer_id bigint, price_id bigint, provider text,
  price_effects jsonb, amount_microcredits bigint
) LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, holdfast, pg_temp AS $$
#variable_conflict use_column
DECLARE
  original generations;
  offer offers;
  price current_prices;
  rule jsonb;
  given jsonb;
  fault text;
  effect jsonb;
  resolved jsonb := '{}';
  effects jsonb := '[]';
BEGIN
  outcome := 'priced';
  IF p_remix_of IS NOT NULL THEN
    SELECT * INTO original FROM generations gen WHERE gen.id = p_remix_of AND gen.account_id = p_account_id AND gen.kind = 'video'
      AND gen.state = 'charged' AND gen.deleted_at IS NULL;
    IF NOT FOUND THEN outcome := 'unknown_original'; RETURN NEXT; RETURN; END IF;
    p_model := original.model;
    p_seconds := original.seconds;
    p_size := original.size;
    -- A remix is sent none of its original's images.
    SELECT i.parameters - ARRAY['frame_images', 'input_references'] INTO p_parameters FROM inputs i WHERE i.generation_id = p_remix_of;
  END IF;
  SELECT o.* INTO offer FROM current_offers o WHERE o.model = p_model AND o.for_sale;
  IF NOT FOUND OR NOT EXISTS (SELECT FROM current_prices p WHERE p.model = p_model) THEN
    outcome := 'unknown_model'; RETURN NEXT; RETURN;
  END IF;
  IF p_remix_of IS NOT NULL THEN
    -- Only the provider that made the original has it; what a claim pays for was made by the generation that it claims.
    SELECT COALESCE(split_part(made.provider, '@', 1), made.provider_name) INTO offer.provider
      FROM generations made WHERE made.id = COALESCE(original.claim_of, original.id);
  END IF;
  IF offer.provider <> ALL (p_providers) THEN outcome := 'no_provider'; RETURN NEXT; RETURN; END IF;
  SELECT * INTO price FROM current_prices p
    WHERE p.model = p_model AND (p.size = p_size OR p_size IS NULL) AND p.size = ANY (COALESCE(offer.sizes, ARRAY[p.size]))
    ORDER BY p.size <> '720x1280', price_microcredits(p.provider_cost_microcredits_per_second, p.margin_basis_points, 60), p.size LIMIT 1;
  IF NOT FOUND THEN outcome := 'unknown_size'; RETURN NEXT; RETURN; END IF;
  p_seconds := COALESCE(p_seconds, CASE WHEN 4 = ANY (offer.lengths) THEN 4 ELSE offer.lengths[1] END);
  IF p_seconds <> ALL (offer.lengths) THEN
    outcome := 'refused';
    refused := jsonb_build_object('param', 'seconds', 'fault', 'no_value', 'rule', jsonb_build_object('values', offer.lengths));
    RETURN NEXT; RETURN;
  END IF;
  IF offer.prompt_flags = 'refuse' AND has_flags(p_prompt) THEN
    outcome := 'refused';
    refused := jsonb_build_object('param', 'prompt', 'fault', 'flags');
    RETURN NEXT; RETURN;
  END IF;
  SELECT jsonb_build_object('param', k, 'fault', 'unknown') INTO refused FROM jsonb_object_keys(p_parameters) AS k
    WHERE NOT EXISTS (SELECT FROM jsonb_array_elements(offer.parameters) AS r WHERE r ->> 'name' = k) ORDER BY k LIMIT 1;
  IF FOUND THEN outcome := 'refused'; RETURN NEXT; RETURN; END IF;
  FOR rule IN SELECT * FROM jsonb_array_elements(offer.parameters) LOOP
    -- A remix is made of its original as that is: what was not sent then is not paid for now.
    given := COALESCE(p_parameters -> (rule ->> 'name'), CASE WHEN p_remix_of IS NULL THEN rule -> 'default' END);
    CONTINUE WHEN given IS NULL;
    SELECT r.fault, r.value INTO fault, given FROM read_parameter(rule, given) AS r;
    IF offer.prompt_flags = 'refuse' AND rule ->> 'type' = 'string' AND has_flags(given #>> '{}') THEN fault := 'flags'; END IF;
    IF fault IS NOT NULL THEN
      outcome := 'refused';
      refused := jsonb_build_object('param', rule ->> 'name', 'fault', fault, 'rule', rule);
      RETURN NEXT; RETURN;
    END IF;
    resolved := resolved || jsonb_build_object(rule ->> 'name', given);
    effect := parameter_effect(rule, given);
    IF effect IS NOT NULL THEN effects := effects || jsonb_build_array(effect); END IF;
  END LOOP;
  RETURN QUERY SELECT outcome, refused, p_model, p_seconds, price.size, resolved, offer.id, price.id, offer.provider, effects,
    price_microcredits(price.provider_cost_microcredits_per_second, price.margin_basis_points, p_seconds, effects)::bigint;
END $$;
COMMENT ON FUNCTION quote_video IS
$$Reads a request for a video by what is sold now, and prices it; it writes nothing. Without p_seconds it is 4 s where those are
sold, else the shortest length; without p_size it is 720x1280 where that is sold, else the cheapest size. A remix has its
original's model, seconds, size, parameters and provider; whether those are sold, and for what, is by the offer and price of now.
p_providers are the names of those that are configured; NULL: any.
outcome: 'priced' (with what is to be kept), 'unknown_model', 'unknown_size', 'unknown_original' (no charged, undeleted video of
the account), 'no_provider' (its provider is not configured), 'refused': `refused` has the param, the fault (as read_parameter
has it, 'unknown', 'flags') and the rule that it breaks.
Rules: MR-47, MR-72, MR-79, MR-89, MR-93.$$;

GRANT SELECT ON offers, current_offers TO holdfast_service;
GRANT EXECUTE ON FUNCTION set_offer, quote_video, parameter_effect, default_effects TO holdfast_service;

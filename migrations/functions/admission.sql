-- Requests before their hold: admitted, answered, or void.

CREATE FUNCTION admit_priced(
  p_generation_id text, p_account_id text, p_api_key_id text, p_model text, p_seconds integer, p_size text, p_price_id bigint,
  p_offer_id bigint, p_price_effects jsonb, p_provider_name text, amount bigint, p_remix_of text, p_max_microcredits bigint, p_admit_within_ms integer, p_fingerprint bytea, p_idempotency_key text,
  p_retry_within_ms integer, p_providers text[], p_videos_at_once integer[]
) RETURNS TABLE (outcome text, generation_id text, amount_microcredits bigint, answer_status integer, answer jsonb)
LANGUAGE plpgsql SET search_path = pg_catalog, holdfast, pg_temp AS $$
#variable_conflict use_column
DECLARE
  account accounts;
  refusal text;
BEGIN
  -- Once more, for what came since the API looked: from here to the commit nothing equal does.
  RETURN QUERY SELECT * FROM find_repeat(p_account_id, p_api_key_id, p_fingerprint, p_idempotency_key, p_retry_within_ms);
  IF FOUND THEN
    RETURN;
  END IF;

  -- Everything that place_hold would refuse by, before anything large is written. It decides for good, under the lock.
  SELECT * INTO STRICT account FROM accounts a WHERE a.id = p_account_id;
  refusal := CASE
    WHEN sales_are_closed() THEN 'sales_closed'
    WHEN provider_is_down(p_provider_name) THEN 'provider_down'
    WHEN amount > p_max_microcredits THEN 'exceeds_max_credits'
    WHEN account.frozen_at IS NOT NULL THEN 'account_frozen'
    WHEN account.available_microcredits < amount THEN 'insufficient_credits'
    WHEN provider_is_full(p_provider_name, p_providers, p_videos_at_once, p_account_id, amount) THEN 'provider_full'
    WHEN account.active_generations >= account.max_active_generations THEN 'too_many_active_generations'
    WHEN NOT limits_leave_room(p_api_key_id, amount) THEN 'key_spend_limit' END;
  IF refusal = 'insufficient_credits' AND p_idempotency_key IS NOT NULL THEN
    -- A key that was refused for lack of credits stays refused.
    PERFORM keep_key(p_account_id, p_idempotency_key, p_fingerprint, NULL, amount);
  END IF;
  IF refusal IN ('sales_closed', 'provider_down', 'exceeds_max_credits', 'account_frozen', 'insufficient_credits', 'provider_full') THEN
    RETURN QUERY SELECT refusal, NULL::text, amount, NULL::integer, NULL::jsonb; RETURN;
  END IF;
  INSERT INTO generations (id, kind, account_id, api_key_id, state, refusal_code, model, seconds, size, price_id, offer_id, price_effects,
      provider_name, amount_microcredits, remix_of, admit_by, fingerprint)
  VALUES (p_generation_id, split_part(p_generation_id, '_', 1), p_account_id, p_api_key_id, CASE WHEN refusal IS NULL THEN 'requested' ELSE 'refused' END,
          refusal, p_model, p_seconds, p_size, p_price_id, p_offer_id, p_price_effects, p_provider_name, amount, p_remix_of,
          clock_timestamp() + make_interval(secs => p_admit_within_ms / 1000.0), p_fingerprint);
  PERFORM keep_key(p_account_id, p_idempotency_key, p_fingerprint, p_generation_id, NULL);
  PERFORM append_event(p_generation_id, 'requested', jsonb_build_object('amount_microcredits', amount));
  IF refusal IS NOT NULL THEN
    PERFORM append_event(p_generation_id, 'refused', jsonb_build_object('code', refusal));
  END IF;
  RETURN QUERY SELECT COALESCE(refusal, 'admitted'), p_generation_id, amount, NULL::integer, NULL::jsonb;
END $$;
COMMENT ON FUNCTION admit_priced IS
$$Internal. Writes a request at its price: the generation and its idempotency key. It refuses early what place_hold would
refuse; place_hold decides for good, under the lock. What was asked for may be large, so the caller writes it, in the same
transaction and only for 'admitted'.
outcome: 'admitted'; 'sales_closed', 'provider_down', 'exceeds_max_credits' (the price is above p_max_microcredits),
'account_frozen', 'insufficient_credits' (a key keeps this refusal), 'provider_full' (no generation is written); 'too_many_active_generations',
'key_spend_limit' (a generation in state 'refused' is written); for a repeat what find_repeat answers.
Rules: MR-26, MR-28, MR-29, MR-47, MR-76, MR-90, MR-95, MR-99.$$;

CREATE FUNCTION keep_labels(p_generation_id text, p_account_id text, p_user text, p_metadata jsonb) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, holdfast, pg_temp AS $$
  INSERT INTO generation_labels (generation_id, account_id, place, name, value)
    SELECT p_generation_id, p_account_id, 0, '', p_user WHERE p_user IS NOT NULL
    UNION ALL
    SELECT p_generation_id, p_account_id, pair.place, pair.key, pair.value
      FROM jsonb_each_text(p_metadata) WITH ORDINALITY AS pair (key, value, place)
$$;
COMMENT ON FUNCTION keep_labels IS
$$Internal. Keeps the client's own references on a generation: p_user, and the pairs of p_metadata, an object of strings.
Rules: MR-95, MR-96.$$;

CREATE FUNCTION admit_generation(
  p_generation_id text, p_account_id text, p_api_key_id text, p_model text, p_seconds integer, p_size text, p_remix_of text,
  p_prompt text, p_images bytea[], p_image_types text[], p_image_roles text[], p_max_microcredits bigint,
  p_admit_within_ms integer, p_fingerprint bytea, p_idempotency_key text, p_retry_within_ms integer,
  p_user text DEFAULT NULL, p_metadata jsonb DEFAULT '{}', p_parameters jsonb DEFAULT '{}', p_providers text[] DEFAULT NULL,
  p_videos_at_once integer[] DEFAULT NULL
) RETURNS TABLE (outcome text, generation_id text, amount_microcredits bigint, answer_status integer, answer jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, holdfast, pg_temp AS $$
#variable_conflict use_column
DECLARE
  asked record;
  admitted record;
BEGIN
  SELECT * INTO asked FROM quote_video(p_account_id, p_remix_of, p_model, p_seconds, p_size, p_prompt, p_parameters, p_providers);
  IF asked.outcome <> 'priced' THEN
    RETURN QUERY SELECT asked.outcome, NULL::text, NULL::bigint, NULL::integer, asked.refused; RETURN;
  END IF;
  SELECT * INTO admitted FROM admit_priced(p_generation_id, p_account_id, p_api_key_id, asked.model, asked.seconds, asked.size, asked.price_id,
    asked.offer_id, asked.price_effects, asked.provider, asked.amount_microcredits, p_remix_of,
    p_max_microcredits, p_admit_within_ms, p_fingerprint, p_idempotency_key, p_retry_within_ms, p_providers, p_videos_at_once);
  IF admitted.outcome = 'admitted' THEN
    INSERT INTO inputs (generation_id, prompt, images, image_types, image_roles, parameters)
      VALUES (p_generation_id, p_prompt, p_images, p_image_types, p_image_roles, asked.parameters);
    PERFORM keep_labels(p_generation_id, p_account_id, p_user, p_metadata);
  END IF;
  RETURN QUERY SELECT admitted.outcome, admitted.generation_id, admitted.amount_microcredits, admitted.answer_status, admitted.answer;
END $$;
COMMENT ON FUNCTION admit_generation IS
$$Writes the request for a video, read and priced by quote_video. A remix takes model, seconds, size and parameters from its
original, which must be a charged, undeleted video of the same account; its labels are its own.
outcome: as admit_priced; as quote_video, but for 'priced': of 'refused' the answer says what it refuses.
Rules: MR-28, MR-89, MR-93, and those of admit_priced.$$;

CREATE FUNCTION admit_text(
  p_generation_id text, p_account_id text, p_api_key_id text, p_model text, p_input_bound_tokens bigint, p_max_output_tokens bigint,
  p_request jsonb, p_max_microcredits bigint, p_admit_within_ms integer, p_fingerprint bytea, p_idempotency_key text, p_retry_within_ms integer,
  p_user text DEFAULT NULL, p_metadata jsonb DEFAULT '{}', p_providers text[] DEFAULT NULL
) RETURNS TABLE (outcome text, generation_id text, amount_microcredits bigint, answer_status integer, answer jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, holdfast, pg_temp AS $$
#variable_conflict use_column
DECLARE
  price current_text_prices;
  admitted record;
BEGIN
  SELECT * INTO price FROM current_text_prices p WHERE p.model = p_model;
  IF NOT FOUND THEN
    RETURN QUERY SELECT 'unknown_model', NULL::text, NULL::bigint, NULL::integer, NULL::jsonb; RETURN;
  END IF;
  IF price.provider <> ALL (p_providers) THEN
    RETURN QUERY SELECT 'no_provider', NULL::text, NULL::bigint, NULL::integer, NULL::jsonb; RETURN;
  END IF;
  SELECT * INTO admitted FROM admit_priced(p_generation_id, p_account_id, p_api_key_id, p_model, NULL, NULL, NULL, NULL, '[]', price.provider,
    text_price_microcredits(price.input_cost_microcredits_per_million_tokens, price.output_cost_microcredits_per_million_tokens,
      price.margin_basis_points, p_input_bound_tokens, p_max_output_tokens)::bigint, NULL,
    p_max_microcredits, p_admit_within_ms, p_fingerprint, p_idempotency_key, p_retry_within_ms, NULL, NULL);
  IF admitted.outcome = 'admitted' THEN
    INSERT INTO text_requests (generation_id, request) VALUES (p_generation_id, p_request);
    INSERT INTO texts (generation_id, text_price_id, input_bound_tokens, max_output_tokens)
      VALUES (p_generation_id, price.id, p_input_bound_tokens, p_max_output_tokens);
    PERFORM keep_labels(p_generation_id, p_account_id, p_user, p_metadata);
  END IF;
  RETURN QUERY SELECT admitted.outcome, admitted.generation_id, admitted.amount_microcredits, admitted.answer_status, admitted.answer;
END $$;
COMMENT ON FUNCTION admit_text IS
$$Writes the request for a text, priced for the most that so many tokens can cost. p_request is what was asked for, an object;
nothing in SQL reads it.
outcome: as admit_priced; 'unknown_model'; 'no_provider' (its provider is not one of p_providers; NULL: any).
Rules: MR-28, MR-60, and those of admit_priced.$$;

CREATE FUNCTION claim_generation(
  p_generation_id text, p_claim_of text, p_account_id text, p_api_key_id text, p_admit_within_ms integer,
  p_fingerprint bytea, p_idempotency_key text, p_retry_within_ms integer, p_dry_run boolean
) RETURNS TABLE (outcome text, generation_id text, amount_microcredits bigint, answer_status integer, answer jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, holdfast, pg_temp AS $$
#variable_conflict use_column
DECLARE
  original generations;
  claim generations;
  account accounts;
BEGIN
  RETURN QUERY SELECT * FROM find_repeat(p_account_id, p_api_key_id, p_fingerprint, p_idempotency_key, p_retry_within_ms);
  IF FOUND THEN
    RETURN;
  END IF;
  -- Two claims, or a claim and the deletion, are served one after the other.
  SELECT * INTO original FROM generations gen WHERE gen.id = p_claim_of AND gen.account_id = p_account_id FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RETURN QUERY SELECT 'unknown', NULL::text, NULL::bigint, NULL::integer, NULL::jsonb; RETURN;
  END IF;
  SELECT * INTO claim FROM generations gen WHERE gen.claim_of = p_claim_of AND gen.state IN ('requested', 'held', 'charged');
  IF claim.state = 'requested' AND claim.admit_by < clock_timestamp() THEN
    -- Its process died before the hold: void, and this one takes its place.
    IF (SELECT v.state = 'voided' FROM void_generation_if_late(claim.id) v) THEN claim.id := NULL; END IF;
  END IF;
  IF claim.id IS NOT NULL THEN
    PERFORM keep_key(p_account_id, p_idempotency_key, p_fingerprint, claim.id, NULL);
    RETURN QUERY SELECT CASE WHEN claim.state = 'requested' THEN 'pending' ELSE 'replay' END, claim.id, claim.amount_microcredits, 200, NULL::jsonb;
    RETURN;
  END IF;
  IF original.claimable_until IS NULL OR original.claimable_until < clock_timestamp() OR original.deletion_begun_at IS NOT NULL
     OR original.deleted_at IS NOT NULL OR original.provider_id_contested_at IS NOT NULL THEN
    RETURN QUERY SELECT 'not_claimable', NULL::text, original.amount_microcredits, NULL::integer, NULL::jsonb; RETURN;
  END IF;
  -- A claim pays anew, so it is a sale; a repeat of one was answered above.
  IF sales_are_closed() THEN
    RETURN QUERY SELECT 'sales_closed', NULL::text, original.amount_microcredits, NULL::integer, NULL::jsonb; RETURN;
  END IF;
  -- Its content is copied from there, before it is charged.
  IF provider_is_down(original.provider) THEN
    RETURN QUERY SELECT 'provider_down', NULL::text, original.amount_microcredits, NULL::integer, NULL::jsonb; RETURN;
  END IF;
  SELECT * INTO STRICT account FROM accounts a WHERE a.id = p_account_id;
  IF account.frozen_at IS NOT NULL THEN
    RETURN QUERY SELECT 'account_frozen', NULL::text, original.amount_microcredits, NULL::integer, NULL::jsonb; RETURN;
  END IF;
  IF account.available_microcredits < original.amount_microcredits THEN
    PERFORM keep_key(p_account_id, p_idempotency_key, p_fingerprint, NULL, original.amount_microcredits);
    RETURN QUERY SELECT 'insufficient_credits', NULL::text, original.amount_microcredits, NULL::integer, NULL::jsonb; RETURN;
  END IF;
  IF p_dry_run THEN
    RETURN QUERY SELECT 'admitted', NULL::text, original.amount_microcredits, NULL::integer, NULL::jsonb; RETURN;
  END IF;
  INSERT INTO generations (id, account_id, api_key_id, model, seconds, size, price_id, offer_id, price_effects, provider_name, amount_microcredits,
      admit_by, fingerprint, claim_of)
  VALUES (p_generation_id, p_account_id, p_api_key_id, original.model, original.seconds, original.size, original.price_id, original.offer_id,
          original.price_effects, original.provider_name, original.amount_microcredits, clock_timestamp() + make_interval(secs => p_admit_within_ms / 1000.0), p_fingerprint, p_claim_of);
  INSERT INTO inputs (generation_id, prompt, parameters) SELECT p_generation_id, i.prompt, i.parameters FROM inputs i WHERE i.generation_id = p_claim_of;
  INSERT INTO generation_labels (generation_id, account_id, place, name, value)
    SELECT p_generation_id, l.account_id, l.place, l.name, l.value FROM generation_labels l WHERE l.generation_id = p_claim_of;
  PERFORM keep_key(p_account_id, p_idempotency_key, p_fingerprint, p_generation_id, NULL);
  PERFORM append_event(p_generation_id, 'requested', jsonb_build_object('amount_microcredits', original.amount_microcredits, 'claim_of', p_claim_of));
  PERFORM append_event(p_claim_of, 'claimed', jsonb_build_object('by', p_generation_id));
  RETURN QUERY SELECT 'admitted', p_generation_id, original.amount_microcredits, NULL::integer, NULL::jsonb;
END $$;
COMMENT ON FUNCTION claim_generation IS
$$Admits a claim: a new generation at the old price for a video that completed after its release, with its labels. A video is
claimed once, and never while its deletion has begun or while its id is contested. A dry run answers the same and writes
nothing.
outcome: 'admitted'; 'replay' or 'pending' (it is claimed already, by the generation in the answer); 'not_claimable' (not
late, or too late); 'sales_closed', 'provider_down', 'account_frozen', 'insufficient_credits'; 'unknown' (no such generation
of this account); for a repeat what find_repeat answers.
Rules: MR-26, MR-39, MR-53, MR-76, MR-89, MR-90.$$;

CREATE FUNCTION keep_answer(p_account_id text, p_key text, p_status integer, p_answer jsonb, p_generation_id text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, holdfast, pg_temp AS $$
BEGIN
  -- Behind a deletion that is under way; the next statement sees what that did.
  PERFORM FROM idempotency_keys WHERE account_id = p_account_id AND key = p_key FOR NO KEY UPDATE;
  UPDATE idempotency_keys SET answer_status = p_status, answer = p_answer
  WHERE account_id = p_account_id AND key = p_key AND answer IS NULL
    AND (p_generation_id IS NULL OR generation_id IS NULL OR generation_id = p_generation_id) AND NOT is_deleted(generation_id);
END $$;
COMMENT ON FUNCTION keep_answer IS
$$Keeps the answer of a request that came with an idempotency key; the first answer stands. Nothing is kept for another
generation than the key's own, because a late refusal must not answer a later request that was accepted under the same key;
nor for a deleted generation, because an answer has the prompt.
Rules: MR-90, MR-96.$$;

CREATE FUNCTION void_generation(p_generation_id text) RETURNS TABLE (state text, refusal_code text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, holdfast, pg_temp AS $$
#variable_conflict use_column
DECLARE g generations := lock_generation(p_generation_id);
BEGIN
  IF g.state = 'requested' THEN
    UPDATE generations gen SET state = 'voided', refusal_code = 'voided' WHERE gen.id = p_generation_id RETURNING * INTO g;
    PERFORM append_event(p_generation_id, 'voided', '{}');
    PERFORM erase_inputs(p_generation_id);
  END IF;
  RETURN QUERY SELECT g.state, g.refusal_code;
END $$;
COMMENT ON FUNCTION void_generation IS
$$Gives up a request that has no hold yet, by compare-and-set against place_hold. Answers with the state afterwards: 'voided'
means that nothing is held and nothing ever will be.
Raises HF001.
Rules: MR-28.$$;

CREATE FUNCTION void_generation_if_late(p_generation_id text) RETURNS TABLE (state text)
LANGUAGE plpgsql SET search_path = pg_catalog, holdfast, pg_temp AS $$
DECLARE g generations := lock_generation(p_generation_id);
BEGIN
  IF g.state = 'requested' AND clock_timestamp() > g.admit_by THEN
    RETURN QUERY SELECT v.state FROM void_generation(p_generation_id) v;
  ELSE
    RETURN QUERY SELECT g.state;
  END IF;
END $$;
COMMENT ON FUNCTION void_generation_if_late IS
$$Internal. Gives up a request whose admit_by has passed; answers with the state.
Raises HF001.
Rules: MR-29.$$;

CREATE FUNCTION void_late_requests(p_limit integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, holdfast, pg_temp AS $$
DECLARE
  late text;
  voided integer := 0;
BEGIN
  FOR late IN SELECT id FROM generations WHERE state = 'requested' AND admit_by < clock_timestamp()
      ORDER BY admit_by LIMIT p_limit FOR NO KEY UPDATE SKIP LOCKED LOOP
    IF (SELECT v.state = 'voided' FROM void_generation_if_late(late) v) THEN voided := voided + 1; END IF;
  END LOOP;
  RETURN voided;
END $$;
COMMENT ON FUNCTION void_late_requests IS
$$Voids requests whose admit_by has passed: nobody will ask for their hold any more. Answers with how many it voided.
Rules: MR-29.$$;

GRANT SELECT ON idempotency_keys TO holdfast_service;
GRANT EXECUTE ON FUNCTION admit_generation, admit_text, claim_generation, keep_answer,
  void_generation, void_late_requests TO holdfast_service;

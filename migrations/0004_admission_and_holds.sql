-- Admission, holds and settlement. Every movement of credits is one call of one of these.
-- Errors of their own: HF001 unknown generation, HF002 wrong state, HF003 no proof, HF004 never changes, HF005 unbalanced.

-- Writes the request, if the account could pay for it at a glance: place_hold decides for good. With an idempotency key,
-- the key, what it stands for and the generation are written in this one transaction.
-- outcome: 'admitted', 'unknown_model', 'unknown_size', 'account_frozen', 'insufficient_credits'; for a key that came before:
-- 'in_use' (still running), 'reused' (another body), 'too_old' (over 72 h), 'replay' (answer as kept, or by the generation).
CREATE FUNCTION admit_generation(
  p_generation_id text, p_account_id text, p_api_key_id text, p_model text, p_seconds integer, p_size text,
  p_prompt text, p_reference bytea, p_reference_type text, p_reference_filename text, p_admit_within_ms integer,
  p_fingerprint bytea, p_idempotency_key text
) RETURNS TABLE (outcome text, generation_id text, amount_microcredits bigint, answer_status integer, answer jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
#variable_conflict use_column
DECLARE
  price current_prices;
  account accounts;
  amount bigint;
  earlier idempotency_keys;
  earlier_state text;
BEGIN
  SELECT * INTO price FROM current_prices p WHERE p.model = p_model AND p.size = p_size;
  IF NOT FOUND THEN
    RETURN QUERY SELECT CASE WHEN EXISTS (SELECT FROM current_prices p WHERE p.model = p_model)
      THEN 'unknown_size' ELSE 'unknown_model' END, NULL::text, NULL::bigint, NULL::integer, NULL::jsonb;
    RETURN;
  END IF;
  amount := price_microcredits(price.provider_cost_microcredits_per_second, price.margin_basis_points, p_seconds);

  IF p_idempotency_key IS NOT NULL THEN
    -- Two callers with one key: the second waits here for the first one's transaction, and then finds its row.
    PERFORM pg_advisory_xact_lock(hashtextextended(p_account_id || ' ' || p_idempotency_key, 0));
    SELECT * INTO earlier FROM idempotency_keys k WHERE k.account_id = p_account_id AND k.key = p_idempotency_key FOR NO KEY UPDATE;
    IF FOUND THEN
      SELECT gen.state INTO earlier_state FROM generations gen WHERE gen.id = earlier.generation_id;
      IF earlier_state = 'requested' THEN
        -- Its time to be held may be over, and its process dead: then it is void, and this request takes its place.
        SELECT v.state INTO earlier_state FROM void_generation_if_late(earlier.generation_id) v;
      END IF;
      IF earlier.created_at < clock_timestamp() - interval '72 hours' THEN
        RETURN QUERY SELECT 'too_old', NULL::text, amount, NULL::integer, NULL::jsonb; RETURN;
      ELSIF earlier.fingerprint <> p_fingerprint THEN
        RETURN QUERY SELECT 'reused', NULL::text, amount, NULL::integer, NULL::jsonb; RETURN;
      ELSIF earlier_state = 'requested' THEN
        RETURN QUERY SELECT 'in_use', earlier.generation_id, amount, NULL::integer, NULL::jsonb; RETURN;
      ELSIF earlier.answer_status IS NOT NULL OR earlier_state IN ('held', 'charged', 'refunded')
        OR EXISTS (SELECT FROM generations gen WHERE gen.id = earlier.generation_id AND gen.refusal_code = 'insufficient_credits') THEN
        RETURN QUERY SELECT 'replay', earlier.generation_id, amount,
          COALESCE(earlier.answer_status, CASE WHEN earlier_state IN ('held', 'charged', 'refunded') THEN 200 ELSE 402 END), earlier.answer;
        RETURN;
      END IF;
    END IF;
  END IF;

  SELECT * INTO STRICT account FROM accounts a WHERE a.id = p_account_id;
  IF account.frozen_at IS NOT NULL THEN
    RETURN QUERY SELECT 'account_frozen', NULL::text, amount, NULL::integer, NULL::jsonb; RETURN;
  END IF;
  IF account.available_microcredits < amount THEN
    -- A key that was refused for lack of credits stays refused.
    IF p_idempotency_key IS NOT NULL THEN
      INSERT INTO idempotency_keys AS k (account_id, key, fingerprint, answer_status) VALUES (p_account_id, p_idempotency_key, p_fingerprint, 402)
        ON CONFLICT (account_id, key) DO UPDATE SET answer_status = 402, generation_id = NULL;
    END IF;
    RETURN QUERY SELECT 'insufficient_credits', NULL::text, amount, NULL::integer, NULL::jsonb; RETURN;
  END IF;
  INSERT INTO generations (id, account_id, api_key_id, model, seconds, size, price_id, amount_microcredits, admit_by, fingerprint)
  VALUES (p_generation_id, p_account_id, p_api_key_id, p_model, p_seconds, p_size, price.id, amount,
          clock_timestamp() + make_interval(secs => p_admit_within_ms / 1000.0), p_fingerprint);
  INSERT INTO inputs (generation_id, prompt, reference, reference_type, reference_filename)
  VALUES (p_generation_id, p_prompt, p_reference, p_reference_type, p_reference_filename);
  IF p_idempotency_key IS NOT NULL THEN
    INSERT INTO idempotency_keys AS k (account_id, key, fingerprint, generation_id)
      VALUES (p_account_id, p_idempotency_key, p_fingerprint, p_generation_id)
      ON CONFLICT (account_id, key) DO UPDATE SET generation_id = p_generation_id;
  END IF;
  PERFORM append_event(p_generation_id, 'requested', jsonb_build_object('amount_microcredits', amount));
  RETURN QUERY SELECT 'admitted', p_generation_id, amount, NULL::integer, NULL::jsonb;
END $$;

-- Keeps the answer of a request that came with an idempotency key; the first one stands.
CREATE FUNCTION keep_answer(p_account_id text, p_key text, p_status integer, p_answer jsonb) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  UPDATE idempotency_keys SET answer_status = p_status, answer = p_answer
  WHERE account_id = p_account_id AND key = p_key AND answer IS NULL
$$;

-- The newest request of this key and body whose answer may never have reached its client, from the last 15 minutes: the
-- one that an SDK's retry without an idempotency key means.
CREATE FUNCTION find_unanswered(p_api_key_id text, p_fingerprint bytea) RETURNS TABLE (generation_id text, state text, amount_microcredits bigint)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT id, state, amount_microcredits FROM generations
  WHERE api_key_id = p_api_key_id AND fingerprint = p_fingerprint AND answered_at IS NULL
    AND requested_at > clock_timestamp() - interval '15 minutes' AND state IN ('requested', 'held', 'charged', 'refunded')
  ORDER BY requested_at DESC LIMIT 1
$$;

CREATE FUNCTION mark_answered(p_generation_id text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  UPDATE generations SET answered_at = clock_timestamp() WHERE id = p_generation_id AND answered_at IS NULL
$$;

-- Gives up a request that has no hold yet. Answers with what the generation is afterwards: 'voided' means that nothing is
-- held and nothing ever will be.
CREATE FUNCTION void_generation(p_generation_id text) RETURNS TABLE (state text, refusal_code text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
#variable_conflict use_column
DECLARE g generations := lock_generation(p_generation_id);
BEGIN
  IF g.state = 'requested' THEN
    UPDATE generations gen SET state = 'voided', refusal_code = 'voided' WHERE gen.id = p_generation_id RETURNING * INTO g;
    PERFORM append_event(p_generation_id, 'voided', '{}');
  END IF;
  RETURN QUERY SELECT g.state, g.refusal_code;
END $$;

-- Internal: gives up a request whose time to be held is over; answers with the state.
CREATE FUNCTION void_generation_if_late(p_generation_id text) RETURNS TABLE (state text)
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE g generations := lock_generation(p_generation_id);
BEGIN
  IF g.state = 'requested' AND clock_timestamp() > g.admit_by THEN
    RETURN QUERY SELECT v.state FROM void_generation(p_generation_id) v;
  ELSE
    RETURN QUERY SELECT g.state;
  END IF;
END $$;

-- Records that the client, or an operator in Temporal, wants no video any more; once. It moves no credits: the workflow
-- releases the hold if nothing can have been made yet. first: whether this call was the one that recorded it.
CREATE FUNCTION request_cancel(p_generation_id text, p_by text) RETURNS TABLE (state text, first boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
#variable_conflict use_column
DECLARE g generations := lock_generation(p_generation_id);
BEGIN
  IF g.state IN ('requested', 'held') AND g.cancel_requested_at IS NULL THEN
    UPDATE generations gen SET cancel_requested_at = clock_timestamp() WHERE gen.id = p_generation_id;
    PERFORM append_event(p_generation_id, 'cancel_requested', jsonb_build_object('by', p_by));
    RETURN QUERY SELECT g.state, true;
  ELSE
    RETURN QUERY SELECT g.state, false;
  END IF;
END $$;

-- Hides a settled generation from its owner. Answers with false while it is open: deleting is no way to a refund.
CREATE FUNCTION delete_generation(p_generation_id text, p_account_id text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE g generations := lock_generation(p_generation_id);
BEGIN
  IF g.account_id IS DISTINCT FROM p_account_id OR g.state NOT IN ('charged', 'refunded') THEN
    RETURN false;
  END IF;
  IF g.deleted_at IS NULL THEN
    UPDATE generations SET deleted_at = clock_timestamp() WHERE id = p_generation_id;
    PERFORM append_event(p_generation_id, 'deleted', '{}');
  END IF;
  RETURN true;
END $$;

-- Median time that recent generations of the same kind took; NULL when there are none.
CREATE FUNCTION expected_duration_ms(p_model text, p_seconds integer, p_size text) RETURNS bigint
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT round(percentile_cont(0.5) WITHIN GROUP (ORDER BY duration_ms))::bigint FROM (
    SELECT duration_ms FROM generations
    WHERE state = 'charged' AND model = p_model AND seconds = p_seconds AND size = p_size
    ORDER BY charged_at DESC LIMIT 20) AS recent
$$;

CREATE FUNCTION milliseconds_until(p_moment timestamptz) RETURNS bigint
LANGUAGE sql VOLATILE SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT greatest(0, ceil(extract(epoch FROM p_moment - clock_timestamp()) * 1000))::bigint
$$;

-- Moves `requested` to `held` and the price from `available` to `held`, or to `refused`, or to `voided` when `admit_by`
-- has passed. Any later call changes nothing and answers with the generation as it stands.
CREATE FUNCTION place_hold(p_generation_id text, p_hold_ttl_seconds integer)
RETURNS TABLE (
  state text, refusal_code text, account_id text, hold_id text, amount_microcredits bigint, time_left_ms bigint, hold_ttl_ms bigint,
  model text, seconds integer, size text, expected_duration_ms bigint, provider_video_id text,
  create_may_have_arrived boolean, credits_charged boolean, settlement_reason text, error_code text
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
#variable_conflict use_column
DECLARE
  g generations := lock_generation(p_generation_id);
  account accounts;
  refusal text;
  new_hold_id text := 'hold_' || split_part(p_generation_id, '_', 2);
  placed timestamptz;
BEGIN
  IF g.state = 'requested' THEN
    LOOP
      -- One statement decides and moves: frozen, cap and balance are looked at under the row's lock (exploits 4 and 6).
      UPDATE accounts a SET
        available_microcredits = a.available_microcredits - g.amount_microcredits,
        held_microcredits = a.held_microcredits + g.amount_microcredits,
        active_generations = a.active_generations + 1
      WHERE a.id = g.account_id AND a.available_microcredits >= g.amount_microcredits
        AND a.frozen_at IS NULL AND a.active_generations < a.max_active_generations;
      EXIT WHEN FOUND;
      SELECT * INTO account FROM accounts a WHERE a.id = g.account_id FOR NO KEY UPDATE;
      refusal := CASE
        WHEN account.frozen_at IS NOT NULL THEN 'account_frozen'
        WHEN account.available_microcredits < g.amount_microcredits THEN 'insufficient_credits'
        WHEN account.active_generations >= account.max_active_generations THEN 'too_many_active_generations' END;
      -- NULL: what stood in the way has just gone, and the row is locked now.
      EXIT WHEN refusal IS NOT NULL;
    END LOOP;
    IF refusal IS NULL AND clock_timestamp() > g.admit_by THEN
      -- Looked at after the wait for the account's row. Its client has gone: what the statement above moved goes back.
      UPDATE accounts a SET
        available_microcredits = a.available_microcredits + g.amount_microcredits,
        held_microcredits = a.held_microcredits - g.amount_microcredits,
        active_generations = a.active_generations - 1
      WHERE a.id = g.account_id;
      PERFORM void_generation(p_generation_id);
    ELSIF refusal IS NOT NULL THEN
      UPDATE generations gen SET state = 'refused', refusal_code = refusal WHERE gen.id = p_generation_id;
      PERFORM append_event(p_generation_id, 'refused', jsonb_build_object('code', refusal));
    ELSE
      placed := clock_timestamp();
      INSERT INTO holds (id, generation_id, account_id, amount_microcredits, placed_at, expires_at)
      VALUES (new_hold_id, p_generation_id, g.account_id, g.amount_microcredits, placed, placed + make_interval(secs => p_hold_ttl_seconds));
      PERFORM post_movement(p_generation_id || ':hold', 'hold', g.account_id, p_generation_id, g.amount_microcredits, NULL,
                            'available', 'held', g.amount_microcredits);
      UPDATE generations gen SET state = 'held', counts_as_active = true WHERE gen.id = p_generation_id;
      PERFORM append_event(p_generation_id, 'held', jsonb_build_object('amount_microcredits', g.amount_microcredits));
    END IF;
  END IF;
  RETURN QUERY
    SELECT gen.state, gen.refusal_code, gen.account_id, h.id, gen.amount_microcredits, milliseconds_until(h.expires_at),
      (extract(epoch FROM h.expires_at - h.placed_at) * 1000)::bigint, gen.model, gen.seconds, gen.size,
      CASE WHEN gen.state = 'held' THEN expected_duration_ms(gen.model, gen.seconds, gen.size) END, gen.provider_video_id,
      EXISTS (SELECT FROM create_attempts att WHERE att.generation_id = gen.id AND att.outcome IS NULL),
      gen.credits_charged, gen.settlement_reason, gen.error_code
    FROM generations gen LEFT JOIN holds h ON h.generation_id = gen.id WHERE gen.id = p_generation_id;
END $$;

-- Whether as many creates were begun as may ever be; one that is proven to have made nothing does not count.
CREATE FUNCTION creates_spent(p_generation_id text) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT count(*) >= 3 FROM create_attempts WHERE generation_id = p_generation_id AND outcome IS DISTINCT FROM 'not_made'
$$;

-- Whether every create so far is proven to have made nothing.
CREATE FUNCTION nothing_made(p_generation_id text) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT NOT EXISTS (SELECT FROM create_attempts WHERE generation_id = p_generation_id AND outcome IS DISTINCT FROM 'not_made')
$$;

-- Settles a held generation: 'completed' captures, every other reason releases. Each reason needs its proof in the
-- database, whoever calls. The same settlement again answers with the first; a different one is a conflict, recorded.
-- result: 'settled', 'conflict', and for 'expired' 'not_due' (the hold's time is not over) and 'terminal' (the provider's
-- last word is on record, and settles it).
CREATE FUNCTION settle_generation(p_generation_id text, p_reason text)
RETURNS TABLE (result text, credits_charged boolean, settlement_reason text, error_code text, time_left_ms bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
#variable_conflict use_column
DECLARE
  g generations := lock_generation(p_generation_id);
  hold holds;
  refused create_attempts;
  charge boolean := p_reason = 'completed';
  proven boolean;
  code text;
  message text;
  finished boolean;
  settled timestamptz := clock_timestamp();
BEGIN
  IF g.state IN ('charged', 'refunded') THEN
    IF g.settlement_reason <> p_reason THEN
      PERFORM append_event(p_generation_id, 'settlement_conflict', jsonb_build_object('asked', p_reason, 'stands', g.settlement_reason));
    END IF;
    RETURN QUERY SELECT CASE WHEN g.settlement_reason = p_reason THEN 'settled' ELSE 'conflict' END,
      g.credits_charged, g.settlement_reason, g.error_code, NULL::bigint;
    RETURN;
  END IF;
  IF g.state <> 'held' THEN
    RAISE EXCEPTION 'generation % is %, not held', p_generation_id, g.state USING ERRCODE = 'HF002';
  END IF;
  IF p_reason = 'emergency' AND g.provider_verdict IN ('completed', 'failed') THEN
    -- The provider's last word goes first: only what can't be recorded even now is an emergency.
    BEGIN
      RETURN QUERY SELECT * FROM settle_generation(p_generation_id, CASE g.provider_verdict WHEN 'completed' THEN 'completed' ELSE 'provider_failed' END);
      RETURN;
    EXCEPTION WHEN integrity_constraint_violation OR data_exception OR raise_exception OR SQLSTATE 'HF004' OR SQLSTATE 'HF005' THEN
      NULL;
    END;
  END IF;
  SELECT * INTO STRICT hold FROM holds h WHERE h.generation_id = p_generation_id FOR NO KEY UPDATE;
  SELECT * INTO refused FROM create_attempts a WHERE a.generation_id = p_generation_id AND a.outcome = 'refused';

  IF p_reason = 'expired' AND g.provider_verdict IN ('completed', 'failed') THEN
    RETURN QUERY SELECT 'terminal', g.provider_verdict = 'completed', NULL::text, g.provider_error_code, NULL::bigint; RETURN;
  END IF;
  IF p_reason = 'expired' AND hold.expires_at > settled THEN
    RETURN QUERY SELECT 'not_due', NULL::boolean, NULL::text, NULL::text, milliseconds_until(hold.expires_at); RETURN;
  END IF;
  proven := CASE p_reason
    WHEN 'completed' THEN g.provider_verdict = 'completed'
    WHEN 'provider_failed' THEN g.provider_verdict = 'failed'
    WHEN 'create_refused' THEN refused.number IS NOT NULL AND g.provider_video_id IS NULL
    WHEN 'provider_unavailable' THEN g.provider_video_id IS NULL
      AND NOT EXISTS (SELECT FROM create_attempts a WHERE a.generation_id = p_generation_id AND a.outcome IS NULL)
    -- Before the first create that may have made anything; later the provider's last word settles it.
    WHEN 'cancelled' THEN g.cancel_requested_at IS NOT NULL AND nothing_made(p_generation_id)
    WHEN 'create_failed' THEN g.provider_video_id IS NULL AND creates_spent(p_generation_id)
      AND NOT EXISTS (SELECT FROM create_attempts a WHERE a.generation_id = p_generation_id AND a.outcome IS NULL)
    WHEN 'expired' THEN true
    -- Nothing else could be written for ten minutes; record_settlement_refusal has the time.
    WHEN 'emergency' THEN g.settlement_refused_at <= settled - interval '10 minutes'
    ELSE false END;
  IF proven IS NOT TRUE THEN
    RAISE EXCEPTION 'nothing proves "%" for generation %', p_reason, p_generation_id USING ERRCODE = 'HF003';
  END IF;

  SELECT t.code, t.message INTO code, message FROM (VALUES
    ('provider_failed', COALESCE(g.provider_error_code, 'generation_failed'), g.provider_error_message),
    ('create_refused', COALESCE(refused.error_code, 'invalid_request'), refused.error_message),
    ('provider_unavailable', 'provider_unavailable', 'The video provider could not take this video in time.'),
    ('cancelled', 'cancelled', 'The video was cancelled before the provider began.'),
    ('create_failed', 'create_failed', 'The video could not be started at the provider.'),
    ('expired', 'generation_timeout', 'The video was not finished in time.'),
    ('emergency', 'settlement_failed', 'The outcome of this video could not be recorded.')
  ) AS t (reason, code, message) WHERE t.reason = p_reason;
  -- Released while the provider may still be at work: it counts against the cap until its end is known.
  finished := is_finished(g);

  UPDATE holds h SET state = CASE WHEN charge THEN 'captured' ELSE 'released' END, settled_at = settled WHERE h.id = hold.id;
  UPDATE accounts a SET
    held_microcredits = a.held_microcredits - hold.amount_microcredits,
    available_microcredits = a.available_microcredits + CASE WHEN charge THEN 0 ELSE hold.amount_microcredits END,
    active_generations = a.active_generations - CASE WHEN finished AND g.counts_as_active THEN 1 ELSE 0 END
  WHERE a.id = hold.account_id;
  PERFORM post_movement(p_generation_id || ':settle', CASE WHEN charge THEN 'capture' ELSE 'release' END, hold.account_id,
    p_generation_id, hold.amount_microcredits, p_reason, 'held', CASE WHEN charge THEN 'revenue' ELSE 'available' END, hold.amount_microcredits);
  UPDATE generations gen SET
    state = CASE WHEN charge THEN 'charged' ELSE 'refunded' END,
    credits_charged = charge,
    charged_amount_microcredits = CASE WHEN charge THEN hold.amount_microcredits END,
    charged_at = settled,
    settlement_reason = p_reason,
    error_code = code,
    error_message = message,
    -- By the provider's clock only where that fits into the time that we saw pass.
    duration_ms = CASE WHEN charge THEN extract(epoch FROM CASE
      WHEN g.provider_completed_at - g.provider_created_at BETWEEN interval '0' AND settled - hold.placed_at
        THEN g.provider_completed_at - g.provider_created_at
      ELSE settled - hold.placed_at END) * 1000 END,
    counts_as_active = g.counts_as_active AND NOT finished
  WHERE gen.id = p_generation_id;
  PERFORM append_event(p_generation_id, CASE WHEN charge THEN 'charged' ELSE 'refunded' END,
    jsonb_build_object('reason', p_reason, 'code', code, 'amount_microcredits', hold.amount_microcredits));
  RETURN QUERY SELECT 'settled', charge, p_reason, code, NULL::bigint;
END $$;

-- Notes that a rule or a constraint refuses the settlement. The first note begins the ten minutes after which
-- settle_generation(…, 'emergency') gives the credits back.
CREATE FUNCTION record_settlement_refusal(p_generation_id text, p_reason text, p_why text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE g generations := lock_generation(p_generation_id);
BEGIN
  IF g.state = 'held' AND g.settlement_refused_at IS NULL THEN
    UPDATE generations SET settlement_refused_at = clock_timestamp() WHERE id = p_generation_id;
    PERFORM append_event(p_generation_id, 'settlement_refused', jsonb_build_object('asked', p_reason, 'why', p_why));
  END IF;
END $$;

GRANT EXECUTE ON FUNCTION admit_generation, keep_answer, find_unanswered, mark_answered, void_generation, request_cancel,
  delete_generation, place_hold, settle_generation, record_settlement_refusal, expected_duration_ms TO holdfast_service;

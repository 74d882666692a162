-- Placing, settling and refunding, each with as little as possible between the lock of the account's row and the commit:
-- that row is the only one that two movements of one tenant meet at.
-- Errors of their own: HF006 more than is held.

-- A claim: a generation that pays for the video of another, which was refunded before it completed.
ALTER TABLE generations ADD COLUMN claim_of text REFERENCES generations;

DROP FUNCTION place_hold(text, integer);
-- Moves `requested` to `held` and the price from `available` to `held`, or to `refused`, or to `voided` when `admit_by`
-- has passed. Any later call changes nothing and answers with the generation as it stands.
CREATE FUNCTION place_hold(p_generation_id text, p_hold_ttl_seconds integer)
RETURNS TABLE (
  state text, refusal_code text, account_id text, hold_id text, amount_microcredits bigint, time_left_ms bigint, hold_ttl_ms bigint,
  model text, seconds integer, size text, expected_duration_ms bigint, provider_video_id text, is_claim boolean,
  create_may_have_arrived boolean, credits_charged boolean, settlement_reason text, error_code text
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
#variable_conflict use_column
DECLARE
  g generations := lock_generation(p_generation_id);
  account accounts;
  refusal text;
  placed timestamptz;
  expected bigint;
BEGIN
  IF g.state IN ('requested', 'held') THEN
    expected := expected_duration_ms(g.model, g.seconds, g.size);
  END IF;
  IF g.state = 'requested' THEN
    LOOP
      -- One statement decides and moves: frozen, cap and balance are looked at under the row's lock (exploits 4 and 6).
      UPDATE accounts a SET
        available_microcredits = a.available_microcredits - g.amount_microcredits,
        held_microcredits = a.held_microcredits + g.amount_microcredits,
        active_generations = a.active_generations + 1
      WHERE a.id = g.account_id AND a.available_microcredits >= g.amount_microcredits
        AND a.frozen_at IS NULL AND a.active_generations < a.max_active_generations
      RETURNING * INTO account;
      EXIT WHEN FOUND;
      SELECT * INTO account FROM accounts a WHERE a.id = g.account_id FOR NO KEY UPDATE;
      refusal := CASE
        WHEN account.frozen_at IS NOT NULL THEN 'account_frozen'
        WHEN account.available_microcredits < g.amount_microcredits THEN 'insufficient_credits'
        WHEN account.active_generations >= account.max_active_generations THEN 'too_many_active_generations' END;
      -- NULL: what stood in the way has just gone, and the row is locked now.
      EXIT WHEN refusal IS NOT NULL;
    END LOOP;
    placed := clock_timestamp();
    IF refusal IS NULL AND placed > g.admit_by THEN
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
      INSERT INTO holds (id, generation_id, account_id, amount_microcredits, placed_at, expires_at)
      VALUES ('hold_' || split_part(p_generation_id, '_', 2), p_generation_id, g.account_id, g.amount_microcredits, placed,
              placed + make_interval(secs => p_hold_ttl_seconds));
      PERFORM post_transaction(p_generation_id || ':hold', 'hold', account, p_generation_id, g.amount_microcredits, NULL,
        -g.amount_microcredits, g.amount_microcredits, 0, 0);
      UPDATE generations gen SET state = 'held', counts_as_active = true, event_sequence = gen.event_sequence + 1
        WHERE gen.id = p_generation_id;
      INSERT INTO generation_events (generation_id, sequence, kind, data)
        VALUES (p_generation_id, g.event_sequence + 1, 'held', jsonb_build_object('amount_microcredits', g.amount_microcredits));
    END IF;
  END IF;
  RETURN QUERY
    SELECT gen.state, gen.refusal_code, gen.account_id, h.id, gen.amount_microcredits, milliseconds_until(h.expires_at),
      (extract(epoch FROM h.expires_at - h.placed_at) * 1000)::bigint, gen.model, gen.seconds, gen.size,
      CASE WHEN gen.state = 'held' THEN expected END,
      COALESCE(gen.provider_video_id, (SELECT original.provider_video_id FROM generations original WHERE original.id = gen.claim_of)),
      gen.claim_of IS NOT NULL,
      EXISTS (SELECT FROM create_attempts att WHERE att.generation_id = gen.id AND att.outcome IS NULL),
      gen.credits_charged, gen.settlement_reason, gen.error_code
    FROM generations gen LEFT JOIN holds h ON h.generation_id = gen.id WHERE gen.id = p_generation_id;
END $$;

DROP FUNCTION settle_generation(text, text);
-- Settles a held generation: 'completed' captures, every other reason releases. Each reason needs its proof in the
-- database, whoever calls. A capture takes p_charge_microcredits, all that is held when that is NULL, and returns the rest;
-- of 0 it is a release ('nothing_to_charge'). The same settlement again answers with the first; a different one is a
-- conflict, recorded.
-- result: 'settled', 'conflict', and for 'expired' 'not_due' (the hold's time is not over) and 'terminal' (the provider's
-- last word is on record, and settles it).
CREATE FUNCTION settle_generation(p_generation_id text, p_reason text, p_charge_microcredits bigint DEFAULT NULL)
RETURNS TABLE (result text, credits_charged boolean, settlement_reason text, error_code text, time_left_ms bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
#variable_conflict use_column
DECLARE
  g generations := lock_generation(p_generation_id);
  hold holds;
  account accounts;
  refused create_attempts;
  asked text := CASE WHEN p_reason = 'completed' AND p_charge_microcredits = 0 THEN 'nothing_to_charge' ELSE p_reason END;
  charge boolean := asked = 'completed';
  charged bigint := CASE WHEN asked = 'completed' THEN COALESCE(p_charge_microcredits, g.amount_microcredits) END;
  proven boolean;
  code text;
  message text;
  finished boolean;
  settled timestamptz := clock_timestamp();
BEGIN
  IF g.state IN ('charged', 'refunded') THEN
    IF (g.settlement_reason, g.charged_amount_microcredits) IS DISTINCT FROM (asked, charged) THEN
      PERFORM append_event(p_generation_id, 'settlement_conflict', jsonb_strip_nulls(jsonb_build_object(
        'asked', asked, 'asked_microcredits', p_charge_microcredits, 'stands', g.settlement_reason)));
      RETURN QUERY SELECT 'conflict', g.credits_charged, g.settlement_reason, g.error_code, NULL::bigint; RETURN;
    END IF;
    RETURN QUERY SELECT 'settled', g.credits_charged, g.settlement_reason, g.error_code, NULL::bigint; RETURN;
  END IF;
  IF g.state <> 'held' THEN
    RAISE EXCEPTION 'generation % is %, not held', p_generation_id, g.state USING ERRCODE = 'HF002';
  END IF;
  IF p_charge_microcredits IS NOT NULL AND (p_reason <> 'completed' OR p_charge_microcredits < 0) THEN
    RAISE EXCEPTION 'only a capture charges, and never less than 0' USING ERRCODE = '22003';
  END IF;
  IF charged > g.amount_microcredits THEN
    RAISE EXCEPTION 'generation % holds less than that', p_generation_id USING ERRCODE = 'HF006';
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

  IF p_reason = 'expired' AND (g.provider_verdict IN ('completed', 'failed') OR g.claim_of IS NOT NULL AND claim_is_ready(g)) THEN
    RETURN QUERY SELECT 'terminal', g.claim_of IS NOT NULL OR g.provider_verdict = 'completed', NULL::text, g.provider_error_code, NULL::bigint; RETURN;
  END IF;
  IF p_reason = 'expired' AND hold.expires_at > settled THEN
    RETURN QUERY SELECT 'not_due', NULL::boolean, NULL::text, NULL::text, milliseconds_until(hold.expires_at); RETURN;
  END IF;
  IF p_reason = 'create_refused' THEN
    SELECT * INTO refused FROM create_attempts a WHERE a.generation_id = p_generation_id AND a.outcome = 'refused';
  END IF;
  proven := CASE asked
    WHEN 'completed' THEN CASE WHEN g.claim_of IS NULL THEN g.provider_verdict = 'completed' ELSE claim_is_ready(g) END
    WHEN 'nothing_to_charge' THEN g.provider_verdict = 'completed'
    WHEN 'provider_failed' THEN g.provider_verdict = 'failed'
    WHEN 'create_refused' THEN refused.number IS NOT NULL AND g.provider_video_id IS NULL
    WHEN 'provider_unavailable' THEN g.claim_of IS NULL AND g.provider_video_id IS NULL
      AND NOT EXISTS (SELECT FROM create_attempts a WHERE a.generation_id = p_generation_id AND a.outcome IS NULL)
    -- Before the first create that may have made anything; later the provider's last word settles it.
    WHEN 'cancelled' THEN g.claim_of IS NULL AND g.cancel_requested_at IS NOT NULL AND nothing_made(p_generation_id)
    WHEN 'create_failed' THEN g.provider_video_id IS NULL AND creates_spent(p_generation_id)
      AND NOT EXISTS (SELECT FROM create_attempts a WHERE a.generation_id = p_generation_id AND a.outcome IS NULL)
    WHEN 'expired' THEN true
    -- Nothing else could be written for ten minutes; record_settlement_refusal has the time.
    WHEN 'emergency' THEN g.settlement_refused_at <= settled - interval '10 minutes'
    ELSE false END;
  IF proven IS NOT TRUE THEN
    RAISE EXCEPTION 'nothing proves "%" for generation %', p_reason, p_generation_id USING ERRCODE = 'HF003';
  END IF;

  IF NOT charge THEN
    SELECT t.code, t.message INTO code, message FROM (VALUES
      ('nothing_to_charge', 'nothing_delivered', 'Nothing was delivered, so nothing was charged.'),
      ('provider_failed', COALESCE(g.provider_error_code, 'generation_failed'), g.provider_error_message),
      ('create_refused', COALESCE(refused.error_code, 'invalid_request'), refused.error_message),
      ('provider_unavailable', 'provider_unavailable', 'The video provider could not take this video in time.'),
      ('cancelled', 'cancelled', 'The video was cancelled before the provider began.'),
      ('create_failed', 'create_failed', 'The video could not be started at the provider.'),
      ('expired', 'generation_timeout', 'The video was not finished in time.'),
      ('emergency', 'settlement_failed', 'The outcome of this video could not be recorded.')
    ) AS t (reason, code, message) WHERE t.reason = asked;
  END IF;
  -- Released while the provider may still be at work: it counts against the cap until its end is known.
  finished := charge OR is_finished(g);

  UPDATE holds h SET state = CASE WHEN charge THEN 'captured' ELSE 'released' END, settled_at = settled WHERE h.id = hold.id;
  UPDATE generations gen SET
    state = CASE WHEN charge THEN 'charged' ELSE 'refunded' END,
    credits_charged = charge,
    charged_amount_microcredits = charged,
    charged_at = settled,
    settlement_reason = asked,
    error_code = code,
    error_message = message,
    -- By the provider's clock only where that fits into the time that we saw pass.
    duration_ms = CASE WHEN charge THEN extract(epoch FROM CASE
      WHEN g.provider_completed_at - g.provider_created_at BETWEEN interval '0' AND settled - hold.placed_at
        THEN g.provider_completed_at - g.provider_created_at
      ELSE settled - hold.placed_at END) * 1000 END,
    counts_as_active = g.counts_as_active AND NOT finished,
    -- An emergency took back what was complete: its owner may have it after all.
    claimable_until = CASE WHEN asked = 'emergency' AND g.provider_verdict = 'completed' THEN settled + interval '24 hours' ELSE gen.claimable_until END,
    event_sequence = g.event_sequence + 1
  WHERE gen.id = p_generation_id;
  INSERT INTO generation_events (generation_id, sequence, kind, data)
    VALUES (p_generation_id, g.event_sequence + 1, CASE WHEN charge THEN 'charged' ELSE 'refunded' END,
      jsonb_build_object('reason', asked, 'code', code, 'amount_microcredits', COALESCE(charged, hold.amount_microcredits)));
  -- The account comes last: others of the same tenant wait for its row until the commit.
  UPDATE accounts a SET
    held_microcredits = a.held_microcredits - hold.amount_microcredits,
    available_microcredits = a.available_microcredits + hold.amount_microcredits - COALESCE(charged, 0),
    active_generations = a.active_generations - CASE WHEN finished AND g.counts_as_active THEN 1 ELSE 0 END
  WHERE a.id = hold.account_id RETURNING * INTO account;
  PERFORM post_transaction(p_generation_id || ':settle', CASE WHEN charge THEN 'capture' ELSE 'release' END, account,
    p_generation_id, COALESCE(charged, hold.amount_microcredits), asked, hold.amount_microcredits - COALESCE(charged, 0), -hold.amount_microcredits, 0, COALESCE(charged, 0));
  RETURN QUERY SELECT 'settled', charge, asked, code, NULL::bigint;
END $$;

-- Credits given back after a capture. The settlement itself never changes; each refund stands beside it.
CREATE TABLE refunds (
  generation_id text NOT NULL REFERENCES generations,
  key text NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
  -- NULL: all that was left.
  requested_microcredits bigint CHECK (requested_microcredits > 0),
  reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
  amount_microcredits bigint NOT NULL CHECK (amount_microcredits > 0),
  refunded_before_microcredits bigint NOT NULL CHECK (refunded_before_microcredits >= 0),
  captured_microcredits bigint NOT NULL,
  transaction_id bigint NOT NULL UNIQUE REFERENCES journal_transactions,
  recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  recorded_by text NOT NULL DEFAULT session_user,
  PRIMARY KEY (generation_id, key),
  -- Two refunds that did not know of each other can't both be written.
  CONSTRAINT refunds_one_after_another UNIQUE (generation_id, refunded_before_microcredits),
  CONSTRAINT refunds_never_more_than_captured CHECK (refunded_before_microcredits + amount_microcredits <= captured_microcredits)
);
CREATE TRIGGER refunds_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON refunds
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Gives credits of a captured hold back, all that is left of them when p_amount is NULL; once a key.
-- outcome: 'refunded' (with what was moved and what is left to refund), 'key_reused', 'not_charged', 'exceeds_captured'
-- (more than is left), 'nothing_left', 'too_large' (the balance would pass 2^53 − 1).
CREATE FUNCTION refund_generation(p_generation_id text, p_amount bigint, p_reason text, p_key text)
RETURNS TABLE (outcome text, transaction_id bigint, moved_microcredits bigint, refundable_microcredits bigint, replayed boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
#variable_conflict use_column
DECLARE
  g generations := lock_generation(p_generation_id);
  earlier refunds;
  account accounts;
  before bigint;
  moved bigint;
  posted bigint;
BEGIN
  IF p_amount <= 0 THEN
    RAISE EXCEPTION 'a refund is a whole number of microcredits above 0' USING ERRCODE = '22003';
  END IF;
  IF g.state IS DISTINCT FROM 'charged' THEN
    RETURN QUERY SELECT 'not_charged', NULL::bigint, NULL::bigint, NULL::bigint, false; RETURN;
  END IF;
  SELECT COALESCE(sum(r.amount_microcredits), 0) INTO before FROM refunds r WHERE r.generation_id = p_generation_id;
  SELECT * INTO earlier FROM refunds r WHERE r.generation_id = p_generation_id AND r.key = p_key;
  IF FOUND THEN
    IF (earlier.requested_microcredits, earlier.reason) IS DISTINCT FROM (p_amount, p_reason) THEN
      RETURN QUERY SELECT 'key_reused', NULL::bigint, NULL::bigint, g.charged_amount_microcredits - before, false; RETURN;
    END IF;
    RETURN QUERY SELECT 'refunded', earlier.transaction_id, earlier.amount_microcredits, g.charged_amount_microcredits - before, true; RETURN;
  END IF;
  moved := COALESCE(p_amount, g.charged_amount_microcredits - before);
  IF moved = 0 OR before + moved > g.charged_amount_microcredits THEN
    RETURN QUERY SELECT CASE WHEN before = g.charged_amount_microcredits THEN 'nothing_left' ELSE 'exceeds_captured' END,
      NULL::bigint, NULL::bigint, g.charged_amount_microcredits - before, false; RETURN;
  END IF;
  -- What is held may come back, so it counts towards the limit.
  UPDATE accounts a SET available_microcredits = a.available_microcredits + moved
    WHERE a.id = g.account_id AND a.available_microcredits + a.held_microcredits + moved <= 9007199254740991 RETURNING * INTO account;
  IF NOT FOUND THEN
    RETURN QUERY SELECT 'too_large', NULL::bigint, NULL::bigint, g.charged_amount_microcredits - before, false; RETURN;
  END IF;
  posted := post_transaction(p_generation_id || ':refund:' || p_key, 'refund', account, p_generation_id, moved, p_reason, moved, 0, 0, -moved);
  INSERT INTO refunds (generation_id, key, requested_microcredits, reason, amount_microcredits, refunded_before_microcredits,
      captured_microcredits, transaction_id)
    VALUES (p_generation_id, p_key, p_amount, p_reason, moved, before, g.charged_amount_microcredits, posted);
  PERFORM append_event(p_generation_id, 'credits_refunded', jsonb_build_object('amount_microcredits', moved));
  RETURN QUERY SELECT 'refunded', posted, moved, g.charged_amount_microcredits - before - moved, false;
END $$;

DROP FUNCTION post_movement;

GRANT SELECT ON refunds TO holdfast_service;
GRANT EXECUTE ON FUNCTION place_hold, settle_generation, refund_generation TO holdfast_service;

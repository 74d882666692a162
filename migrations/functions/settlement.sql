-- Settling a hold, once, and refunds after a capture.

CREATE FUNCTION attempts_spent(p_generation_id text) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, holdfast, pg_temp AS $$
  SELECT count(*) >= 3 FROM provider_attempts WHERE generation_id = p_generation_id AND outcome IS DISTINCT FROM 'not_made'
$$;
COMMENT ON FUNCTION attempts_spent IS
$$Internal. Whether as many attempts were begun as may ever be; one that is proven to have made nothing does not count.
Rules: MR-30.$$;

CREATE FUNCTION attempts_came_to_nothing(p_generation_id text) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, holdfast, pg_temp AS $$
  SELECT NOT EXISTS (SELECT FROM provider_attempts WHERE generation_id = p_generation_id
    AND (outcome IS NULL OR outcome NOT IN ('not_made', 'not_found')))
$$;
COMMENT ON FUNCTION attempts_came_to_nothing IS
$$Internal. Whether every attempt so far is proven to have made nothing, or was searched for and not found.
Rules: MR-17, MR-24.$$;

CREATE FUNCTION claim_is_ready(g generations) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, holdfast, pg_temp AS $$
BEGIN
  RETURN EXISTS (SELECT FROM generations original WHERE original.id = g.claim_of AND original.provider_verdict = 'completed')
    AND content_is(g.id, 'archived');
END $$;
COMMENT ON FUNCTION claim_is_ready IS
$$Internal. Whether the video that a claim is about is complete and its content is in our storage: what the claim is charged
for.
Rules: MR-53, MR-57.$$;

CREATE FUNCTION last_word(g generations) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, holdfast, pg_temp AS $$
  SELECT CASE
    WHEN g.claim_of IS NOT NULL THEN CASE WHEN claim_is_ready(g) THEN 'completed' END
    -- Once a cancel was sent, the content may be deleted already: only a video that we have is charged.
    WHEN g.provider_verdict = 'completed' AND (g.cancel_sent_at IS NULL OR content_is(g.id, 'archived')) THEN 'completed'
    WHEN g.cancel_ended_at IS NOT NULL OR g.cancel_sent_at IS NOT NULL AND content_is(g.id, 'gone') THEN 'cancelled'
    WHEN g.provider_verdict = 'failed' THEN 'provider_failed' END
$$;
COMMENT ON FUNCTION last_word IS
$$Internal. By which reason what is on record settles a generation; NULL while it settles nothing. After a cancel was sent, a
completed video is 'completed' once its content is archived, and 'cancelled' once that is on record as gone.
Rules: MR-1, MR-2, MR-9, MR-53.$$;

CREATE FUNCTION elapsed_ms(p_from timestamptz, p_to timestamptz) RETURNS bigint
LANGUAGE sql STABLE SET search_path = pg_catalog, holdfast, pg_temp AS $$
  -- As numbers, for the difference of two times may be out of range.
  SELECT CASE WHEN extract(epoch FROM p_to) - extract(epoch FROM p_from) BETWEEN 0 AND 315360000
    THEN ((extract(epoch FROM p_to) - extract(epoch FROM p_from)) * 1000)::bigint END
$$;
COMMENT ON FUNCTION elapsed_ms IS
$$Internal. Milliseconds between two moments; NULL where they tell none: one is missing or infinite, they are in the wrong
order (a clock stepped back), or over ten years apart. It never raises.
Rules: MR-6.$$;

CREATE FUNCTION settle_generation(p_generation_id text, p_reason text, p_charge_microcredits bigint DEFAULT NULL)
RETURNS TABLE (result text, credits_charged boolean, settlement_reason text, error_code text, time_left_ms bigint, amount_microcredits bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, holdfast, pg_temp AS $$
#variable_conflict use_column
DECLARE
  g generations := lock_generation(p_generation_id);
  hold holds;
  account accounts;
  refused provider_attempts;
  -- Of a text, what was billed or delivered; the caller has no say in it.
  due bigint := CASE WHEN g.kind <> 'video' THEN text_charge(p_generation_id) ELSE COALESCE(p_charge_microcredits, made_charge(g)) END;
  asked text := CASE WHEN p_reason = 'completed' AND due = 0 THEN 'nothing_to_charge' ELSE p_reason END;
  charge boolean := asked = 'completed';
  charged bigint := CASE WHEN asked = 'completed' THEN due END;
  proven boolean;
  code text;
  message text;
  closing text;
  closing_ms bigint;
  finished boolean;
  settled timestamptz := clock_timestamp();
BEGIN
  IF g.state IN ('charged', 'released') THEN
    IF (g.settlement_reason, g.charged_amount_microcredits) IS DISTINCT FROM (asked, charged) THEN
      PERFORM append_event(p_generation_id, 'settlement_conflict', jsonb_strip_nulls(jsonb_build_object(
        'asked', asked, 'asked_microcredits', p_charge_microcredits, 'stands', g.settlement_reason)));
      RETURN QUERY SELECT 'conflict', g.credits_charged, g.settlement_reason, g.error_code, NULL::bigint, NULL::bigint; RETURN;
    END IF;
    RETURN QUERY SELECT 'repeated', g.credits_charged, g.settlement_reason, g.error_code, NULL::bigint, NULL::bigint; RETURN;
  END IF;
  IF g.state <> 'held' THEN
    RAISE EXCEPTION 'generation % is %, not held', p_generation_id, g.state USING ERRCODE = 'HF002';
  END IF;
  IF p_charge_microcredits IS NOT NULL AND (p_reason <> 'completed' OR p_charge_microcredits < 0 OR g.kind <> 'video') THEN
    RAISE EXCEPTION 'only a capture of a video charges a part, and never less than 0' USING ERRCODE = '22003';
  END IF;
  IF charged > g.amount_microcredits THEN
    RAISE EXCEPTION 'generation % holds less than that', p_generation_id USING ERRCODE = 'HF005';
  END IF;
  IF p_reason = 'emergency' AND g.claim_of IS NULL AND last_word(g) IS NOT NULL THEN
    -- The provider's last word goes first: only what can't be recorded even now is an emergency.
    BEGIN
      RETURN QUERY SELECT * FROM settle_generation(p_generation_id, last_word(g));
      RETURN;
    EXCEPTION WHEN integrity_constraint_violation OR data_exception OR raise_exception OR SQLSTATE 'HF004' THEN
      NULL;
    END;
  END IF;
  SELECT * INTO STRICT hold FROM holds h WHERE h.generation_id = p_generation_id FOR NO KEY UPDATE;

  IF p_reason = 'expired' AND last_word(g) IS NOT NULL THEN
    RETURN QUERY SELECT 'terminal', NULL::boolean, last_word(g), g.provider_error_code, NULL::bigint, NULL::bigint; RETURN;
  END IF;
  IF p_reason = 'expired' AND hold.expires_at > settled THEN
    RETURN QUERY SELECT 'not_due', NULL::boolean, NULL::text, NULL::text, milliseconds_until(hold.expires_at), NULL::bigint; RETURN;
  END IF;
  IF p_reason = 'expired' AND g.kind <> 'video' THEN
    -- Whose writer is gone is charged what it delivered; one that writes still ends it itself.
    SELECT c.outcome, c.wait_ms INTO closing, closing_ms FROM close_text(p_generation_id) c;
    IF closing = 'writing' THEN
      RETURN QUERY SELECT 'not_due', NULL::boolean, NULL::text, NULL::text, closing_ms, NULL::bigint; RETURN;
    ELSIF closing = 'ended' THEN
      RETURN QUERY SELECT 'terminal', NULL::boolean, 'completed', NULL::text, NULL::bigint, NULL::bigint; RETURN;
    END IF;
    -- Its attempt may have been closed as never made.
    g := lock_generation(p_generation_id);
  END IF;
  IF p_reason = 'submission_refused' THEN
    SELECT * INTO refused FROM provider_attempts a WHERE a.generation_id = p_generation_id AND a.outcome = 'refused';
  END IF;
  proven := CASE asked
    WHEN 'completed' THEN last_word(g) = 'completed'
    WHEN 'nothing_to_charge' THEN g.claim_of IS NULL AND last_word(g) = 'completed'
    WHEN 'provider_failed' THEN g.provider_verdict = 'failed'
    WHEN 'submission_refused' THEN refused.number IS NOT NULL AND g.provider_video_id IS NULL
    WHEN 'provider_unavailable' THEN g.claim_of IS NULL AND g.provider_verdict IS NULL
      AND NOT EXISTS (SELECT FROM provider_attempts a WHERE a.generation_id = p_generation_id AND (a.outcome IS NULL OR a.outcome = 'conflict'))
    -- As long as no video is known and none may be; later the provider's last word settles it.
    WHEN 'cancelled' THEN g.claim_of IS NULL AND g.cancel_requested_at IS NOT NULL AND attempts_came_to_nothing(p_generation_id)
      OR last_word(g) = 'cancelled'
    WHEN 'create_failed' THEN attempts_spent(p_generation_id) AND attempts_came_to_nothing(p_generation_id)
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
      ('submission_refused', COALESCE(refused.error_code, 'invalid_request'), refused.error_message),
      ('provider_unavailable', 'provider_unavailable', 'The provider could not take this request in time.'),
      ('cancelled', 'cancelled', CASE WHEN g.cancel_sent_at IS NULL THEN 'It was cancelled before a video was made.'
        ELSE 'It was cancelled while the video was being made.' END),
      ('create_failed', 'create_failed', 'It could not be started at the provider.'),
      ('expired', 'generation_timeout', 'It was not finished in time.'),
      ('emergency', 'settlement_failed', 'Its outcome could not be recorded.')
    ) AS t (reason, code, message) WHERE t.reason = asked;
  END IF;
  -- Released while the provider may still be at work: it counts against the cap until its end is known.
  finished := charge OR is_finished(g);

  UPDATE holds h SET state = CASE WHEN charge THEN 'captured' ELSE 'released' END, settled_at = settled WHERE h.id = hold.id;
  UPDATE generations gen SET
    state = CASE WHEN charge THEN 'charged' ELSE 'released' END,
    credits_charged = charge,
    charged_amount_microcredits = charged,
    settled_at = settled,
    settlement_reason = asked,
    error_code = code,
    error_message = message,
    -- By the provider's clock only where that fits into the time that we saw pass.
    duration_ms = CASE WHEN charge THEN
      CASE WHEN elapsed_ms(g.provider_created_at, g.provider_completed_at) <= elapsed_ms(hold.placed_at, settled)
        THEN elapsed_ms(g.provider_created_at, g.provider_completed_at)
        ELSE elapsed_ms(hold.placed_at, settled) END END,
    counts_as_active = g.counts_as_active AND NOT finished,
    -- An emergency took back what was complete: its owner may have it after all.
    claimable_until = CASE WHEN asked = 'emergency' AND g.kind = 'video' AND g.provider_verdict = 'completed' THEN settled + interval '24 hours' ELSE gen.claimable_until END,
    event_sequence = g.event_sequence + 1
  WHERE gen.id = p_generation_id;
  INSERT INTO generation_events (generation_id, sequence, kind, data)
    VALUES (p_generation_id, g.event_sequence + 1, CASE WHEN charge THEN 'charged' ELSE 'released' END,
      jsonb_build_object('reason', asked, 'code', code, 'amount_microcredits', COALESCE(charged, hold.amount_microcredits))
        || CASE WHEN charged < hold.amount_microcredits THEN jsonb_build_object('held_microcredits', hold.amount_microcredits, 'seconds', g.seconds,
          'made_seconds', seconds_made(g)) ELSE '{}' END);
  -- Nothing is made with the images any more. That there were some stays known: a provider's list doesn't show them.
  UPDATE inputs i SET images = '{}' WHERE i.generation_id = p_generation_id AND cardinality(i.images) > 0;
  -- The account comes last: others of the same tenant wait for its row until the commit.
  UPDATE accounts a SET
    held_microcredits = a.held_microcredits - hold.amount_microcredits,
    available_microcredits = a.available_microcredits + hold.amount_microcredits - COALESCE(charged, 0),
    -- A count, and not what is settled: where it is wrong, ledger_drift shows it.
    active_generations = greatest(0, a.active_generations - CASE WHEN finished AND g.counts_as_active THEN 1 ELSE 0 END)
  WHERE a.id = hold.account_id RETURNING * INTO account;
  PERFORM post_transaction(p_generation_id || ':settle', CASE WHEN charge THEN 'capture' ELSE 'release' END, account,
    p_generation_id, COALESCE(charged, hold.amount_microcredits), asked, hold.amount_microcredits - COALESCE(charged, 0), -hold.amount_microcredits, 0, COALESCE(charged, 0));
  RETURN QUERY SELECT 'settled', charge, asked, code, NULL::bigint, COALESCE(charged, hold.amount_microcredits);
END $$;
COMMENT ON FUNCTION settle_generation IS
$$Settles a held generation, once: 'completed' captures, every other reason releases. Whoever calls, each reason needs its proof
in the database. A capture takes p_charge_microcredits (what made_charge says when NULL) and returns the rest; a capture of 0 is a
release, 'nothing_to_charge'. A text is charged by its own record, and one whose writer is gone is closed by what it
delivered. The same settlement again answers with the first; a different one is recorded as a conflict and moves nothing.
p_reason: 'completed', 'provider_failed', 'submission_refused', 'provider_unavailable', 'cancelled', 'create_failed',
'expired', 'emergency'.
result: 'settled' (with the amount charged or released), 'repeated', 'conflict'; for 'expired' also 'not_due' (the hold's time
is not over) and 'terminal' (what is on record settles it, by the reason in settlement_reason).
Raises HF001; HF002 unless the generation is held; HF003 without proof; HF005 for more than is held; 22003 for a part of
anything but a video's capture.
Rules: MR-1, MR-2, MR-3, MR-6, MR-8, MR-9, MR-10 to MR-12, MR-17 to MR-19, MR-21, MR-23, MR-24, MR-41 to MR-45, MR-50, MR-53, MR-61,
MR-63, MR-70, MR-71, MR-75, MR-83.$$;

CREATE FUNCTION record_settlement_refusal(p_generation_id text, p_reason text, p_why text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, holdfast, pg_temp AS $$
DECLARE g generations := lock_generation(p_generation_id);
BEGIN
  IF g.state = 'held' AND g.settlement_refused_at IS NULL THEN
    UPDATE generations SET settlement_refused_at = clock_timestamp() WHERE id = p_generation_id;
    PERFORM append_event(p_generation_id, 'settlement_refused', jsonb_build_object('asked', p_reason, 'why', p_why));
  END IF;
END $$;
COMMENT ON FUNCTION record_settlement_refusal IS
$$Notes, once, that a rule or a constraint refuses the settlement. That begins the ten minutes after which
settle_generation(…, 'emergency') gives the credits back.
Raises HF001.
Rules: MR-21.$$;

CREATE FUNCTION release_expired_holds(p_grace interval DEFAULT '2 hours', p_limit integer DEFAULT 100)
RETURNS TABLE (generation_id text, result text, settlement_reason text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, holdfast, pg_temp AS $$
#variable_conflict use_column
DECLARE
  overdue text;
  settled record;
BEGIN
  IF NOT pg_try_advisory_xact_lock(4017325002) THEN
    RETURN;
  END IF;
  -- What another works on is left to it: nobody waits for a generation here while he has an account's row.
  FOR overdue IN SELECT h.generation_id FROM holds h JOIN generations g ON g.id = h.generation_id
      WHERE h.state = 'active' AND h.expires_at < clock_timestamp() - greatest(p_grace, interval '2 hours')
      ORDER BY h.expires_at LIMIT p_limit FOR NO KEY UPDATE OF g SKIP LOCKED LOOP
    BEGIN
      SELECT * INTO settled FROM settle_generation(overdue, 'expired');
      IF settled.result = 'terminal' THEN
        SELECT * INTO settled FROM settle_generation(overdue, settled.settlement_reason);
      END IF;
      PERFORM lock_generation(overdue);
      PERFORM append_event(overdue, 'released_by_hand', jsonb_build_object('by', session_user));
      RETURN QUERY SELECT overdue, settled.result, settled.settlement_reason;
    EXCEPTION WHEN OTHERS THEN
      -- One that can't be settled must not keep the others.
      RETURN QUERY SELECT overdue, 'refused', SQLSTATE::text;
    END;
  END LOOP;
END $$;
COMMENT ON FUNCTION release_expired_holds IS
$$For cron and psql, when Temporal is gone for good: settles by the last word on record, or releases, what is held past its time
and this grace, which is at least two hours. One call at a time works; each generation's events say who ran it.
result: as settle_generation answers, or 'refused' with the SQLSTATE in settlement_reason.
Rules: MR-5, MR-54, MR-56.$$;

CREATE FUNCTION refund_generation(p_generation_id text, p_amount bigint, p_reason text, p_key text, p_actor text DEFAULT 'operator')
RETURNS TABLE (outcome text, transaction_id bigint, moved_microcredits bigint, refundable_microcredits bigint, replayed boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, holdfast, pg_temp AS $$
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
    RETURN QUERY SELECT 'refunded', earlier.transaction_id, earlier.amount_microcredits,
      earlier.captured_microcredits - earlier.refunded_before_microcredits - earlier.amount_microcredits, true; RETURN;
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
      captured_microcredits, transaction_id, actor)
    VALUES (p_generation_id, p_key, p_amount, p_reason, moved, before, g.charged_amount_microcredits, posted, p_actor);
  PERFORM append_event(p_generation_id, 'credits_refunded', jsonb_strip_nulls(jsonb_build_object(
    'amount_microcredits', moved, 'actor', p_actor,
    -- An operator's words are not for the customer.
    'reason', CASE WHEN p_actor = 'holdfast' THEN p_reason END)));
  RETURN QUERY SELECT 'refunded', posted, moved, g.charged_amount_microcredits - before - moved, false;
END $$;
COMMENT ON FUNCTION refund_generation IS
$$Gives credits of a captured hold back, all that is left of them when p_amount is NULL; once per key, and never more than was
captured.
outcome: 'refunded' (with what was moved and what was left to refund after it, the same for each repeat), 'key_reused', 'not_charged', 'exceeds_captured' (more
than is left), 'nothing_left', 'too_large' (the balance would pass 2^53 - 1).
Raises HF001; 22003 for an amount that is not above 0.
Rules: MR-8, MR-22, MR-44, MR-70, MR-71, MR-72, MR-83, MR-97.$$;
CREATE TRIGGER refunds_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON refunds
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

GRANT SELECT ON refunds TO holdfast_service;
GRANT EXECUTE ON FUNCTION settle_generation, record_settlement_refusal, release_expired_holds, refund_generation TO
  holdfast_service;

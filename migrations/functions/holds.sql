-- Placing a hold, with as little as possible between the lock of the account's row and the commit: that row is the only one
-- that two movements of one tenant meet at.

CREATE FUNCTION guard_hold() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, holdfast, pg_temp AS $$
BEGIN
  IF OLD.state <> 'active' OR (OLD.id, OLD.generation_id, OLD.account_id, OLD.amount_microcredits, OLD.placed_at, OLD.expires_at)
     IS DISTINCT FROM (NEW.id, NEW.generation_id, NEW.account_id, NEW.amount_microcredits, NEW.placed_at, NEW.expires_at) THEN
    RAISE EXCEPTION 'a hold is settled once and otherwise never changes' USING ERRCODE = 'HF004';
  END IF;
  RETURN NEW;
END $$;
COMMENT ON FUNCTION guard_hold IS
$$Trigger: a hold is settled once and otherwise never changes.
Raises HF004.
Rules: MR-45, MR-85.$$;
CREATE TRIGGER holds_guard BEFORE UPDATE ON holds FOR EACH ROW EXECUTE FUNCTION guard_hold();
CREATE TRIGGER holds_kept BEFORE DELETE OR TRUNCATE ON holds FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION expected_duration_ms(p_model text, p_seconds integer, p_size text) RETURNS bigint
LANGUAGE sql STABLE SET search_path = pg_catalog, holdfast, pg_temp AS $$
  SELECT round(percentile_cont(0.5) WITHIN GROUP (ORDER BY duration_ms))::bigint FROM (
    SELECT duration_ms FROM generations
    WHERE state = 'charged' AND model = p_model AND seconds = p_seconds AND size = p_size
    ORDER BY settled_at DESC LIMIT 20) AS recent
$$;
COMMENT ON FUNCTION expected_duration_ms IS
$$Median of the time that the latest 20 charged generations of the same model, seconds and size took; NULL when there are none.
Rules: MR-18.$$;

CREATE FUNCTION milliseconds_until(p_moment timestamptz) RETURNS bigint
LANGUAGE sql VOLATILE SET search_path = pg_catalog, holdfast, pg_temp AS $$
  SELECT greatest(0, ceil(extract(epoch FROM p_moment - clock_timestamp()) * 1000))::bigint
$$;
COMMENT ON FUNCTION milliseconds_until IS
$$Internal. Milliseconds from now, by the database's clock, to a moment; 0 when it has passed.
Rules: MR-50.$$;

CREATE FUNCTION place_hold(p_generation_id text, p_hold_ttl_seconds integer)
RETURNS TABLE (
  state text, refusal_code text, account_id text, hold_id text, amount_microcredits bigint, time_left_ms bigint, hold_ttl_ms bigint,
  model text, seconds integer, size text, expected_duration_ms bigint, provider_video_id text, is_claim boolean,
  attempt_may_have_arrived boolean, credits_charged boolean, settlement_reason text, error_code text, placed_now boolean
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, holdfast, pg_temp AS $$
#variable_conflict use_column
DECLARE
  g generations := lock_generation(p_generation_id);
  account accounts;
  limited api_keys;
  refusal text;
  placed timestamptz;
  late boolean;
  expected bigint;
BEGIN
  IF g.state IN ('requested', 'held') THEN
    expected := expected_duration_ms(g.model, g.seconds, g.size);
    SELECT * INTO limited FROM api_keys k
      WHERE k.id = g.api_key_id AND (k.daily_limit_microcredits IS NOT NULL OR k.monthly_limit_microcredits IS NOT NULL);
  END IF;
  IF g.state = 'requested' THEN
    LOOP
      -- One statement decides and moves: frozen, cap and balance are looked at under the row's lock (MR-84, MR-86).
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
    -- Looked at after the wait for the account's row.
    placed := clock_timestamp();
    late := refusal IS NULL AND placed > g.admit_by;
    IF refusal IS NULL AND NOT late AND limited.id IS NOT NULL AND NOT spend_within_limits(limited, g.amount_microcredits, placed) THEN
      refusal := 'key_spend_limit';
    END IF;
    IF late OR refusal = 'key_spend_limit' THEN
      -- Its client has gone, or its key has spent enough: what the statement above moved goes back.
      UPDATE accounts a SET
        available_microcredits = a.available_microcredits + g.amount_microcredits,
        held_microcredits = a.held_microcredits - g.amount_microcredits,
        active_generations = a.active_generations - 1
      WHERE a.id = g.account_id;
    END IF;
    IF late THEN
      PERFORM void_generation(p_generation_id);
    ELSIF refusal IS NOT NULL THEN
      UPDATE generations gen SET state = 'refused', refusal_code = refusal WHERE gen.id = p_generation_id;
      PERFORM append_event(p_generation_id, 'refused', jsonb_build_object('code', refusal));
      PERFORM erase_inputs(p_generation_id);
    ELSE
      INSERT INTO holds (id, generation_id, account_id, amount_microcredits, placed_at, expires_at)
      VALUES ('hold_' || split_part(p_generation_id, '_', 2), p_generation_id, g.account_id, g.amount_microcredits, placed,
              placed + make_interval(secs => p_hold_ttl_seconds));
      PERFORM post_transaction(p_generation_id || ':hold', 'hold', account, p_generation_id, g.amount_microcredits, NULL,
        -g.amount_microcredits, g.amount_microcredits, 0, 0);
      UPDATE generations gen SET state = 'held', counts_as_active = true, limited_key = COALESCE(limited.spends_as, limited.id),
          event_sequence = gen.event_sequence + 1
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
      EXISTS (SELECT FROM provider_attempts att WHERE att.generation_id = gen.id AND att.outcome IS NULL),
      gen.credits_charged, gen.settlement_reason, gen.error_code, g.state = 'requested' AND gen.state = 'held'
    FROM generations gen LEFT JOIN holds h ON h.generation_id = gen.id WHERE gen.id = p_generation_id;
END $$;
COMMENT ON FUNCTION place_hold IS
$$Moves the price from available to held, and the generation from 'requested' to 'held'; or to 'refused'; or to 'voided' when
admit_by has passed. One statement checks balance, cap and freeze and moves the credits, under the account's lock. A key's
limits hold too. Any later call changes nothing and answers with the generation as it stands; placed_now says which it was.
refusal_code: 'account_frozen', 'insufficient_credits', 'too_many_active_generations', 'key_spend_limit', 'voided'.
Raises HF001.
Rules: MR-28, MR-29, MR-44, MR-46, MR-50, MR-70, MR-84, MR-86.$$;

GRANT SELECT ON holds TO holdfast_service;
GRANT EXECUTE ON FUNCTION expected_duration_ms, place_hold TO holdfast_service;

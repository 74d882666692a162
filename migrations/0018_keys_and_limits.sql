-- What a key may do: scopes, an end, and how much it may spend a day and a month (by UTC).
--
-- A key's limit counts what is held: placing a hold takes the room, a release gives it back, a capture in part gives the
-- rest back. Lock order: generation, hold, account, spending of the key. That row is only ever touched by who has its
-- account's row, so nobody waits for it while another waits for him. Keys without a limit have no such row.

ALTER TABLE api_keys
  -- NULL: all, also those that are added later.
  ADD COLUMN scopes text[],
  ADD COLUMN expires_at timestamptz,
  ADD COLUMN daily_limit_microcredits bigint,
  ADD COLUMN monthly_limit_microcredits bigint,
  -- NULL: as many as the API's configuration says.
  ADD COLUMN requests_per_minute integer,
  -- The first key of a row of rotations, which all share its limits; NULL: itself.
  ADD COLUMN spends_as text,
  ADD CONSTRAINT api_keys_daily_limit_range CHECK (daily_limit_microcredits BETWEEN 1 AND 9007199254740991),
  ADD CONSTRAINT api_keys_monthly_limit_range CHECK (monthly_limit_microcredits BETWEEN 1 AND 9007199254740991),
  ADD CONSTRAINT api_keys_requests_range CHECK (requests_per_minute BETWEEN 1 AND 1000000),
  ADD CONSTRAINT api_keys_spends_as_own FOREIGN KEY (spends_as, account_id) REFERENCES api_keys (id, account_id);

CREATE OR REPLACE FUNCTION guard_api_key() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS DISTINCT FROM OLD.revoked_at THEN
    RAISE EXCEPTION 'a revoked key stays revoked' USING ERRCODE = 'HF004';
  END IF;
  IF OLD.expires_at IS NOT NULL AND (NEW.expires_at IS NULL OR NEW.expires_at > OLD.expires_at) THEN
    RAISE EXCEPTION 'a key ends sooner than it was to, never later' USING ERRCODE = 'HF004';
  END IF;
  RETURN NEW;
END $$;

-- Of the newest day and month that a key with a limit held something in; older ones limit nothing any more.
CREATE TABLE api_key_spending (
  api_key_id text PRIMARY KEY,
  account_id text NOT NULL,
  day date NOT NULL,
  day_microcredits bigint NOT NULL DEFAULT 0 CHECK (day_microcredits BETWEEN 0 AND 9007199254740991),
  month date NOT NULL,
  month_microcredits bigint NOT NULL DEFAULT 0 CHECK (month_microcredits BETWEEN 0 AND 9007199254740991),
  FOREIGN KEY (api_key_id, account_id) REFERENCES api_keys (id, account_id)
);

-- Whose limits this generation's hold counts against; NULL: its key has none.
ALTER TABLE generations ADD COLUMN limited_key text REFERENCES api_key_spending;
CREATE TRIGGER generations_limited_key_kept BEFORE UPDATE OF limited_key ON generations
  FOR EACH ROW WHEN (OLD.limited_key IS NOT NULL AND NEW.limited_key IS DISTINCT FROM OLD.limited_key) EXECUTE FUNCTION refuse_change();

-- Internal. Counts an amount against the limits of a key, in one statement, if both leave room for it; else changes nothing
-- and answers with false. The caller has the account's row.
CREATE FUNCTION spend_within_limits(p_key api_keys, p_amount bigint, p_at timestamptz) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  today date := (p_at AT TIME ZONE 'UTC')::date;
  this_month date := date_trunc('month', p_at AT TIME ZONE 'UTC')::date;
BEGIN
  INSERT INTO api_key_spending (api_key_id, account_id, day, month)
    VALUES (COALESCE(p_key.spends_as, p_key.id), p_key.account_id, today, this_month) ON CONFLICT DO NOTHING;
  UPDATE api_key_spending s SET
    day = today, day_microcredits = CASE WHEN s.day = today THEN s.day_microcredits ELSE 0 END + p_amount,
    month = this_month, month_microcredits = CASE WHEN s.month = this_month THEN s.month_microcredits ELSE 0 END + p_amount
  WHERE s.api_key_id = COALESCE(p_key.spends_as, p_key.id)
    AND CASE WHEN s.day = today THEN s.day_microcredits ELSE 0 END + p_amount <= COALESCE(p_key.daily_limit_microcredits, 9007199254740991)
    AND CASE WHEN s.month = this_month THEN s.month_microcredits ELSE 0 END + p_amount <= COALESCE(p_key.monthly_limit_microcredits, 9007199254740991);
  RETURN FOUND;
END $$;

-- Gives back the room that a settled hold no longer takes, in the day and month in which it was placed.
CREATE FUNCTION return_spending() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  -- Never below 0, so that it never raises: a limit must not be what keeps a hold from being settled.
  UPDATE api_key_spending s SET
    day_microcredits = CASE WHEN s.day = (h.placed_at AT TIME ZONE 'UTC')::date
      THEN greatest(0, s.day_microcredits - (h.amount_microcredits - COALESCE(NEW.charged_amount_microcredits, 0))) ELSE s.day_microcredits END,
    month_microcredits = CASE WHEN s.month = date_trunc('month', h.placed_at AT TIME ZONE 'UTC')::date
      THEN greatest(0, s.month_microcredits - (h.amount_microcredits - COALESCE(NEW.charged_amount_microcredits, 0))) ELSE s.month_microcredits END
  FROM holds h WHERE h.generation_id = NEW.id AND s.api_key_id = NEW.limited_key;
  RETURN NULL;
END $$;
-- Deferred: it comes after the account's row, whatever the order in which a settlement writes; see the lock order above.
-- Its condition is looked at at once, so what has no limit, or is charged in full, pays nothing for it.
CREATE CONSTRAINT TRIGGER generations_return_spending AFTER UPDATE OF state ON generations DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (OLD.state = 'held' AND NEW.state IN ('charged', 'refunded') AND NEW.limited_key IS NOT NULL
    AND NEW.charged_amount_microcredits IS DISTINCT FROM NEW.amount_microcredits)
  EXECUTE FUNCTION return_spending();

-- As before, but a key's limits are kept too ('key_spend_limit').
CREATE OR REPLACE FUNCTION place_hold(p_generation_id text, p_hold_ttl_seconds integer)
RETURNS TABLE (
  state text, refusal_code text, account_id text, hold_id text, amount_microcredits bigint, time_left_ms bigint, hold_ttl_ms bigint,
  model text, seconds integer, size text, expected_duration_ms bigint, provider_video_id text, is_claim boolean,
  create_may_have_arrived boolean, credits_charged boolean, settlement_reason text, error_code text
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
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
      EXISTS (SELECT FROM create_attempts att WHERE att.generation_id = gen.id AND att.outcome IS NULL),
      gen.credits_charged, gen.settlement_reason, gen.error_code
    FROM generations gen LEFT JOIN holds h ON h.generation_id = gen.id WHERE gen.id = p_generation_id;
END $$;

GRANT SELECT ON api_key_spending TO holdfast_service;
GRANT INSERT (scopes, expires_at, daily_limit_microcredits, monthly_limit_microcredits, requests_per_minute, spends_as), UPDATE (expires_at)
  ON api_keys TO holdfast_service;

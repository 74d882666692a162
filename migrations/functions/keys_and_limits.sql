-- What a key may do, and how much it may spend a day and a month (by UTC).
--
-- A key's limit counts what is held: placing a hold takes the room, a release gives it back, a capture in part gives the
-- rest back. Lock order: generation, hold, account, spending of the key. That row is only ever touched by who has its
-- account's row, so nobody waits for it while another waits for him. Keys without a limit have no such row.

CREATE FUNCTION guard_api_key() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, holdfast, pg_temp AS $$
BEGIN
  IF OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS DISTINCT FROM OLD.revoked_at THEN
    RAISE EXCEPTION 'a revoked key stays revoked' USING ERRCODE = 'HF004';
  END IF;
  IF OLD.expires_at IS NOT NULL AND (NEW.expires_at IS NULL OR NEW.expires_at > OLD.expires_at) THEN
    RAISE EXCEPTION 'a key ends sooner than it was to, never later' USING ERRCODE = 'HF004';
  END IF;
  RETURN NEW;
END $$;
COMMENT ON FUNCTION guard_api_key IS
$$Trigger: a revoked key stays revoked, and a key's end may come sooner but never later.
Raises HF004.
Rules: MR-85.$$;
CREATE TRIGGER api_keys_guard BEFORE UPDATE ON api_keys FOR EACH ROW EXECUTE FUNCTION guard_api_key();

CREATE FUNCTION spend_within_limits(p_key api_keys, p_amount bigint, p_at timestamptz) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, holdfast, pg_temp AS $$
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
COMMENT ON FUNCTION spend_within_limits IS
$$Internal. Counts an amount against a key's day and month (UTC), in one statement, if both limits leave room; else changes
nothing and answers with false. The caller has the account's row.
Rules: MR-71, MR-86.$$;

CREATE FUNCTION limits_leave_room(p_api_key_id text, p_amount bigint) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, holdfast, pg_temp AS $$
  SELECT NOT EXISTS (
    SELECT FROM api_keys k LEFT JOIN api_key_spending s ON s.api_key_id = COALESCE(k.spends_as, k.id)
    WHERE k.id = p_api_key_id AND (
      CASE WHEN s.day = (now() AT TIME ZONE 'UTC')::date THEN s.day_microcredits ELSE 0 END + p_amount > k.daily_limit_microcredits
      OR CASE WHEN s.month = date_trunc('month', now() AT TIME ZONE 'UTC')::date THEN s.month_microcredits ELSE 0 END + p_amount
        > k.monthly_limit_microcredits))
$$;
COMMENT ON FUNCTION limits_leave_room IS
$$Internal. Whether a key's limits leave room for an amount at this moment; spend_within_limits decides.$$;

CREATE FUNCTION return_spending() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, holdfast, pg_temp AS $$
BEGIN
  -- Never below 0, and what can't be returned stays spent: a limit must not be what keeps a hold from being settled.
  UPDATE api_key_spending s SET
    day_microcredits = CASE WHEN s.day = (h.placed_at AT TIME ZONE 'UTC')::date
      THEN greatest(0, s.day_microcredits - (h.amount_microcredits - COALESCE(NEW.charged_amount_microcredits, 0))) ELSE s.day_microcredits END,
    month_microcredits = CASE WHEN s.month = date_trunc('month', h.placed_at AT TIME ZONE 'UTC')::date
      THEN greatest(0, s.month_microcredits - (h.amount_microcredits - COALESCE(NEW.charged_amount_microcredits, 0))) ELSE s.month_microcredits END
  FROM holds h WHERE h.generation_id = NEW.id AND s.api_key_id = NEW.limited_key;
  RETURN NULL;
EXCEPTION
  WHEN transaction_rollback THEN RAISE;
  WHEN OTHERS THEN
    RAISE WARNING 'the spending of generation % could not be returned: %', NEW.id, SQLERRM;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION return_spending IS
$$Trigger: gives back the room that a settled hold no longer takes, in the day and the month in which it was placed. It refuses
nothing: what cannot be returned stays spent, with a warning, because a limit must not keep a hold from being settled.
Rules: MR-6, MR-71.$$;

-- Deferred: it comes after the account's row, whatever the order in which a settlement writes; see the lock order above.
-- Its condition is looked at at once, so what has no limit, or is charged in full, pays nothing for it.
CREATE CONSTRAINT TRIGGER generations_return_spending AFTER UPDATE OF state ON generations DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (OLD.state = 'held' AND NEW.state IN ('charged', 'released') AND NEW.limited_key IS NOT NULL
    AND NEW.charged_amount_microcredits IS DISTINCT FROM NEW.amount_microcredits)
  EXECUTE FUNCTION return_spending();
CREATE TRIGGER generations_limited_key_kept BEFORE UPDATE OF limited_key ON generations
  FOR EACH ROW WHEN (OLD.limited_key IS NOT NULL AND NEW.limited_key IS DISTINCT FROM OLD.limited_key) EXECUTE FUNCTION refuse_change();

GRANT SELECT ON api_key_spending TO holdfast_service;
GRANT INSERT (id, account_id, name, key_sha256, scopes, expires_at, daily_limit_microcredits, monthly_limit_microcredits, requests_per_minute, spends_as), SELECT, UPDATE (revoked_at, expires_at) ON api_keys TO holdfast_service;

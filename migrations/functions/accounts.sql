-- Accounts as operators handle them. Each operation is one call with a key of its own: a repeat answers with the first
-- outcome and changes nothing, the same key for anything else is 'key_reused', and a refusal stays one.

CREATE FUNCTION open_account(p_account_id text, p_name text) RETURNS TABLE (outcome text, created_at timestamptz, replayed boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, holdfast, pg_temp AS $$
#variable_conflict use_column
DECLARE account accounts;
BEGIN
  INSERT INTO accounts (id, name) VALUES (p_account_id, p_name) ON CONFLICT (id) DO NOTHING RETURNING * INTO account;
  IF FOUND THEN
    RETURN QUERY SELECT 'opened', account.created_at, false; RETURN;
  END IF;
  SELECT * INTO STRICT account FROM accounts a WHERE a.id = p_account_id;
  RETURN QUERY SELECT CASE WHEN account.name = p_name THEN 'opened' ELSE 'id_reused' END, account.created_at, true;
END $$;
COMMENT ON FUNCTION open_account IS
$$Opens an account without credits, once per id.
outcome: 'opened' (for a repeat too), 'id_reused' (the id belongs to an account with another name).$$;

CREATE FUNCTION grant_credits(p_account_id text, p_amount bigint, p_reason text, p_key text)
RETURNS TABLE (outcome text, transaction_id bigint, moved_microcredits bigint, available_microcredits bigint, replayed boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, holdfast, pg_temp AS $$
#variable_conflict use_column
DECLARE
  account accounts;
  earlier account_operations;
  moved bigint;
  answer text;
  posted bigint;
BEGIN
  IF p_amount IS NULL OR p_amount = 0 OR abs(p_amount) > 9007199254740991 THEN
    RAISE EXCEPTION 'a grant is a whole number of microcredits, not 0, within 2^53 - 1' USING ERRCODE = '22003';
  END IF;
  -- The account's lock comes first: two callers with one key are served one after the other.
  SELECT * INTO account FROM accounts a WHERE a.id = p_account_id FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RETURN QUERY SELECT 'unknown_account', NULL::bigint, NULL::bigint, NULL::bigint, false; RETURN;
  END IF;
  SELECT * INTO earlier FROM account_operations o WHERE o.account_id = p_account_id AND o.key = p_key;
  IF FOUND THEN
    IF (earlier.kind, earlier.requested_microcredits, earlier.reason) IS DISTINCT FROM ('grant', p_amount, p_reason) THEN
      RETURN QUERY SELECT 'key_reused', NULL::bigint, NULL::bigint, NULL::bigint, false; RETURN;
    END IF;
    RETURN QUERY SELECT earlier.outcome, earlier.transaction_id, earlier.moved_microcredits, account.available_microcredits, true; RETURN;
  END IF;
  moved := greatest(p_amount, -account.available_microcredits);
  answer := CASE
    WHEN moved = 0 THEN 'nothing_available'
    -- What is held may come back, so it counts towards the limit.
    WHEN account.available_microcredits + account.held_microcredits + moved > 9007199254740991 THEN 'too_large'
    ELSE 'granted' END;
  IF answer = 'granted' THEN
    UPDATE accounts a SET available_microcredits = a.available_microcredits + moved WHERE a.id = p_account_id RETURNING * INTO account;
    posted := post_transaction('grant:' || p_account_id || ':' || p_key, CASE WHEN moved > 0 THEN 'grant' ELSE 'claw_back' END, account,
      NULL, p_amount, p_reason, moved, 0, -moved, 0);
  ELSE
    moved := 0;
  END IF;
  INSERT INTO account_operations (account_id, key, kind, requested_microcredits, reason, outcome, moved_microcredits, transaction_id)
    VALUES (p_account_id, p_key, 'grant', p_amount, p_reason, answer, moved, posted);
  RETURN QUERY SELECT answer, posted, moved, account.available_microcredits, false;
END $$;
COMMENT ON FUNCTION grant_credits IS
$$Grants credits, or claws back (a negative amount) at most what is available, in one journal transaction. The key makes it
happen once: a repeat answers with the first outcome and moves nothing, and a refusal stays a refusal.
outcome: 'granted' (with what was moved and what is available now), 'key_reused' (the key belongs to another operation),
'nothing_available' (there is nothing to claw back), 'too_large' (the balance would pass 2^53 - 1), 'unknown_account'.
Raises 22003 for an amount of 0, none, or beyond 2^53 - 1.
Rules: MR-70, MR-71, MR-72, MR-83, MR-90.$$;

CREATE FUNCTION set_account_frozen(p_account_id text, p_frozen boolean, p_reason text, p_key text) RETURNS TABLE (outcome text, replayed boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, holdfast, pg_temp AS $$
#variable_conflict use_column
DECLARE
  account accounts;
  earlier account_operations;
  operation text := CASE WHEN p_frozen THEN 'freeze' ELSE 'unfreeze' END;
  answer text;
BEGIN
  SELECT * INTO account FROM accounts a WHERE a.id = p_account_id FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RETURN QUERY SELECT 'unknown_account', false; RETURN;
  END IF;
  SELECT * INTO earlier FROM account_operations o WHERE o.account_id = p_account_id AND o.key = p_key;
  IF FOUND THEN
    IF (earlier.kind, earlier.reason) IS DISTINCT FROM (operation, p_reason) THEN
      RETURN QUERY SELECT 'key_reused', false; RETURN;
    END IF;
    -- A late repeat of a freeze doesn't freeze again what was let go since.
    RETURN QUERY SELECT earlier.outcome, true; RETURN;
  END IF;
  answer := CASE
    WHEN p_frozen THEN CASE WHEN account.frozen_at IS NULL THEN 'frozen' ELSE 'already_frozen' END
    ELSE CASE WHEN account.frozen_at IS NULL THEN 'not_frozen' ELSE 'unfrozen' END END;
  IF answer IN ('frozen', 'unfrozen') THEN
    UPDATE accounts a SET frozen_at = CASE WHEN p_frozen THEN clock_timestamp() END WHERE a.id = p_account_id;
  END IF;
  INSERT INTO account_operations (account_id, key, kind, reason, outcome) VALUES (p_account_id, p_key, operation, p_reason, answer);
  RETURN QUERY SELECT answer, false;
END $$;
COMMENT ON FUNCTION set_account_frozen IS
$$Freezes an account, which then gets no new holds while what is held settles as before; or unfreezes it. Once per key: a
late repeat of a freeze does not freeze again what was unfrozen since.
outcome: 'frozen', 'already_frozen', 'unfrozen', 'not_frozen', 'key_reused', 'unknown_account'.
Rules: MR-90.$$;
CREATE TRIGGER account_operations_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON account_operations
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

GRANT SELECT ON accounts, account_operations TO holdfast_service;
GRANT EXECUTE ON FUNCTION open_account, grant_credits, set_account_frozen TO holdfast_service;

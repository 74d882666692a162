-- Accounts, keys and the double-entry journal.
--
-- Terms: an *account* is a tenant. Its credits lie in two books, `available` and `held`; the system's books are `issued`
-- (what was granted) and `revenue` (what was charged). A *movement* is one journal transaction; its *entries* sum to zero.
-- Customers' balances are kept beside the journal, on the account's row; the system's are not, so that no row is touched
-- by every movement. The view `ledger_drift` compares the two.

-- Functions belong to their owner and run as it; the service calls them by explicit grant only.
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
-- Nobody but the owner makes anything here that a function could mistake for ours.
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
DO $$ BEGIN EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database()); END $$;

CREATE TABLE accounts (
  id text PRIMARY KEY CHECK (id ~ '^acct_[0-9a-f]{32}$'),
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  available_microcredits bigint NOT NULL DEFAULT 0,
  held_microcredits bigint NOT NULL DEFAULT 0,
  -- Generations that hold credits, or whose credits were returned while the provider may still be working on them.
  active_generations integer NOT NULL DEFAULT 0 CHECK (active_generations >= 0),
  max_active_generations integer NOT NULL DEFAULT 300 CHECK (max_active_generations >= 0),
  frozen_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT accounts_available_range CHECK (available_microcredits BETWEEN 0 AND 9007199254740991),
  CONSTRAINT accounts_held_range CHECK (held_microcredits BETWEEN 0 AND 9007199254740991)
);

CREATE TABLE api_keys (
  id text PRIMARY KEY CHECK (id ~ '^key_[0-9a-f]{32}$'),
  account_id text NOT NULL REFERENCES accounts,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  -- SHA-256 of the key. Keys are 256 random bits, so a slow hash would add nothing.
  key_sha256 bytea NOT NULL UNIQUE CHECK (length(key_sha256) = 32),
  created_at timestamptz NOT NULL DEFAULT now(),
  revoked_at timestamptz,
  -- For the reference that keeps a generation's key and account together.
  UNIQUE (id, account_id)
);
CREATE INDEX api_keys_account ON api_keys (account_id);

CREATE TABLE journal_transactions (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  -- The movement's idempotency key, made of the generation's id and the step, or of the account and the caller's key.
  key text NOT NULL CONSTRAINT journal_transactions_key UNIQUE,
  kind text NOT NULL CHECK (kind IN ('grant', 'claw_back', 'hold', 'capture', 'release')),
  account_id text NOT NULL REFERENCES accounts,
  generation_id text,
  requested_microcredits bigint NOT NULL,
  reason text,
  recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  recorded_by text NOT NULL DEFAULT session_user
);
CREATE INDEX journal_transactions_account ON journal_transactions (account_id, id);

CREATE TABLE journal_entries (
  transaction_id bigint NOT NULL REFERENCES journal_transactions,
  account_id text REFERENCES accounts,
  book text NOT NULL CHECK (book IN ('available', 'held', 'issued', 'revenue')),
  amount_microcredits bigint NOT NULL CHECK (amount_microcredits <> 0 AND abs(amount_microcredits) <= 9007199254740991),
  PRIMARY KEY (transaction_id, book),
  CHECK ((account_id IS NULL) = (book IN ('issued', 'revenue')))
);
CREATE INDEX journal_entries_account ON journal_entries (account_id, book) INCLUDE (amount_microcredits);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'HF004';
END $$;

CREATE FUNCTION guard_api_key() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS DISTINCT FROM OLD.revoked_at THEN
    RAISE EXCEPTION 'a revoked key stays revoked' USING ERRCODE = 'HF004';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER api_keys_guard BEFORE UPDATE ON api_keys FOR EACH ROW EXECUTE FUNCTION guard_api_key();

CREATE TRIGGER journal_transactions_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON journal_transactions
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER journal_entries_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON journal_entries
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Every statement that adds entries adds whole transactions: what it adds to each sums to zero.
CREATE FUNCTION refuse_unbalanced_entries() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM added GROUP BY transaction_id HAVING sum(amount_microcredits) <> 0) THEN
    RAISE EXCEPTION 'journal entries of a transaction must sum to zero' USING ERRCODE = 'HF005';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER journal_entries_balanced AFTER INSERT ON journal_entries
  REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION refuse_unbalanced_entries();

-- Writes one movement of `p_amount` microcredits from one book to another. The account's balances are the caller's to
-- update, in the same transaction. Internal: not granted to anyone.
CREATE FUNCTION post_movement(
  p_key text, p_kind text, p_account_id text, p_generation_id text, p_requested bigint, p_reason text,
  p_from_book text, p_to_book text, p_amount bigint
) RETURNS bigint LANGUAGE sql SET search_path = pg_catalog, public, pg_temp AS $$
  WITH movement AS (
    INSERT INTO journal_transactions (key, kind, account_id, generation_id, requested_microcredits, reason)
    VALUES (p_key, p_kind, p_account_id, p_generation_id, p_requested, p_reason)
    RETURNING id
  ), entries AS (
    INSERT INTO journal_entries (transaction_id, account_id, book, amount_microcredits)
    SELECT movement.id, CASE WHEN leg.book IN ('available', 'held') THEN p_account_id END, leg.book, leg.amount
    FROM movement, (VALUES (p_from_book, -p_amount), (p_to_book, p_amount)) AS leg (book, amount)
  )
  SELECT id FROM movement
$$;

-- Grants credits, or claws back (a negative amount) at most what is available. One call, idempotent by (account, key).
-- outcome: 'granted' (also for a repeat, with what was moved then and what is available now), 'key_reused' (the key came with another amount or
-- reason), 'nothing_available' (nothing to claw back), 'too_large' (the balance would pass 2^53 − 1), 'unknown_account'.
CREATE FUNCTION grant_credits(p_account_id text, p_amount bigint, p_reason text, p_key text)
RETURNS TABLE (outcome text, transaction_id bigint, moved_microcredits bigint, available_microcredits bigint, replayed boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
#variable_conflict use_column
DECLARE
  account accounts;
  earlier journal_transactions;
  movement_key text := 'grant:' || p_account_id || ':' || p_key;
  moved bigint;
BEGIN
  IF p_amount IS NULL OR p_amount = 0 OR abs(p_amount) > 9007199254740991 THEN
    RAISE EXCEPTION 'a grant is a whole number of microcredits, not 0, within 2^53 - 1' USING ERRCODE = '22003';
  END IF;
  -- The account's lock comes first: two callers with one key are served one after the other.
  SELECT * INTO account FROM accounts a WHERE a.id = p_account_id FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RETURN QUERY SELECT 'unknown_account', NULL::bigint, NULL::bigint, NULL::bigint, false; RETURN;
  END IF;
  SELECT * INTO earlier FROM journal_transactions t WHERE t.key = movement_key;
  IF FOUND THEN
    IF earlier.requested_microcredits <> p_amount OR earlier.reason IS DISTINCT FROM p_reason THEN
      RETURN QUERY SELECT 'key_reused', NULL::bigint, NULL::bigint, NULL::bigint, false; RETURN;
    END IF;
    SELECT e.amount_microcredits INTO moved FROM journal_entries e WHERE e.transaction_id = earlier.id AND e.book = 'available';
    RETURN QUERY SELECT 'granted', earlier.id, moved, account.available_microcredits, true; RETURN;
  END IF;
  moved := greatest(p_amount, -account.available_microcredits);
  IF moved = 0 THEN
    RETURN QUERY SELECT 'nothing_available', NULL::bigint, 0::bigint, 0::bigint, false; RETURN;
  END IF;
  -- What is held may come back, so it counts towards the limit.
  IF account.available_microcredits + account.held_microcredits + moved > 9007199254740991 THEN
    RETURN QUERY SELECT 'too_large', NULL::bigint, NULL::bigint, account.available_microcredits, false; RETURN;
  END IF;
  UPDATE accounts a SET available_microcredits = a.available_microcredits + moved WHERE a.id = p_account_id
    RETURNING a.available_microcredits INTO account.available_microcredits;
  RETURN QUERY SELECT 'granted',
    CASE WHEN moved > 0
      THEN post_movement(movement_key, 'grant', p_account_id, NULL, p_amount, p_reason, 'issued', 'available', moved)
      ELSE post_movement(movement_key, 'claw_back', p_account_id, NULL, p_amount, p_reason, 'available', 'issued', -moved)
    END, moved, account.available_microcredits, false;
END $$;

GRANT SELECT ON accounts, api_keys, journal_transactions, journal_entries TO holdfast_service;
-- Balances and counters are not among the columns: an account begins with nothing.
GRANT INSERT (id, name) ON accounts TO holdfast_service;
GRANT INSERT (id, account_id, name, key_sha256), UPDATE (revoked_at) ON api_keys TO holdfast_service;
GRANT EXECUTE ON FUNCTION grant_credits TO holdfast_service;

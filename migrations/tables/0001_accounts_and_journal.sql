-- Accounts, their keys, operators' operations on them, and the journal.
--
-- Terms: an *account* is a tenant. Its credits lie in two books, `available` and `held`; the system's books are `issued`
-- (what was granted) and `revenue` (what was charged). A *movement* is one journal transaction. Customers' balances are kept
-- beside the journal, on the account's row; the system's are not, so that no row is touched by every movement. The view
-- `ledger_drift` compares the two.

CREATE TABLE accounts (
  id text PRIMARY KEY CONSTRAINT accounts_id_format CHECK (id ~ '^acct_[0-9a-f]{32}$'),
  name text NOT NULL CONSTRAINT accounts_name_length CHECK (length(name) BETWEEN 1 AND 200),
  available_microcredits bigint NOT NULL DEFAULT 0,
  held_microcredits bigint NOT NULL DEFAULT 0,
  -- Generations that hold credits, or whose credits were returned while the provider may still be working on them.
  active_generations integer NOT NULL DEFAULT 0 CONSTRAINT accounts_active_generations_not_negative CHECK (active_generations >= 0),
  max_active_generations integer NOT NULL DEFAULT 300
    CONSTRAINT accounts_max_active_generations_not_negative CHECK (max_active_generations >= 0),
  frozen_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT accounts_available_range CHECK (available_microcredits BETWEEN 0 AND 9007199254740991),
  CONSTRAINT accounts_held_range CHECK (held_microcredits BETWEEN 0 AND 9007199254740991)
);

CREATE TABLE api_keys (
  id text PRIMARY KEY CONSTRAINT api_keys_id_format CHECK (id ~ '^key_[0-9a-f]{32}$'),
  account_id text NOT NULL REFERENCES accounts,
  name text NOT NULL CONSTRAINT api_keys_name_length CHECK (length(name) BETWEEN 1 AND 200),
  -- SHA-256 of the key. Keys are 256 random bits, so a slow hash would add nothing.
  key_sha256 bytea NOT NULL UNIQUE CONSTRAINT api_keys_key_sha256_length CHECK (length(key_sha256) = 32),
  created_at timestamptz NOT NULL DEFAULT now(),
  revoked_at timestamptz,
  -- NULL: all, also those that are added later.
  scopes text[],
  expires_at timestamptz,
  daily_limit_microcredits bigint,
  monthly_limit_microcredits bigint,
  -- NULL: as many as the API's configuration says.
  requests_per_minute integer,
  -- The first key of a row of rotations, which all share its limits; NULL: itself.
  spends_as text,
  -- For the reference that keeps a generation's key and account together.
  UNIQUE (id, account_id),
  CONSTRAINT api_keys_daily_limit_range CHECK (daily_limit_microcredits BETWEEN 1 AND 9007199254740991),
  CONSTRAINT api_keys_monthly_limit_range CHECK (monthly_limit_microcredits BETWEEN 1 AND 9007199254740991),
  CONSTRAINT api_keys_requests_range CHECK (requests_per_minute BETWEEN 1 AND 1000000),
  CONSTRAINT api_keys_spends_as_own FOREIGN KEY (spends_as, account_id) REFERENCES api_keys (id, account_id)
);
CREATE INDEX api_keys_account ON api_keys (account_id);

-- Of the newest day and month that a key with a limit held something in; older ones limit nothing any more.
CREATE TABLE api_key_spending (
  api_key_id text PRIMARY KEY,
  account_id text NOT NULL,
  day date NOT NULL,
  day_microcredits bigint NOT NULL DEFAULT 0
    CONSTRAINT api_key_spending_day_microcredits_range CHECK (day_microcredits BETWEEN 0 AND 9007199254740991),
  month date NOT NULL,
  month_microcredits bigint NOT NULL DEFAULT 0
    CONSTRAINT api_key_spending_month_microcredits_range CHECK (month_microcredits BETWEEN 0 AND 9007199254740991),
  FOREIGN KEY (api_key_id, account_id) REFERENCES api_keys (id, account_id)
);

-- One row a movement. What a journal transaction moved in each book stands in the transaction's own row, so entries that
-- do not sum to zero can't be written at all: a CHECK says so, and there is no second table to add to or to take from.
-- `journal_entries` shows the same as entries. Beside it stands what the account had afterwards: a statement between two
-- dates begins and ends with what was kept, and must come to the same by its entries.
CREATE TABLE journal_transactions (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  -- The movement's idempotency key, made of the generation's id and the step, or of the account and the caller's key.
  key text NOT NULL CONSTRAINT journal_transactions_key UNIQUE,
  kind text NOT NULL,
  account_id text NOT NULL REFERENCES accounts,
  generation_id text,
  requested_microcredits bigint NOT NULL,
  reason text,
  available_microcredits bigint NOT NULL DEFAULT 0,
  held_microcredits bigint NOT NULL DEFAULT 0,
  issued_microcredits bigint NOT NULL DEFAULT 0,
  revenue_microcredits bigint NOT NULL DEFAULT 0,
  available_after_microcredits bigint NOT NULL,
  held_after_microcredits bigint NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  recorded_by text NOT NULL DEFAULT session_user,
  -- Which books a kind moves, and in which direction; what is not named stays 0.
  CONSTRAINT journal_transactions_kind_moves_its_books CHECK (COALESCE(CASE kind
    WHEN 'grant' THEN available_microcredits > 0 AND held_microcredits = 0 AND revenue_microcredits = 0
    WHEN 'claw_back' THEN available_microcredits < 0 AND held_microcredits = 0 AND revenue_microcredits = 0
    WHEN 'hold' THEN available_microcredits < 0 AND issued_microcredits = 0 AND revenue_microcredits = 0
    WHEN 'capture' THEN available_microcredits >= 0 AND issued_microcredits = 0 AND revenue_microcredits > 0
    WHEN 'release' THEN available_microcredits > 0 AND issued_microcredits = 0 AND revenue_microcredits = 0
    WHEN 'refund' THEN available_microcredits > 0 AND held_microcredits = 0 AND issued_microcredits = 0 END, false)),
  CONSTRAINT journal_transactions_sum_to_zero CHECK (
    available_microcredits + held_microcredits + issued_microcredits + revenue_microcredits = 0),
  CONSTRAINT journal_transactions_range CHECK (
    greatest(abs(available_microcredits), abs(held_microcredits), abs(issued_microcredits), abs(revenue_microcredits)) <= 9007199254740991
    AND available_after_microcredits BETWEEN 0 AND 9007199254740991 AND held_after_microcredits BETWEEN 0 AND 9007199254740991)
);
CREATE INDEX journal_transactions_account ON journal_transactions (account_id, id);
-- A statement begins and ends at a moment.
CREATE INDEX journal_transactions_at ON journal_transactions (account_id, recorded_at, id);

-- Operators' operations: grants, claw-backs, freezes. Each is one call with a key of its own.
CREATE TABLE account_operations (
  account_id text NOT NULL REFERENCES accounts,
  key text NOT NULL CONSTRAINT account_operations_key_length CHECK (length(key) BETWEEN 1 AND 255),
  kind text NOT NULL CONSTRAINT account_operations_kind_known CHECK (kind IN ('grant', 'freeze', 'unfreeze')),
  -- What was asked for; a grant below zero is a claw-back.
  requested_microcredits bigint,
  reason text,
  outcome text NOT NULL
    CONSTRAINT account_operations_outcome_known CHECK (outcome IN ('granted', 'nothing_available', 'too_large', 'frozen', 'already_frozen', 'unfrozen', 'not_frozen')),
  moved_microcredits bigint NOT NULL DEFAULT 0,
  transaction_id bigint UNIQUE REFERENCES journal_transactions,
  recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  recorded_by text NOT NULL DEFAULT session_user,
  PRIMARY KEY (account_id, key),
  CONSTRAINT account_operations_amount CHECK ((kind = 'grant') = (requested_microcredits IS NOT NULL)),
  CONSTRAINT account_operations_movement CHECK (
    (outcome = 'granted') = (transaction_id IS NOT NULL) AND (outcome = 'granted') = (moved_microcredits <> 0))
);

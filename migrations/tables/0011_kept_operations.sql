-- The Idempotency-Key of an operation that moves no credits (an account, a key, a webhook endpoint), written in the
-- operation's transaction.
CREATE TABLE kept_operations (
  -- Whose keys these are: an account's id, or 'admin'.
  scope text NOT NULL CONSTRAINT kept_operations_scope_length CHECK (length(scope) BETWEEN 1 AND 255),
  key text NOT NULL CONSTRAINT kept_operations_key_length CHECK (length(key) BETWEEN 1 AND 255),
  fingerprint bytea NOT NULL CONSTRAINT kept_operations_fingerprint_is_sha256 CHECK (length(fingerprint) = 32),
  -- Never with a secret: what is shown once is NULL in it.
  answer jsonb NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (scope, key)
);

-- Sessions of the console, and the links that open one. Nothing here is a key: each row is worth as much as its key is at the
-- moment when it is used.
CREATE TABLE console_sessions (
  -- SHA-256 of a token of 256 random bits. Of an operator's session, HMAC-SHA-256 of it by the admin key: once that has changed,
  -- the token has another hash and finds no row.
  token_hash bytea PRIMARY KEY CONSTRAINT console_sessions_token_hash_length CHECK (length(token_hash) = 32),
  kind text NOT NULL CONSTRAINT console_sessions_kind_known CHECK (kind IN ('session', 'link')),
  -- The key that it was opened with, and ends with; NULL: the admin key.
  api_key_id text REFERENCES api_keys,
  opened_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  expires_at timestamptz NOT NULL,
  CONSTRAINT console_sessions_link_has_key CHECK (kind = 'session' OR api_key_id IS NOT NULL)
);
CREATE INDEX console_sessions_key ON console_sessions (api_key_id, kind, opened_at);
CREATE INDEX console_sessions_end ON console_sessions (expires_at);

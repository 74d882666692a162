-- How many requests an API key has sent in its minute, counted for all processes of the API together. One row for each key that
-- has sent one. UNLOGGED, because it is written often and a minute after a crash it says nothing any more.
CREATE UNLOGGED TABLE request_windows (
  -- The first key of its rotations, which share their rate.
  api_key_id text PRIMARY KEY REFERENCES api_keys,
  ends_at timestamptz NOT NULL,
  -- Leased to processes, whether they have used it or not.
  leased integer NOT NULL CONSTRAINT request_windows_leased CHECK (leased >= 0)
) WITH (fillfactor = 50);

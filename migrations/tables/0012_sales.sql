-- Whether new requests are admitted: what the newest row says; without a row they are. Appended only.
CREATE TABLE sales_changes (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  key text NOT NULL UNIQUE CONSTRAINT sales_changes_key_length CHECK (length(key) BETWEEN 1 AND 255),
  is_open boolean NOT NULL,
  -- Shown to those who are refused.
  reason text NOT NULL CONSTRAINT sales_changes_reason_length CHECK (length(reason) BETWEEN 1 AND 500),
  changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  recorded_by text NOT NULL DEFAULT session_user
);

-- What a generation may cost at most, put aside until it is settled.
CREATE TABLE holds (
  id text PRIMARY KEY CONSTRAINT holds_id_format CHECK (id ~ '^hold_[0-9a-f]{32}$'),
  generation_id text NOT NULL UNIQUE REFERENCES generations,
  account_id text NOT NULL REFERENCES accounts,
  amount_microcredits bigint NOT NULL CONSTRAINT holds_amount_microcredits_range CHECK (amount_microcredits BETWEEN 1 AND 9007199254740991),
  state text NOT NULL DEFAULT 'active' CONSTRAINT holds_state_known CHECK (state IN ('active', 'captured', 'released')),
  placed_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  settled_at timestamptz,
  CONSTRAINT holds_expire_later CHECK (expires_at > placed_at),
  CONSTRAINT holds_settled CHECK ((state = 'active') = (settled_at IS NULL))
);
CREATE INDEX holds_active ON holds (expires_at) WHERE state = 'active';
CREATE INDEX holds_of_account ON holds (account_id, id);
-- What an account has open, however much it ever had.
CREATE INDEX holds_active_of_account ON holds (account_id) INCLUDE (amount_microcredits) WHERE state = 'active';

-- Credits given back after a capture. The settlement itself never changes; each refund stands beside it.
CREATE TABLE refunds (
  generation_id text NOT NULL REFERENCES generations,
  key text NOT NULL CONSTRAINT refunds_key_length CHECK (length(key) BETWEEN 1 AND 255),
  -- NULL: all that was left.
  requested_microcredits bigint CONSTRAINT refunds_requested_microcredits_positive CHECK (requested_microcredits > 0),
  reason text NOT NULL CONSTRAINT refunds_reason_length CHECK (length(reason) BETWEEN 1 AND 500),
  amount_microcredits bigint NOT NULL CONSTRAINT refunds_amount_microcredits_positive CHECK (amount_microcredits > 0),
  refunded_before_microcredits bigint NOT NULL
    CONSTRAINT refunds_refunded_before_microcredits_not_negative CHECK (refunded_before_microcredits >= 0),
  captured_microcredits bigint NOT NULL,
  transaction_id bigint NOT NULL UNIQUE REFERENCES journal_transactions,
  recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  recorded_by text NOT NULL DEFAULT session_user,
  -- Who gave it back: an operator, or this product by a rule of its own.
  actor text NOT NULL DEFAULT 'operator' CONSTRAINT refunds_actor_known CHECK (actor IN ('operator', 'holdfast')),
  PRIMARY KEY (generation_id, key),
  -- Two refunds that did not know of each other can't both be written.
  CONSTRAINT refunds_one_after_another UNIQUE (generation_id, refunded_before_microcredits),
  CONSTRAINT refunds_never_more_than_captured CHECK (refunded_before_microcredits + amount_microcredits <= captured_microcredits)
);

-- Webhooks out: where a tenant wants to hear of the end of its videos, where the operator wants to hear of everybody's, and
-- what became of each message. Nothing here moves credits, and nothing that moves credits waits for it.

CREATE TABLE webhook_endpoints (
  id text NOT NULL CONSTRAINT webhook_endpoints_id_format CHECK (id ~ '^we_[0-9a-f]{32}$'),
  -- Whose it is: an account's id, or 'operator' for an endpoint that is told of every account.
  owner text NOT NULL,
  account_id text GENERATED ALWAYS AS (nullif(owner, 'operator')) STORED REFERENCES accounts,
  -- Erased with the endpoint: it may carry a secret of its owner's.
  url text CONSTRAINT webhook_endpoints_url_length CHECK (length(url) BETWEEN 1 AND 2000),
  events text[] NOT NULL
    CONSTRAINT webhook_endpoints_events_known CHECK (cardinality(events) > 0 AND events <@ '{video.completed,video.failed}'::text[]),
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- Since when no message was accepted; NULL after one that was.
  failing_since timestamptz,
  disabled_at timestamptz,
  disabled_reason text CONSTRAINT webhook_endpoints_disabled_reason_known CHECK (disabled_reason IN ('gone', 'failing')),
  deleted_at timestamptz,
  PRIMARY KEY (owner, id),
  CONSTRAINT webhook_endpoints_disabled CHECK ((disabled_at IS NULL) = (disabled_reason IS NULL)),
  CONSTRAINT webhook_endpoints_deleted CHECK ((deleted_at IS NULL) = (url IS NOT NULL))
);
CREATE INDEX webhook_endpoints_listening ON webhook_endpoints (owner) WHERE disabled_at IS NULL AND deleted_at IS NULL;

-- What messages are signed with; as text, since a hash signs nothing. Nobody but the functions of webhooks reads it.
CREATE TABLE webhook_secrets (
  owner text NOT NULL,
  endpoint_id text NOT NULL,
  secret text NOT NULL CONSTRAINT webhook_secrets_secret_format CHECK (secret ~ '^whsec_[A-Za-z0-9+/]{32,88}={0,2}$'),
  -- Signs beside the current one for a while, so that a receiver can change over without losing a message.
  previous_secret text,
  previous_valid_until timestamptz,
  PRIMARY KEY (owner, endpoint_id),
  FOREIGN KEY (owner, endpoint_id) REFERENCES webhook_endpoints (owner, id),
  CONSTRAINT webhook_secrets_previous CHECK ((previous_secret IS NULL) = (previous_valid_until IS NULL))
);

-- The delivery of one event to one endpoint, and the log of it. It has no foreign key to its endpoint, whose row is kept for
-- ever: the check would lock the row of the operator's endpoint in the settlement of every account.
CREATE TABLE webhook_deliveries (
  -- The endpoint's owner, and the account that the event is about.
  owner text NOT NULL,
  account_id text NOT NULL,
  endpoint_id text NOT NULL,
  -- The `webhook-id` of every try: receivers know a repeat by it. A generation is settled once, so its digits serve.
  event_id text NOT NULL CONSTRAINT webhook_deliveries_event_id_format CHECK (event_id ~ '^evt_[0-9a-f]{32}$'),
  generation_id text NOT NULL REFERENCES generations,
  type text NOT NULL CONSTRAINT webhook_deliveries_type_known CHECK (type IN ('video.completed', 'video.failed')),
  occurred_at timestamptz NOT NULL,
  state text NOT NULL DEFAULT 'pending' CONSTRAINT webhook_deliveries_state_known CHECK (state IN ('pending', 'delivered', 'failed')),
  -- In all, and since it was asked for last.
  attempts integer NOT NULL DEFAULT 0 CONSTRAINT webhook_deliveries_attempts_not_negative CHECK (attempts >= 0),
  tries integer NOT NULL DEFAULT 0 CONSTRAINT webhook_deliveries_tries_not_negative CHECK (tries >= 0),
  last_attempt_at timestamptz,
  -- NULL when there was no answer.
  last_status integer CONSTRAINT webhook_deliveries_last_status_range CHECK (last_status BETWEEN 100 AND 999),
  last_error text CONSTRAINT webhook_deliveries_last_error_length CHECK (length(last_error) BETWEEN 1 AND 300),
  next_attempt_at timestamptz DEFAULT clock_timestamp(),
  PRIMARY KEY (owner, endpoint_id, event_id),
  -- No account's endpoint is told of another account.
  CONSTRAINT webhook_deliveries_own_events CHECK (owner IN (account_id, 'operator')),
  CONSTRAINT webhook_deliveries_next CHECK ((state = 'pending') = (next_attempt_at IS NOT NULL))
);
CREATE INDEX webhook_deliveries_pending ON webhook_deliveries (next_attempt_at) WHERE state = 'pending';
CREATE INDEX webhook_deliveries_generation ON webhook_deliveries (generation_id) WHERE state = 'pending';

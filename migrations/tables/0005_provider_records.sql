-- One row for each call that may make a video; committed before the call (MR-30).
-- outcome NULL: open, the call may have arrived. 'not_made': proven that nothing was made. 'not_found': looked for, and
-- nothing was there. 'adopted': looked for, and found. 'conflict': answered with the id of another generation's video.
CREATE SEQUENCE attempt_order;
CREATE TABLE provider_attempts (
  generation_id text NOT NULL REFERENCES generations,
  number integer NOT NULL CONSTRAINT provider_attempts_number_positive CHECK (number > 0),
  begun_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  ended_at timestamptz,
  outcome text
    CONSTRAINT provider_attempts_outcome_known CHECK (outcome IN ('created', 'adopted', 'refused', 'not_made', 'not_found', 'conflict')),
  -- Taken before the call: what was in a list with a lower one is not what the call made. No clock is asked.
  sequence bigint NOT NULL DEFAULT nextval('attempt_order'),
  -- What a provider's list shows of the request: two open attempts that look the same can't be told apart there.
  visible_sha256 bytea NOT NULL CONSTRAINT provider_attempts_visible_sha256_length CHECK (length(visible_sha256) = 32),
  error_code text,
  error_message text,
  -- Of a text: who writes it renews this, by the database's clock; whoever else comes meanwhile waits (close_text).
  lease_ms integer CONSTRAINT provider_attempts_lease_ms_range CHECK (lease_ms BETWEEN 1 AND 3600000),
  lease_until timestamptz,
  last_called boolean NOT NULL DEFAULT false,
  PRIMARY KEY (generation_id, number),
  CONSTRAINT provider_attempts_ended CHECK ((ended_at IS NULL) = (outcome IS NULL)),
  CONSTRAINT provider_attempts_leased CHECK ((lease_ms IS NULL) = (lease_until IS NULL))
);
CREATE UNIQUE INDEX provider_attempts_one_open ON provider_attempts (generation_id) WHERE outcome IS NULL;
-- Those whose video isn't known, of which there are few.
CREATE INDEX provider_attempts_unmatched ON provider_attempts (begun_at) WHERE outcome IS NULL OR outcome = 'not_found';
-- Refused for what the operator owes the provider: the doctor reads the latest.
CREATE INDEX provider_attempts_owed ON provider_attempts (ended_at) WHERE error_code = 'operators_fault';

-- Videos that no generation owned when they were listed, of the last two days; their ids in canonical form.
CREATE TABLE ownerless_videos (
  provider text NOT NULL,
  provider_canonical_id text NOT NULL,
  sequence bigint NOT NULL DEFAULT nextval('attempt_order'),
  listed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (provider, provider_canonical_id)
);

-- Webhooks of the provider: verified by the API, and never more than "look now" (MR-4).
CREATE TABLE provider_events (
  provider text NOT NULL,
  -- As the provider signed it: what comes again under the same id is a replay.
  webhook_id text CONSTRAINT provider_events_webhook_id_length CHECK (length(webhook_id) BETWEEN 1 AND 255),
  type text NOT NULL CONSTRAINT provider_events_type_length CHECK (length(type) BETWEEN 1 AND 100),
  provider_video_id text NOT NULL CONSTRAINT provider_events_provider_video_id_length CHECK (length(provider_video_id) BETWEEN 1 AND 255),
  received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (provider, webhook_id)
);

-- How often a workflow was told to look: a signal is an event of its history, so there is an end to them.
CREATE TABLE provider_nudges (
  generation_id text PRIMARY KEY REFERENCES generations,
  -- By webhooks, and by lists: because one showed its video ended, or did not show it any more. Each has an end of its own.
  nudges integer NOT NULL DEFAULT 0,
  listed_ended integer NOT NULL DEFAULT 0 CONSTRAINT provider_nudges_listed_ended_range CHECK (listed_ended BETWEEN 0 AND 1),
  listed_vanished integer NOT NULL DEFAULT 0 CONSTRAINT provider_nudges_listed_vanished_range CHECK (listed_vanished BETWEEN 0 AND 3)
);

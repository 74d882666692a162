-- One row is the meeting point of everyone who works on a generation (RULES): the API writes it, `place_hold` moves it
-- from `requested` to `held` by compare-and-set, or `void_generation` to `voided`; settling ends it.
CREATE TABLE generations (
  id text PRIMARY KEY CHECK (id ~ '^video_[0-9a-f]{32}$'),
  account_id text NOT NULL REFERENCES accounts,
  api_key_id text NOT NULL,
  state text NOT NULL DEFAULT 'requested'
    CHECK (state IN ('requested', 'held', 'charged', 'refunded', 'refused', 'voided')),
  refusal_code text,
  requested_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- A hold placed after this would surprise a client that has long gone.
  admit_by timestamptz NOT NULL,
  -- SHA-256 of route and canonical body: the same request again has the same one.
  fingerprint bytea NOT NULL CHECK (length(fingerprint) = 32),
  -- When the answer to the create had been sent in full, as far as can be known; NULL: its client may never have had it.
  answered_at timestamptz,
  -- Once, by whoever came first.
  cancel_requested_at timestamptz,
  -- Since when the ledger refuses to settle it by a rule or a constraint.
  settlement_refused_at timestamptz,
  -- Deleted by its owner: hidden from them, kept for the auditor.
  deleted_at timestamptz,

  model text NOT NULL,
  seconds integer NOT NULL CHECK (seconds > 0),
  size text NOT NULL,

  -- The price, snapshotted.
  price_id bigint NOT NULL REFERENCES prices,
  amount_microcredits bigint NOT NULL CHECK (amount_microcredits BETWEEN 1 AND 9007199254740991),

  -- The provider of the last create: a video is never looked for at another one.
  provider_base_url text,
  provider_credential text,
  -- Two generations never share a video.
  provider_video_id text CONSTRAINT generations_provider_video UNIQUE,
  provider_created_at timestamptz,
  provider_completed_at timestamptz,
  provider_status text,
  provider_verdict text CHECK (provider_verdict IN ('open', 'completed', 'failed')),
  provider_progress integer CHECK (provider_progress BETWEEN 0 AND 100),
  provider_error_code text,
  provider_error_message text,
  last_look_at timestamptz,

  -- Settlement (RULES, "Three states, enforced in SQL"): never changes once set.
  credits_charged boolean,
  charged_amount_microcredits bigint,
  charged_at timestamptz,
  settlement_reason text,
  error_code text,
  error_message text,
  duration_ms bigint CHECK (duration_ms >= 0),

  -- Whether it counts in accounts.active_generations.
  counts_as_active boolean NOT NULL DEFAULT false,
  event_sequence integer NOT NULL DEFAULT 0,

  FOREIGN KEY (api_key_id, account_id) REFERENCES api_keys (id, account_id),
  CHECK ((provider_video_id IS NULL) = (provider_verdict IS NULL)),
  -- COALESCE, because a CHECK that comes out NULL passes.
  CONSTRAINT generations_three_states CHECK (COALESCE(CASE
    WHEN credits_charged IS NULL THEN charged_amount_microcredits IS NULL AND charged_at IS NULL
    WHEN credits_charged THEN charged_amount_microcredits > 0 AND charged_at IS NOT NULL
    ELSE charged_amount_microcredits IS NULL AND charged_at IS NOT NULL END, false)),
  CONSTRAINT generations_never_more_than_held CHECK (charged_amount_microcredits <= amount_microcredits),
  CONSTRAINT generations_state_matches CHECK (
    (state = 'charged') = (credits_charged IS TRUE) AND (state = 'refunded') = (credits_charged IS FALSE)
    AND (credits_charged IS NULL) = (settlement_reason IS NULL)
    AND (credits_charged IS FALSE) = (error_code IS NOT NULL)
    AND (state IN ('refused', 'voided')) = (refusal_code IS NOT NULL))
);
CREATE INDEX generations_of_account ON generations (account_id, id);
CREATE INDEX generations_unanswered ON generations (api_key_id, fingerprint, requested_at) WHERE answered_at IS NULL;
CREATE INDEX generations_held ON generations (id) WHERE state = 'held';
CREATE INDEX generations_durations ON generations (model, seconds, size, charged_at) INCLUDE (duration_ms) WHERE state = 'charged';
CREATE INDEX generations_settled ON generations (charged_at) INCLUDE (credits_charged, error_code) WHERE charged_at IS NOT NULL;

CREATE FUNCTION guard_generation() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF (OLD.id, OLD.account_id, OLD.price_id, OLD.amount_microcredits, OLD.model, OLD.seconds, OLD.size)
     IS DISTINCT FROM (NEW.id, NEW.account_id, NEW.price_id, NEW.amount_microcredits, NEW.model, NEW.seconds, NEW.size) THEN
    RAISE EXCEPTION 'a generation keeps what it was admitted with' USING ERRCODE = 'HF004';
  END IF;
  IF NEW.state <> OLD.state AND NOT (
     OLD.state = 'requested' AND NEW.state IN ('held', 'refused', 'voided') OR OLD.state = 'held' AND NEW.state IN ('charged', 'refunded')) THEN
    RAISE EXCEPTION 'a generation does not go from % to %', OLD.state, NEW.state USING ERRCODE = 'HF004';
  END IF;
  IF OLD.provider_video_id IS NOT NULL AND NEW.provider_video_id IS DISTINCT FROM OLD.provider_video_id THEN
    RAISE EXCEPTION 'a generation keeps its provider video' USING ERRCODE = 'HF004';
  END IF;
  IF OLD.state IN ('charged', 'refunded', 'refused', 'voided') AND (
     (OLD.state, OLD.credits_charged, OLD.charged_amount_microcredits, OLD.charged_at, OLD.settlement_reason, OLD.error_code, OLD.error_message)
     IS DISTINCT FROM
     (NEW.state, NEW.credits_charged, NEW.charged_amount_microcredits, NEW.charged_at, NEW.settlement_reason, NEW.error_code, NEW.error_message)) THEN
    RAISE EXCEPTION 'a generation is settled once' USING ERRCODE = 'HF004';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER generations_guard BEFORE UPDATE ON generations FOR EACH ROW EXECUTE FUNCTION guard_generation();
CREATE TRIGGER generations_kept BEFORE DELETE OR TRUNCATE ON generations FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What the client asked for, apart from the generation so that it can be erased, and never in a Temporal history.
CREATE TABLE inputs (
  generation_id text PRIMARY KEY REFERENCES generations,
  prompt text NOT NULL CHECK (length(prompt) BETWEEN 1 AND 32000),
  reference bytea,
  reference_type text,
  reference_filename text,
  CHECK ((reference IS NULL) = (reference_type IS NULL) AND (reference IS NULL) = (reference_filename IS NULL))
);

CREATE TABLE holds (
  id text PRIMARY KEY CHECK (id ~ '^hold_[0-9a-f]{32}$'),
  generation_id text NOT NULL UNIQUE REFERENCES generations,
  account_id text NOT NULL REFERENCES accounts,
  amount_microcredits bigint NOT NULL CHECK (amount_microcredits BETWEEN 1 AND 9007199254740991),
  state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'captured', 'released')),
  placed_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL CHECK (expires_at > placed_at),
  settled_at timestamptz,
  CHECK ((state = 'active') = (settled_at IS NULL))
);
CREATE INDEX holds_active ON holds (expires_at) WHERE state = 'active';
CREATE INDEX holds_of_account ON holds (account_id, id);

CREATE FUNCTION guard_hold() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF OLD.state <> 'active' OR (OLD.id, OLD.generation_id, OLD.account_id, OLD.amount_microcredits, OLD.placed_at, OLD.expires_at)
     IS DISTINCT FROM (NEW.id, NEW.generation_id, NEW.account_id, NEW.amount_microcredits, NEW.placed_at, NEW.expires_at) THEN
    RAISE EXCEPTION 'a hold is settled once and otherwise never changes' USING ERRCODE = 'HF004';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER holds_guard BEFORE UPDATE ON holds FOR EACH ROW EXECUTE FUNCTION guard_hold();
CREATE TRIGGER holds_kept BEFORE DELETE OR TRUNCATE ON holds FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- One row for each call that may make a video; committed before the call (RULES, "Creating at most once").
-- outcome NULL: open, the call may have arrived. 'not_made': proven that nothing was made. 'not_found': looked for, and
-- nothing was there. 'adopted': looked for, and found.
CREATE TABLE create_attempts (
  generation_id text NOT NULL REFERENCES generations,
  number integer NOT NULL CHECK (number > 0),
  begun_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  ended_at timestamptz,
  outcome text CHECK (outcome IN ('created', 'adopted', 'refused', 'not_made', 'not_found')),
  -- What a provider's list shows of the request: two open attempts that look the same can't be told apart there.
  visible_sha256 bytea NOT NULL CHECK (length(visible_sha256) = 32),
  error_code text,
  error_message text,
  PRIMARY KEY (generation_id, number),
  CHECK ((ended_at IS NULL) = (outcome IS NULL))
);
CREATE UNIQUE INDEX create_attempts_one_open ON create_attempts (generation_id) WHERE outcome IS NULL;
CREATE INDEX create_attempts_open_alike ON create_attempts (visible_sha256) WHERE outcome IS NULL;

CREATE FUNCTION guard_create_attempt() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF OLD.outcome IS NOT NULL THEN
    RAISE EXCEPTION 'an attempt ends once' USING ERRCODE = 'HF004';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER create_attempts_guard BEFORE UPDATE ON create_attempts FOR EACH ROW EXECUTE FUNCTION guard_create_attempt();
CREATE TRIGGER create_attempts_kept BEFORE DELETE OR TRUNCATE ON create_attempts FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Whether nothing goes on at the provider any more, as far as can be known: then it need not count against the cap.
CREATE FUNCTION is_finished(g generations) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT COALESCE(g.provider_verdict IN ('completed', 'failed'), false) OR g.provider_video_id IS NULL AND NOT EXISTS (
    SELECT FROM create_attempts a WHERE a.generation_id = g.id AND (a.outcome IS NULL OR a.outcome = 'not_found'))
$$;

-- Internal. What was learned after the settlement may end a generation that still counted against its account's cap.
CREATE FUNCTION free_slot(p_generation_id text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE g generations;
BEGIN
  UPDATE generations gen SET counts_as_active = false
    WHERE gen.id = p_generation_id AND gen.counts_as_active AND gen.state IN ('charged', 'refunded') AND is_finished(gen)
    RETURNING * INTO g;
  IF FOUND THEN
    UPDATE accounts SET active_generations = active_generations - 1 WHERE id = g.account_id;
  END IF;
END $$;

-- What happened, in the order it was learned; written in the transaction of what it tells.
CREATE TABLE generation_events (
  generation_id text NOT NULL REFERENCES generations,
  sequence integer NOT NULL CHECK (sequence > 0),
  kind text NOT NULL,
  data jsonb NOT NULL DEFAULT '{}',
  recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (generation_id, sequence)
);
CREATE TRIGGER generation_events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON generation_events
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Internal. The generation's row must be locked by the caller, which makes the sequence gapless.
CREATE FUNCTION append_event(p_generation_id text, p_kind text, p_data jsonb) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, public, pg_temp AS $$
  WITH next AS (
    UPDATE generations SET event_sequence = event_sequence + 1 WHERE id = p_generation_id RETURNING event_sequence
  )
  INSERT INTO generation_events (generation_id, sequence, kind, data) SELECT p_generation_id, event_sequence, p_kind, p_data FROM next
$$;

-- The first statement of every movement: lock order is generation, hold, account.
CREATE FUNCTION lock_generation(p_generation_id text) RETURNS generations
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE g generations;
BEGIN
  SELECT * INTO g FROM generations WHERE id = p_generation_id FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no generation %', p_generation_id USING ERRCODE = 'HF001';
  END IF;
  RETURN g;
END $$;

-- A client's Idempotency-Key, written in the transaction of its generation. Only the answers 200 and 402 are kept.
CREATE TABLE idempotency_keys (
  account_id text NOT NULL REFERENCES accounts,
  key text NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
  fingerprint bytea NOT NULL CHECK (length(fingerprint) = 32),
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- NULL: refused at a glance for lack of credits, before there was a generation.
  generation_id text REFERENCES generations,
  answer_status integer CHECK (answer_status IN (200, 402)),
  answer jsonb,
  PRIMARY KEY (account_id, key),
  CHECK ((answer IS NULL) OR (answer_status IS NOT NULL)),
  CHECK (generation_id IS NOT NULL OR answer_status = 402)
);

GRANT SELECT ON idempotency_keys, generations, inputs, holds, create_attempts, generation_events TO holdfast_service;

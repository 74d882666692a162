-- One row is the meeting point of everyone who works on a generation (MR-28): the API writes it, `place_hold` moves it
-- from `requested` to `held` by compare-and-set, or `void_generation` to `voided`; settling ends it.
CREATE TABLE generations (
  id text PRIMARY KEY CONSTRAINT generations_id_format CHECK (id ~ '^(video|script|thread)_[0-9a-f]{32}$'),
  kind text NOT NULL DEFAULT 'video' CONSTRAINT generations_kind_is_of_id CHECK (kind = split_part(id, '_', 1)),
  account_id text NOT NULL REFERENCES accounts,
  api_key_id text NOT NULL,
  -- Whose limits this generation's hold counts against; NULL: its key has none.
  limited_key text REFERENCES api_key_spending,
  state text NOT NULL DEFAULT 'requested'
    CONSTRAINT generations_state_known CHECK (state IN ('requested', 'held', 'charged', 'released', 'refused', 'voided')),
  refusal_code text,
  requested_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- A hold placed after this would surprise a client that has long gone.
  admit_by timestamptz NOT NULL,
  -- SHA-256 of route and canonical body: the same request again has the same one.
  fingerprint bytea NOT NULL CONSTRAINT generations_fingerprint_is_sha256 CHECK (length(fingerprint) = 32),
  -- When a later request of the API key that asked for it named its id: proof that the client knows it, and there is no other
  -- (a connection that took the answer proves nothing). NULL: an SDK's retry of the same request may mean this generation.
  known_at timestamptz,
  -- When its id was last given to a client: to the request itself, or to a retry; and to how many retries it was given.
  handed_out_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  replays integer NOT NULL DEFAULT 0 CONSTRAINT generations_replays_not_negative CHECK (replays >= 0),
  -- Once, by whoever came first.
  cancel_requested_at timestamptz,
  -- Since when the ledger refuses to settle it by a rule or a constraint.
  settlement_refused_at timestamptz,
  -- Deleted by its owner: hidden from them, and what was asked for is erased; the books are kept for the auditor.
  deleted_at timestamptz,

  model text NOT NULL,
  -- Of a video; a text has no length, and its price is in `texts`.
  seconds integer CONSTRAINT generations_seconds_positive CHECK (seconds > 0),
  size text,
  remix_of text REFERENCES generations,
  -- A claim: a generation that pays for the video of another, whose hold was released before it completed.
  claim_of text REFERENCES generations,

  -- The price, snapshotted: the price of model and size, what was sold, and what the request's parameters add to the price.
  price_id bigint REFERENCES prices,
  offer_id bigint REFERENCES offers,
  price_effects jsonb NOT NULL DEFAULT '[]',
  amount_microcredits bigint NOT NULL
    CONSTRAINT generations_amount_microcredits_range CHECK (amount_microcredits BETWEEN 1 AND 9007199254740991),

  -- Which provider makes it, by its name in the operator's settings; NULL: the default one.
  provider_name text,
  -- The provider of the last attempt: a video is never looked for at another one. Its name and the origin of its base URL,
  -- `openai@https://host`: with another key, or another path, it is the same provider; at another origin, counters begin again.
  provider text,
  -- As the provider told it; it is used in calls.
  provider_video_id text,
  -- The same in canonical form: a gateway spells one video's id in several ways. By this, ids are compared and unique.
  provider_canonical_id text,
  -- Since when the provider has given that id to another create as well: what is there now may be another's.
  provider_id_contested_at timestamptz,
  provider_created_at timestamptz,
  provider_completed_at timestamptz,
  provider_status text,
  provider_verdict text CONSTRAINT generations_provider_verdict_known CHECK (provider_verdict IN ('open', 'completed', 'failed')),
  provider_progress integer CONSTRAINT generations_provider_progress_range CHECK (provider_progress BETWEEN 0 AND 100),
  provider_error_code text,
  provider_error_message text,
  -- Since when the provider may have been asked, once, to end its work, and since when it is on record that it has (MR-9).
  cancel_sent_at timestamptz,
  cancel_ended_at timestamptz,
  -- What the provider said of the completed video; NULL where it told nothing that can be read. Against what was sold: made_charge.
  made_seconds integer,
  made_size text,
  made_model text,
  made_audio boolean,
  last_look_at timestamptz,
  -- Completed after its hold was released: until then its owner may have it after all, for its old price.
  claimable_until timestamptz,
  -- From here on it is not claimable, nor refunded when its content is gone; only then is it deleted at the provider.
  deletion_begun_at timestamptz,
  -- Or since when it is on record that the provider keeps it.
  provider_deleted_at timestamptz,

  -- Settlement (MR-41, MR-42): never changes once set.
  credits_charged boolean,
  charged_amount_microcredits bigint,
  settled_at timestamptz,
  settlement_reason text CONSTRAINT generations_settlement_reason_known CHECK (settlement_reason IN ('completed', 'nothing_to_charge',
    'provider_failed', 'submission_refused', 'provider_unavailable', 'cancelled', 'create_failed', 'expired', 'emergency')),
  error_code text,
  error_message text,
  duration_ms bigint CONSTRAINT generations_duration_ms_not_negative CHECK (duration_ms >= 0),

  -- Whether it counts in accounts.active_generations.
  counts_as_active boolean NOT NULL DEFAULT false,
  event_sequence integer NOT NULL DEFAULT 0,

  FOREIGN KEY (api_key_id, account_id) REFERENCES api_keys (id, account_id),
  CONSTRAINT generations_video_fields CHECK (CASE WHEN kind = 'video'
    THEN seconds IS NOT NULL AND size IS NOT NULL AND price_id IS NOT NULL AND offer_id IS NOT NULL
      AND (provider_video_id IS NULL) = (provider_verdict IS NULL) AND (provider_video_id IS NULL) = (provider_canonical_id IS NULL)
    ELSE seconds IS NULL AND size IS NULL AND price_id IS NULL AND offer_id IS NULL AND provider_video_id IS NULL AND provider_canonical_id IS NULL
      AND claim_of IS NULL AND remix_of IS NULL END),
  CONSTRAINT generations_video_has_provider CHECK (provider_video_id IS NULL OR provider IS NOT NULL),
  CONSTRAINT generations_claims_make_nothing CHECK (claim_of IS NULL OR provider_video_id IS NULL),
  CONSTRAINT generations_cancel_in_order CHECK ((cancel_ended_at IS NULL OR cancel_sent_at IS NOT NULL)
    AND (cancel_sent_at IS NULL OR cancel_requested_at IS NOT NULL AND provider_video_id IS NOT NULL)),
  CONSTRAINT generations_claimable_when_late CHECK (claimable_until IS NULL OR state = 'released' AND provider_verdict = 'completed'),
  -- COALESCE, because a CHECK that comes out NULL passes.
  CONSTRAINT generations_three_states CHECK (COALESCE(CASE
    WHEN credits_charged IS NULL THEN charged_amount_microcredits IS NULL AND settled_at IS NULL
    WHEN credits_charged THEN charged_amount_microcredits > 0 AND settled_at IS NOT NULL
    ELSE charged_amount_microcredits IS NULL AND settled_at IS NOT NULL END, false)),
  CONSTRAINT generations_never_more_than_held CHECK (charged_amount_microcredits <= amount_microcredits),
  CONSTRAINT generations_state_matches CHECK (
    (state = 'charged') = (credits_charged IS TRUE) AND (state = 'released') = (credits_charged IS FALSE)
    AND (credits_charged IS NULL) = (settlement_reason IS NULL)
    AND (credits_charged IS FALSE) = (error_code IS NOT NULL)
    AND (state IN ('refused', 'voided')) = (refusal_code IS NOT NULL))
);
-- A list is of one kind.
CREATE INDEX generations_of_account ON generations (account_id, kind, id);
-- Two generations never share a video. Ids are unique within a server, under whatever name it is configured. The id comes
-- first, because an operator searches by it alone.
CREATE UNIQUE INDEX generations_provider_video ON generations (provider_canonical_id, split_part(provider, '@', 2));
CREATE INDEX generations_unknown ON generations (api_key_id, fingerprint, handed_out_at) WHERE known_at IS NULL;
CREATE INDEX generations_requested ON generations (admit_by) WHERE state = 'requested';
CREATE INDEX generations_held ON generations (id) WHERE state = 'held';
CREATE INDEX generations_counted ON generations (account_id) WHERE counts_as_active;
CREATE INDEX generations_followed ON generations (id) WHERE counts_as_active AND state = 'released';
CREATE INDEX generations_durations ON generations (model, seconds, size, settled_at) INCLUDE (duration_ms) WHERE state = 'charged';
CREATE INDEX generations_settled ON generations (settled_at) INCLUDE (credits_charged, error_code) WHERE settled_at IS NOT NULL;
CREATE INDEX generations_late ON generations (claimable_until) WHERE claimable_until IS NOT NULL AND provider_deleted_at IS NULL;
-- What an operator lists at 3 a.m. is not found by reading everything.
CREATE INDEX generations_failures ON generations (error_code, id) WHERE error_code IS NOT NULL;
CREATE INDEX generations_emergencies ON generations (settled_at) WHERE settlement_reason = 'emergency';
-- A video is paid for once.
CREATE UNIQUE INDEX generations_claimed_once ON generations (claim_of) WHERE state IN ('requested', 'held', 'charged');

-- What the client asked for of a video (of a text: `text_requests`), apart from the generation so that it can be erased, and
-- never in a Temporal history.
CREATE TABLE inputs (
  generation_id text PRIMARY KEY REFERENCES generations,
  prompt text NOT NULL CONSTRAINT inputs_prompt_length CHECK (length(prompt) BETWEEN 1 AND 32000),
  -- NULL where none was sent; empty once it is settled.
  images bytea[] CONSTRAINT inputs_images_size CHECK (cardinality(images) BETWEEN 0 AND 8),
  image_types text[],
  image_roles text[] CONSTRAINT inputs_image_roles_known
    CHECK (image_roles <@ ARRAY['input_reference', 'first_frame', 'last_frame', 'reference']),
  -- By the names that the client uses, its defaults filled in. As private as the prompt: one of them may be text.
  parameters jsonb NOT NULL DEFAULT '{}',
  CONSTRAINT inputs_images CHECK (COALESCE(cardinality(image_types), -1) = COALESCE(cardinality(image_roles), -1)
    AND (images IS NULL) = (image_types IS NULL) AND cardinality(images) IN (0, cardinality(image_types)))
);

-- The client's own references on a generation: `user`, and the pairs of `metadata`. They may be personal data, so they stand
-- apart like `inputs`, are erased with them, and are never in a Temporal history.
CREATE TABLE generation_labels (
  generation_id text NOT NULL REFERENCES generations,
  -- The generation's, for the index.
  account_id text NOT NULL,
  -- 0 is `user`, which has no name; 1 to 16 are the pairs.
  place integer NOT NULL CONSTRAINT generation_labels_place_range CHECK (place BETWEEN 0 AND 16),
  name text NOT NULL
    CONSTRAINT generation_labels_name_length CHECK (CASE place WHEN 0 THEN name = '' ELSE length(name) BETWEEN 1 AND 64 END)
    CONSTRAINT generation_labels_name_is_plain CHECK (name !~ '[\x01-\x1f\x7f]'),
  value text NOT NULL
    CONSTRAINT generation_labels_value_length CHECK (CASE place WHEN 0 THEN length(value) BETWEEN 1 AND 64 ELSE length(value) <= 512 END)
    CONSTRAINT generation_labels_value_is_plain CHECK (value !~ '[\x01-\x1f\x7f]'),
  PRIMARY KEY (generation_id, place)
);
-- Lists of an account by labels, in the order of ids; the account stands third, for an operator searches all accounts. The longest entry fits an index page: 4 bytes for each of 576 characters, and two ids.
-- Here and not in `generations`, whose rows change often: each label enters its index once, and no settlement waits for it.
CREATE UNIQUE INDEX generation_labels_listed ON generation_labels (name, value, account_id, generation_id);

-- What happened, in the order it was learned; written in the transaction of what it tells.
CREATE TABLE generation_events (
  generation_id text NOT NULL REFERENCES generations,
  sequence integer NOT NULL CONSTRAINT generation_events_sequence_positive CHECK (sequence > 0),
  kind text NOT NULL,
  data jsonb NOT NULL DEFAULT '{}',
  recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (generation_id, sequence)
);

-- A client's Idempotency-Key, written in the transaction of its generation. Only the answers 200 and 402 are kept.
CREATE TABLE idempotency_keys (
  account_id text NOT NULL REFERENCES accounts,
  key text NOT NULL CONSTRAINT idempotency_keys_key_length CHECK (length(key) BETWEEN 1 AND 255),
  fingerprint bytea NOT NULL CONSTRAINT idempotency_keys_fingerprint_is_sha256 CHECK (length(fingerprint) = 32),
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- NULL: refused at a glance for lack of credits, before there was a generation.
  generation_id text REFERENCES generations,
  -- What could not be paid then.
  refused_microcredits bigint,
  answer_status integer CONSTRAINT idempotency_keys_answer_status_known CHECK (answer_status IN (200, 402)),
  answer jsonb,
  PRIMARY KEY (account_id, key),
  CONSTRAINT idempotency_keys_answer CHECK ((answer IS NULL) OR (answer_status IS NOT NULL)),
  CONSTRAINT idempotency_keys_leads_somewhere CHECK (generation_id IS NOT NULL OR answer_status = 402)
);
-- For a deletion, which erases the answer.
CREATE INDEX idempotency_keys_generation ON idempotency_keys (generation_id);

-- Every table as it is, and every right, for reading: nothing runs this file, and functions and views are in functions/.
-- dump.ts makes it from the catalog; after a change: npx vitest run test/integration/schema.test.ts --update

CREATE TABLE account_operations (
  account_id text NOT NULL,
  key text NOT NULL,
  kind text NOT NULL,
  requested_microcredits bigint,
  reason text,
  outcome text NOT NULL,
  moved_microcredits bigint NOT NULL DEFAULT 0,
  transaction_id bigint,
  recorded_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  recorded_by text NOT NULL DEFAULT SESSION_USER,
  CONSTRAINT account_operations_pkey PRIMARY KEY (account_id, key),
  CONSTRAINT account_operations_transaction_id_key UNIQUE (transaction_id),
  CONSTRAINT account_operations_amount CHECK ((kind = 'grant'::text) = (requested_microcredits IS NOT NULL)),
  CONSTRAINT account_operations_key_length CHECK (length(key) >= 1 AND length(key) <= 255),
  CONSTRAINT account_operations_kind_known CHECK (kind = ANY (ARRAY['grant'::text, 'freeze'::text, 'unfreeze'::text])),
  CONSTRAINT account_operations_movement CHECK ((outcome = 'granted'::text) = (transaction_id IS NOT NULL) AND (outcome = 'granted'::text) = (moved_microcredits <> 0)),
  CONSTRAINT account_operations_outcome_known CHECK (outcome = ANY (ARRAY['granted'::text, 'nothing_available'::text, 'too_large'::text, 'frozen'::text, 'already_frozen'::text, 'unfrozen'::text, 'not_frozen'::text])),
  CONSTRAINT account_operations_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(id),
  CONSTRAINT account_operations_transaction_id_fkey FOREIGN KEY (transaction_id) REFERENCES journal_transactions(id)
);
CREATE TRIGGER account_operations_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON account_operations FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
GRANT SELECT ON holdfast.account_operations TO holdfast_service;

CREATE TABLE accounts (
  id text NOT NULL,
  name text NOT NULL,
  available_microcredits bigint NOT NULL DEFAULT 0,
  held_microcredits bigint NOT NULL DEFAULT 0,
  active_generations integer NOT NULL DEFAULT 0,
  max_active_generations integer NOT NULL DEFAULT 300,
  frozen_at timestamp with time zone,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT accounts_pkey PRIMARY KEY (id),
  CONSTRAINT accounts_active_generations_not_negative CHECK (active_generations >= 0),
  CONSTRAINT accounts_available_range CHECK (available_microcredits >= 0 AND available_microcredits <= '9007199254740991'::bigint),
  CONSTRAINT accounts_held_range CHECK (held_microcredits >= 0 AND held_microcredits <= '9007199254740991'::bigint),
  CONSTRAINT accounts_id_format CHECK (id ~ '^acct_[0-9a-f]{32}$'::text),
  CONSTRAINT accounts_max_active_generations_not_negative CHECK (max_active_generations >= 0),
  CONSTRAINT accounts_name_length CHECK (length(name) >= 1 AND length(name) <= 200)
);
GRANT SELECT ON holdfast.accounts TO holdfast_service;

CREATE TABLE api_key_spending (
  api_key_id text NOT NULL,
  account_id text NOT NULL,
  day date NOT NULL,
  day_microcredits bigint NOT NULL DEFAULT 0,
  month date NOT NULL,
  month_microcredits bigint NOT NULL DEFAULT 0,
  CONSTRAINT api_key_spending_pkey PRIMARY KEY (api_key_id),
  CONSTRAINT api_key_spending_day_microcredits_range CHECK (day_microcredits >= 0 AND day_microcredits <= '9007199254740991'::bigint),
  CONSTRAINT api_key_spending_month_microcredits_range CHECK (month_microcredits >= 0 AND month_microcredits <= '9007199254740991'::bigint),
  CONSTRAINT api_key_spending_api_key_id_account_id_fkey FOREIGN KEY (api_key_id, account_id) REFERENCES api_keys(id, account_id)
);
GRANT SELECT ON holdfast.api_key_spending TO holdfast_service;

CREATE TABLE api_keys (
  id text NOT NULL,
  account_id text NOT NULL,
  name text NOT NULL,
  key_sha256 bytea NOT NULL,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  revoked_at timestamp with time zone,
  scopes text[],
  expires_at timestamp with time zone,
  daily_limit_microcredits bigint,
  monthly_limit_microcredits bigint,
  requests_per_minute integer,
  spends_as text,
  CONSTRAINT api_keys_pkey PRIMARY KEY (id),
  CONSTRAINT api_keys_id_account_id_key UNIQUE (id, account_id),
  CONSTRAINT api_keys_key_sha256_key UNIQUE (key_sha256),
  CONSTRAINT api_keys_daily_limit_range CHECK (daily_limit_microcredits >= 1 AND daily_limit_microcredits <= '9007199254740991'::bigint),
  CONSTRAINT api_keys_id_format CHECK (id ~ '^key_[0-9a-f]{32}$'::text),
  CONSTRAINT api_keys_key_sha256_length CHECK (length(key_sha256) = 32),
  CONSTRAINT api_keys_monthly_limit_range CHECK (monthly_limit_microcredits >= 1 AND monthly_limit_microcredits <= '9007199254740991'::bigint),
  CONSTRAINT api_keys_name_length CHECK (length(name) >= 1 AND length(name) <= 200),
  CONSTRAINT api_keys_requests_range CHECK (requests_per_minute >= 1 AND requests_per_minute <= 1000000),
  CONSTRAINT api_keys_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(id),
  CONSTRAINT api_keys_spends_as_own FOREIGN KEY (spends_as, account_id) REFERENCES api_keys(id, account_id)
);
CREATE INDEX api_keys_account ON api_keys USING btree (account_id);
CREATE TRIGGER api_keys_guard BEFORE UPDATE ON api_keys FOR EACH ROW EXECUTE FUNCTION guard_api_key();
GRANT INSERT (id, account_id, name, key_sha256, scopes, expires_at, daily_limit_microcredits, monthly_limit_microcredits, requests_per_minute, spends_as), SELECT, UPDATE (revoked_at, expires_at) ON holdfast.api_keys TO holdfast_service;

CREATE TABLE console_sessions (
  token_hash bytea NOT NULL,
  kind text NOT NULL,
  api_key_id text,
  opened_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  expires_at timestamp with time zone NOT NULL,
  CONSTRAINT console_sessions_pkey PRIMARY KEY (token_hash),
  CONSTRAINT console_sessions_kind_known CHECK (kind = ANY (ARRAY['session'::text, 'link'::text])),
  CONSTRAINT console_sessions_link_has_key CHECK (kind = 'session'::text OR api_key_id IS NOT NULL),
  CONSTRAINT console_sessions_token_hash_length CHECK (length(token_hash) = 32),
  CONSTRAINT console_sessions_api_key_id_fkey FOREIGN KEY (api_key_id) REFERENCES api_keys(id)
);
CREATE INDEX console_sessions_end ON console_sessions USING btree (expires_at);
CREATE INDEX console_sessions_key ON console_sessions USING btree (api_key_id, kind, opened_at);
GRANT SELECT ON holdfast.console_sessions TO holdfast_service;

CREATE TABLE contents (
  generation_id text NOT NULL,
  variant text NOT NULL,
  state text NOT NULL,
  bytes bigint,
  sha256 bytea,
  content_type text,
  location text,
  length_ms bigint,
  frame_size text,
  has_sound boolean,
  before_capture boolean NOT NULL DEFAULT false,
  recorded_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT contents_pkey PRIMARY KEY (generation_id, variant),
  CONSTRAINT contents_bytes_range CHECK (bytes >= 1 AND bytes <= '9007199254740991'::bigint),
  CONSTRAINT contents_content_type_length CHECK (length(content_type) >= 1 AND length(content_type) <= 200),
  CONSTRAINT contents_described CHECK (num_nonnulls(bytes, sha256, content_type, location) =
CASE state
    WHEN 'archived'::text THEN 4
    ELSE 0
END),
  CONSTRAINT contents_location_length CHECK (length(location) >= 1 AND length(location) <= 1000),
  CONSTRAINT contents_sha256_length CHECK (length(sha256) = 32),
  CONSTRAINT contents_state_known CHECK (state = ANY (ARRAY['archived'::text, 'gone'::text])),
  CONSTRAINT contents_variant_known CHECK (variant = ANY (ARRAY['video'::text, 'thumbnail'::text, 'spritesheet'::text])),
  CONSTRAINT contents_generation_id_fkey FOREIGN KEY (generation_id) REFERENCES generations(id)
);
CREATE TRIGGER contents_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON contents FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
GRANT SELECT ON holdfast.contents TO holdfast_service;

CREATE TABLE current_build (
  is_only boolean NOT NULL DEFAULT true,
  build_id text NOT NULL,
  recorded_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT current_build_pkey PRIMARY KEY (is_only),
  CONSTRAINT current_build_is_only CHECK (is_only),
  CONSTRAINT current_build_length CHECK (length(build_id) >= 1 AND length(build_id) <= 100)
);
GRANT SELECT ON holdfast.current_build TO holdfast_service;

CREATE TABLE expected_rights (
  line text NOT NULL,
  CONSTRAINT expected_rights_pkey PRIMARY KEY (line)
);
GRANT SELECT ON holdfast.expected_rights TO holdfast_service;

CREATE TABLE generation_events (
  generation_id text NOT NULL,
  sequence integer NOT NULL,
  kind text NOT NULL,
  data jsonb NOT NULL DEFAULT '{}'::jsonb,
  recorded_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT generation_events_pkey PRIMARY KEY (generation_id, sequence),
  CONSTRAINT generation_events_sequence_positive CHECK (sequence > 0),
  CONSTRAINT generation_events_generation_id_fkey FOREIGN KEY (generation_id) REFERENCES generations(id)
);
CREATE TRIGGER generation_events_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON generation_events FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
GRANT SELECT ON holdfast.generation_events TO holdfast_service;

CREATE TABLE generation_labels (
  generation_id text NOT NULL,
  account_id text NOT NULL,
  place integer NOT NULL,
  name text NOT NULL,
  value text NOT NULL,
  CONSTRAINT generation_labels_pkey PRIMARY KEY (generation_id, place),
  CONSTRAINT generation_labels_name_is_plain CHECK (name !~ '[\x01-\x1f\x7f]'::text),
  CONSTRAINT generation_labels_name_length CHECK (
CASE place
    WHEN 0 THEN name = ''::text
    ELSE length(name) >= 1 AND length(name) <= 64
END),
  CONSTRAINT generation_labels_place_range CHECK (place >= 0 AND place <= 16),
  CONSTRAINT generation_labels_value_is_plain CHECK (value !~ '[\x01-\x1f\x7f]'::text),
  CONSTRAINT generation_labels_value_length CHECK (
CASE place
    WHEN 0 THEN length(value) >= 1 AND length(value) <= 64
    ELSE length(value) <= 512
END),
  CONSTRAINT generation_labels_generation_id_fkey FOREIGN KEY (generation_id) REFERENCES generations(id)
);
CREATE UNIQUE INDEX generation_labels_listed ON generation_labels USING btree (name, value, account_id, generation_id);
GRANT SELECT ON holdfast.generation_labels TO holdfast_service;

CREATE TABLE generations (
  id text NOT NULL,
  kind text NOT NULL DEFAULT 'video'::text,
  account_id text NOT NULL,
  api_key_id text NOT NULL,
  limited_key text,
  state text NOT NULL DEFAULT 'requested'::text,
  refusal_code text,
  requested_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  admit_by timestamp with time zone NOT NULL,
  fingerprint bytea NOT NULL,
  known_at timestamp with time zone,
  handed_out_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  replays integer NOT NULL DEFAULT 0,
  cancel_requested_at timestamp with time zone,
  settlement_refused_at timestamp with time zone,
  deleted_at timestamp with time zone,
  model text NOT NULL,
  seconds integer,
  size text,
  remix_of text,
  claim_of text,
  price_id bigint,
  offer_id bigint,
  price_effects jsonb NOT NULL DEFAULT '[]'::jsonb,
  amount_microcredits bigint NOT NULL,
  provider_name text,
  provider text,
  provider_video_id text,
  provider_canonical_id text,
  provider_id_contested_at timestamp with time zone,
  provider_created_at timestamp with time zone,
  provider_completed_at timestamp with time zone,
  provider_status text,
  provider_verdict text,
  provider_progress integer,
  provider_error_code text,
  provider_error_message text,
  cancel_sent_at timestamp with time zone,
  cancel_ended_at timestamp with time zone,
  made_seconds integer,
  made_size text,
  made_model text,
  made_audio boolean,
  last_look_at timestamp with time zone,
  claimable_until timestamp with time zone,
  deletion_begun_at timestamp with time zone,
  provider_deleted_at timestamp with time zone,
  credits_charged boolean,
  charged_amount_microcredits bigint,
  settled_at timestamp with time zone,
  settlement_reason text,
  error_code text,
  error_message text,
  duration_ms bigint,
  counts_as_active boolean NOT NULL DEFAULT false,
  event_sequence integer NOT NULL DEFAULT 0,
  CONSTRAINT generations_pkey PRIMARY KEY (id),
  CONSTRAINT generations_amount_microcredits_range CHECK (amount_microcredits >= 1 AND amount_microcredits <= '9007199254740991'::bigint),
  CONSTRAINT generations_cancel_in_order CHECK ((cancel_ended_at IS NULL OR cancel_sent_at IS NOT NULL) AND (cancel_sent_at IS NULL OR cancel_requested_at IS NOT NULL AND provider_video_id IS NOT NULL)),
  CONSTRAINT generations_claimable_when_late CHECK (claimable_until IS NULL OR state = 'released'::text AND provider_verdict = 'completed'::text),
  CONSTRAINT generations_claims_make_nothing CHECK (claim_of IS NULL OR provider_video_id IS NULL),
  CONSTRAINT generations_duration_ms_not_negative CHECK (duration_ms >= 0),
  CONSTRAINT generations_fingerprint_is_sha256 CHECK (length(fingerprint) = 32),
  CONSTRAINT generations_id_format CHECK (id ~ '^(video|script|thread)_[0-9a-f]{32}$'::text),
  CONSTRAINT generations_kind_is_of_id CHECK (kind = split_part(id, '_'::text, 1)),
  CONSTRAINT generations_never_more_than_held CHECK (charged_amount_microcredits <= amount_microcredits),
  CONSTRAINT generations_provider_progress_range CHECK (provider_progress >= 0 AND provider_progress <= 100),
  CONSTRAINT generations_provider_verdict_known CHECK (provider_verdict = ANY (ARRAY['open'::text, 'completed'::text, 'failed'::text])),
  CONSTRAINT generations_replays_not_negative CHECK (replays >= 0),
  CONSTRAINT generations_seconds_positive CHECK (seconds > 0),
  CONSTRAINT generations_settlement_reason_known CHECK (settlement_reason = ANY (ARRAY['completed'::text, 'nothing_to_charge'::text, 'provider_failed'::text, 'submission_refused'::text, 'provider_unavailable'::text, 'cancelled'::text, 'create_failed'::text, 'expired'::text, 'emergency'::text])),
  CONSTRAINT generations_state_known CHECK (state = ANY (ARRAY['requested'::text, 'held'::text, 'charged'::text, 'released'::text, 'refused'::text, 'voided'::text])),
  CONSTRAINT generations_state_matches CHECK ((state = 'charged'::text) = (credits_charged IS TRUE) AND (state = 'released'::text) = (credits_charged IS FALSE) AND (credits_charged IS NULL) = (settlement_reason IS NULL) AND (credits_charged IS FALSE) = (error_code IS NOT NULL) AND (state = ANY (ARRAY['refused'::text, 'voided'::text])) = (refusal_code IS NOT NULL)),
  CONSTRAINT generations_three_states CHECK (COALESCE(
CASE
    WHEN credits_charged IS NULL THEN charged_amount_microcredits IS NULL AND settled_at IS NULL
    WHEN credits_charged THEN charged_amount_microcredits > 0 AND settled_at IS NOT NULL
    ELSE charged_amount_microcredits IS NULL AND settled_at IS NOT NULL
END, false)),
  CONSTRAINT generations_video_fields CHECK (
CASE
    WHEN kind = 'video'::text THEN seconds IS NOT NULL AND size IS NOT NULL AND price_id IS NOT NULL AND offer_id IS NOT NULL AND (provider_video_id IS NULL) = (provider_verdict IS NULL) AND (provider_video_id IS NULL) = (provider_canonical_id IS NULL)
    ELSE seconds IS NULL AND size IS NULL AND price_id IS NULL AND offer_id IS NULL AND provider_video_id IS NULL AND provider_canonical_id IS NULL AND claim_of IS NULL AND remix_of IS NULL
END),
  CONSTRAINT generations_video_has_provider CHECK (provider_video_id IS NULL OR provider IS NOT NULL),
  CONSTRAINT generations_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(id),
  CONSTRAINT generations_api_key_id_account_id_fkey FOREIGN KEY (api_key_id, account_id) REFERENCES api_keys(id, account_id),
  CONSTRAINT generations_claim_of_fkey FOREIGN KEY (claim_of) REFERENCES generations(id),
  CONSTRAINT generations_limited_key_fkey FOREIGN KEY (limited_key) REFERENCES api_key_spending(api_key_id),
  CONSTRAINT generations_offer_id_fkey FOREIGN KEY (offer_id) REFERENCES offers(id),
  CONSTRAINT generations_price_id_fkey FOREIGN KEY (price_id) REFERENCES prices(id),
  CONSTRAINT generations_remix_of_fkey FOREIGN KEY (remix_of) REFERENCES generations(id)
);
CREATE UNIQUE INDEX generations_claimed_once ON generations USING btree (claim_of) WHERE state = ANY (ARRAY['requested'::text, 'held'::text, 'charged'::text]);
CREATE INDEX generations_counted ON generations USING btree (account_id) WHERE counts_as_active;
CREATE INDEX generations_durations ON generations USING btree (model, seconds, size, settled_at) INCLUDE (duration_ms) WHERE state = 'charged'::text;
CREATE INDEX generations_emergencies ON generations USING btree (settled_at) WHERE settlement_reason = 'emergency'::text;
CREATE INDEX generations_failures ON generations USING btree (error_code, id) WHERE error_code IS NOT NULL;
CREATE INDEX generations_followed ON generations USING btree (id) WHERE counts_as_active AND state = 'released'::text;
CREATE INDEX generations_held ON generations USING btree (id) WHERE state = 'held'::text;
CREATE INDEX generations_late ON generations USING btree (claimable_until) WHERE claimable_until IS NOT NULL AND provider_deleted_at IS NULL;
CREATE INDEX generations_of_account ON generations USING btree (account_id, kind, id);
CREATE UNIQUE INDEX generations_provider_video ON generations USING btree (provider_canonical_id, split_part(provider, '@'::text, 2));
CREATE INDEX generations_requested ON generations USING btree (admit_by) WHERE state = 'requested'::text;
CREATE INDEX generations_settled ON generations USING btree (settled_at) INCLUDE (credits_charged, error_code) WHERE settled_at IS NOT NULL;
CREATE INDEX generations_unknown ON generations USING btree (api_key_id, fingerprint, handed_out_at) WHERE known_at IS NULL;
CREATE TRIGGER generations_guard BEFORE UPDATE ON generations FOR EACH ROW EXECUTE FUNCTION guard_generation();
CREATE TRIGGER generations_kept BEFORE DELETE OR TRUNCATE ON generations FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER generations_limited_key_kept BEFORE UPDATE OF limited_key ON generations FOR EACH ROW WHEN (old.limited_key IS NOT NULL AND new.limited_key IS DISTINCT FROM old.limited_key) EXECUTE FUNCTION refuse_change();
CREATE TRIGGER generations_note_webhooks AFTER UPDATE ON generations FOR EACH ROW WHEN (old.state = 'held'::text AND (new.state = ANY (ARRAY['charged'::text, 'released'::text])) AND starts_with(new.id, 'video_'::text)) EXECUTE FUNCTION note_webhooks();
CREATE CONSTRAINT TRIGGER generations_return_spending AFTER UPDATE OF state ON generations DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (old.state = 'held'::text AND (new.state = ANY (ARRAY['charged'::text, 'released'::text])) AND new.limited_key IS NOT NULL AND new.charged_amount_microcredits IS DISTINCT FROM new.amount_microcredits) EXECUTE FUNCTION return_spending();
GRANT SELECT ON holdfast.generations TO holdfast_service;

CREATE TABLE holds (
  id text NOT NULL,
  generation_id text NOT NULL,
  account_id text NOT NULL,
  amount_microcredits bigint NOT NULL,
  state text NOT NULL DEFAULT 'active'::text,
  placed_at timestamp with time zone NOT NULL,
  expires_at timestamp with time zone NOT NULL,
  settled_at timestamp with time zone,
  CONSTRAINT holds_pkey PRIMARY KEY (id),
  CONSTRAINT holds_generation_id_key UNIQUE (generation_id),
  CONSTRAINT holds_amount_microcredits_range CHECK (amount_microcredits >= 1 AND amount_microcredits <= '9007199254740991'::bigint),
  CONSTRAINT holds_expire_later CHECK (expires_at > placed_at),
  CONSTRAINT holds_id_format CHECK (id ~ '^hold_[0-9a-f]{32}$'::text),
  CONSTRAINT holds_settled CHECK ((state = 'active'::text) = (settled_at IS NULL)),
  CONSTRAINT holds_state_known CHECK (state = ANY (ARRAY['active'::text, 'captured'::text, 'released'::text])),
  CONSTRAINT holds_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(id),
  CONSTRAINT holds_generation_id_fkey FOREIGN KEY (generation_id) REFERENCES generations(id)
);
CREATE INDEX holds_active ON holds USING btree (expires_at) WHERE state = 'active'::text;
CREATE INDEX holds_active_of_account ON holds USING btree (account_id) INCLUDE (amount_microcredits) WHERE state = 'active'::text;
CREATE INDEX holds_of_account ON holds USING btree (account_id, id);
CREATE TRIGGER holds_guard BEFORE UPDATE ON holds FOR EACH ROW EXECUTE FUNCTION guard_hold();
CREATE TRIGGER holds_kept BEFORE DELETE OR TRUNCATE ON holds FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
GRANT SELECT ON holdfast.holds TO holdfast_service;

CREATE TABLE idempotency_keys (
  account_id text NOT NULL,
  key text NOT NULL,
  fingerprint bytea NOT NULL,
  created_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  generation_id text,
  refused_microcredits bigint,
  answer_status integer,
  answer jsonb,
  CONSTRAINT idempotency_keys_pkey PRIMARY KEY (account_id, key),
  CONSTRAINT idempotency_keys_answer CHECK (answer IS NULL OR answer_status IS NOT NULL),
  CONSTRAINT idempotency_keys_answer_status_known CHECK (answer_status = ANY (ARRAY[200, 402])),
  CONSTRAINT idempotency_keys_fingerprint_is_sha256 CHECK (length(fingerprint) = 32),
  CONSTRAINT idempotency_keys_key_length CHECK (length(key) >= 1 AND length(key) <= 255),
  CONSTRAINT idempotency_keys_leads_somewhere CHECK (generation_id IS NOT NULL OR answer_status = 402),
  CONSTRAINT idempotency_keys_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(id),
  CONSTRAINT idempotency_keys_generation_id_fkey FOREIGN KEY (generation_id) REFERENCES generations(id)
);
CREATE INDEX idempotency_keys_generation ON idempotency_keys USING btree (generation_id);
GRANT SELECT ON holdfast.idempotency_keys TO holdfast_service;

CREATE TABLE inputs (
  generation_id text NOT NULL,
  prompt text NOT NULL,
  images bytea[],
  image_types text[],
  image_roles text[],
  parameters jsonb NOT NULL DEFAULT '{}'::jsonb,
  CONSTRAINT inputs_pkey PRIMARY KEY (generation_id),
  CONSTRAINT inputs_image_roles_known CHECK (image_roles <@ ARRAY['input_reference'::text, 'first_frame'::text, 'last_frame'::text, 'reference'::text]),
  CONSTRAINT inputs_images CHECK (COALESCE(cardinality(image_types), '-1'::integer) = COALESCE(cardinality(image_roles), '-1'::integer) AND (images IS NULL) = (image_types IS NULL) AND (cardinality(images) = 0 OR cardinality(images) = cardinality(image_types))),
  CONSTRAINT inputs_images_size CHECK (cardinality(images) >= 0 AND cardinality(images) <= 8),
  CONSTRAINT inputs_prompt_length CHECK (length(prompt) >= 1 AND length(prompt) <= 32000),
  CONSTRAINT inputs_generation_id_fkey FOREIGN KEY (generation_id) REFERENCES generations(id)
);
GRANT SELECT ON holdfast.inputs TO holdfast_service;

CREATE TABLE journal_transactions (
  id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  key text NOT NULL,
  kind text NOT NULL,
  account_id text NOT NULL,
  generation_id text,
  requested_microcredits bigint NOT NULL,
  reason text,
  available_microcredits bigint NOT NULL DEFAULT 0,
  held_microcredits bigint NOT NULL DEFAULT 0,
  issued_microcredits bigint NOT NULL DEFAULT 0,
  revenue_microcredits bigint NOT NULL DEFAULT 0,
  available_after_microcredits bigint NOT NULL,
  held_after_microcredits bigint NOT NULL,
  recorded_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  recorded_by text NOT NULL DEFAULT SESSION_USER,
  CONSTRAINT journal_transactions_pkey PRIMARY KEY (id),
  CONSTRAINT journal_transactions_key UNIQUE (key),
  CONSTRAINT journal_transactions_kind_moves_its_books CHECK (COALESCE(
CASE kind
    WHEN 'grant'::text THEN available_microcredits > 0 AND held_microcredits = 0 AND revenue_microcredits = 0
    WHEN 'claw_back'::text THEN available_microcredits < 0 AND held_microcredits = 0 AND revenue_microcredits = 0
    WHEN 'hold'::text THEN available_microcredits < 0 AND issued_microcredits = 0 AND revenue_microcredits = 0
    WHEN 'capture'::text THEN available_microcredits >= 0 AND issued_microcredits = 0 AND revenue_microcredits > 0
    WHEN 'release'::text THEN available_microcredits > 0 AND issued_microcredits = 0 AND revenue_microcredits = 0
    WHEN 'refund'::text THEN available_microcredits > 0 AND held_microcredits = 0 AND issued_microcredits = 0
    ELSE NULL::boolean
END, false)),
  CONSTRAINT journal_transactions_range CHECK (GREATEST(abs(available_microcredits), abs(held_microcredits), abs(issued_microcredits), abs(revenue_microcredits)) <= '9007199254740991'::bigint AND available_after_microcredits >= 0 AND available_after_microcredits <= '9007199254740991'::bigint AND held_after_microcredits >= 0 AND held_after_microcredits <= '9007199254740991'::bigint),
  CONSTRAINT journal_transactions_sum_to_zero CHECK ((available_microcredits + held_microcredits + issued_microcredits + revenue_microcredits) = 0),
  CONSTRAINT journal_transactions_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(id)
);
CREATE INDEX journal_transactions_account ON journal_transactions USING btree (account_id, id);
CREATE INDEX journal_transactions_at ON journal_transactions USING btree (account_id, recorded_at, id);
CREATE TRIGGER journal_transactions_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON journal_transactions FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
GRANT SELECT ON holdfast.journal_transactions TO holdfast_service;

CREATE TABLE kept_operations (
  scope text NOT NULL,
  key text NOT NULL,
  fingerprint bytea NOT NULL,
  answer jsonb NOT NULL,
  recorded_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT kept_operations_pkey PRIMARY KEY (scope, key),
  CONSTRAINT kept_operations_fingerprint_is_sha256 CHECK (length(fingerprint) = 32),
  CONSTRAINT kept_operations_key_length CHECK (length(key) >= 1 AND length(key) <= 255),
  CONSTRAINT kept_operations_scope_length CHECK (length(scope) >= 1 AND length(scope) <= 255)
);
CREATE TRIGGER kept_operations_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON kept_operations FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE offers (
  id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  model text NOT NULL,
  for_sale boolean NOT NULL DEFAULT true,
  provider text,
  provider_model text,
  lengths integer[] NOT NULL DEFAULT '{4,8,12,16,20}'::integer[],
  sizes text[],
  length_field text NOT NULL DEFAULT 'seconds'::text,
  size_field text NOT NULL DEFAULT 'size'::text,
  parameters jsonb NOT NULL DEFAULT '[]'::jsonb,
  prompt_flags text NOT NULL DEFAULT 'allow'::text,
  charge_rule text NOT NULL DEFAULT 'as_sold'::text,
  effective_from timestamp with time zone NOT NULL DEFAULT now(),
  key text,
  recorded_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  recorded_by text NOT NULL DEFAULT SESSION_USER,
  CONSTRAINT offers_pkey PRIMARY KEY (id),
  CONSTRAINT offers_key UNIQUE (key),
  CONSTRAINT offers_model_effective_from_key UNIQUE (model, effective_from),
  CONSTRAINT offers_charge_rule_known CHECK (charge_rule = ANY (ARRAY['as_made'::text, 'as_sold'::text])),
  CONSTRAINT offers_key_length CHECK (length(key) >= 1 AND length(key) <= 255),
  CONSTRAINT offers_length_field_known CHECK (length_field = ANY (ARRAY['seconds'::text, 'duration'::text])),
  CONSTRAINT offers_lengths_range CHECK (cardinality(lengths) >= 1 AND cardinality(lengths) <= 60 AND (1 <= ALL (lengths)) AND (60 >= ALL (lengths))),
  CONSTRAINT offers_model_length CHECK (length(model) >= 1 AND length(model) <= 100),
  CONSTRAINT offers_prompt_flags_known CHECK (prompt_flags = ANY (ARRAY['allow'::text, 'refuse'::text])),
  CONSTRAINT offers_provider_is_a_name CHECK (provider ~ '^[a-z][a-z0-9-]{0,31}$'::text),
  CONSTRAINT offers_provider_model_length CHECK (length(provider_model) >= 1 AND length(provider_model) <= 200),
  CONSTRAINT offers_size_field_known CHECK (size_field = ANY (ARRAY['size'::text, 'resolution'::text])),
  CONSTRAINT offers_sizes_count CHECK (cardinality(sizes) >= 1 AND cardinality(sizes) <= 100)
);
CREATE TRIGGER offers_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON offers FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER offers_guard AFTER INSERT ON offers FOR EACH ROW EXECUTE FUNCTION guard_offer();
GRANT SELECT ON holdfast.offers TO holdfast_service;

CREATE TABLE ownerless_videos (
  provider text NOT NULL,
  provider_canonical_id text NOT NULL,
  sequence bigint NOT NULL DEFAULT nextval('attempt_order'::regclass),
  listed_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT ownerless_videos_pkey PRIMARY KEY (provider, provider_canonical_id)
);
GRANT SELECT ON holdfast.ownerless_videos TO holdfast_service;

CREATE TABLE prices (
  id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  model text NOT NULL,
  size text NOT NULL,
  provider_cost_microcredits_per_second bigint NOT NULL,
  margin_basis_points integer NOT NULL,
  effective_from timestamp with time zone NOT NULL DEFAULT now(),
  key text,
  recorded_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  recorded_by text NOT NULL DEFAULT SESSION_USER,
  CONSTRAINT prices_pkey PRIMARY KEY (id),
  CONSTRAINT prices_key UNIQUE (key),
  CONSTRAINT prices_model_size_effective_from_key UNIQUE (model, size, effective_from),
  CONSTRAINT prices_exact CHECK ((provider_cost_microcredits_per_second::numeric * 60::numeric * 10000::numeric / (10000 - margin_basis_points)::numeric) <= '9007199254740991'::bigint::numeric),
  CONSTRAINT prices_key_length CHECK (length(key) >= 1 AND length(key) <= 255),
  CONSTRAINT prices_margin_basis_points_range CHECK (margin_basis_points >= 0 AND margin_basis_points <= 9999),
  CONSTRAINT prices_provider_cost_microcredits_per_second_range CHECK (provider_cost_microcredits_per_second >= 1 AND provider_cost_microcredits_per_second <= '1000000000000'::bigint)
);
CREATE TRIGGER prices_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON prices FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER prices_guard AFTER INSERT ON prices FOR EACH ROW EXECUTE FUNCTION guard_offer();
GRANT SELECT ON holdfast.prices TO holdfast_service;

CREATE TABLE provider_attempts (
  generation_id text NOT NULL,
  number integer NOT NULL,
  begun_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  ended_at timestamp with time zone,
  outcome text,
  sequence bigint NOT NULL DEFAULT nextval('attempt_order'::regclass),
  visible_sha256 bytea NOT NULL,
  error_code text,
  error_message text,
  lease_ms integer,
  lease_until timestamp with time zone,
  last_called boolean NOT NULL DEFAULT false,
  CONSTRAINT provider_attempts_pkey PRIMARY KEY (generation_id, number),
  CONSTRAINT provider_attempts_ended CHECK ((ended_at IS NULL) = (outcome IS NULL)),
  CONSTRAINT provider_attempts_lease_ms_range CHECK (lease_ms >= 1 AND lease_ms <= 3600000),
  CONSTRAINT provider_attempts_leased CHECK ((lease_ms IS NULL) = (lease_until IS NULL)),
  CONSTRAINT provider_attempts_number_positive CHECK (number > 0),
  CONSTRAINT provider_attempts_outcome_known CHECK (outcome = ANY (ARRAY['created'::text, 'adopted'::text, 'refused'::text, 'not_made'::text, 'not_found'::text, 'conflict'::text])),
  CONSTRAINT provider_attempts_visible_sha256_length CHECK (length(visible_sha256) = 32),
  CONSTRAINT provider_attempts_generation_id_fkey FOREIGN KEY (generation_id) REFERENCES generations(id)
);
CREATE UNIQUE INDEX provider_attempts_one_open ON provider_attempts USING btree (generation_id) WHERE outcome IS NULL;
CREATE INDEX provider_attempts_owed ON provider_attempts USING btree (ended_at) WHERE error_code = 'operators_fault'::text;
CREATE INDEX provider_attempts_unmatched ON provider_attempts USING btree (begun_at) WHERE outcome IS NULL OR outcome = 'not_found'::text;
CREATE TRIGGER provider_attempts_guard BEFORE UPDATE ON provider_attempts FOR EACH ROW EXECUTE FUNCTION guard_attempt();
CREATE TRIGGER provider_attempts_kept BEFORE DELETE OR TRUNCATE ON provider_attempts FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
GRANT SELECT ON holdfast.provider_attempts TO holdfast_service;

CREATE TABLE provider_events (
  provider text NOT NULL,
  webhook_id text NOT NULL,
  type text NOT NULL,
  provider_video_id text NOT NULL,
  received_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT provider_events_pkey PRIMARY KEY (provider, webhook_id),
  CONSTRAINT provider_events_provider_video_id_length CHECK (length(provider_video_id) >= 1 AND length(provider_video_id) <= 255),
  CONSTRAINT provider_events_type_length CHECK (length(type) >= 1 AND length(type) <= 100),
  CONSTRAINT provider_events_webhook_id_length CHECK (length(webhook_id) >= 1 AND length(webhook_id) <= 255)
);
CREATE TRIGGER provider_events_kept BEFORE DELETE OR UPDATE OR TRUNCATE ON provider_events FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
GRANT SELECT ON holdfast.provider_events TO holdfast_service;

CREATE TABLE provider_nudges (
  generation_id text NOT NULL,
  nudges integer NOT NULL DEFAULT 0,
  listed_ended integer NOT NULL DEFAULT 0,
  listed_vanished integer NOT NULL DEFAULT 0,
  CONSTRAINT provider_nudges_pkey PRIMARY KEY (generation_id),
  CONSTRAINT provider_nudges_listed_ended_range CHECK (listed_ended >= 0 AND listed_ended <= 1),
  CONSTRAINT provider_nudges_listed_vanished_range CHECK (listed_vanished >= 0 AND listed_vanished <= 3),
  CONSTRAINT provider_nudges_generation_id_fkey FOREIGN KEY (generation_id) REFERENCES generations(id)
);
GRANT SELECT ON holdfast.provider_nudges TO holdfast_service;

CREATE TABLE provider_paces (
  provider text NOT NULL,
  whole_at timestamp with time zone NOT NULL,
  CONSTRAINT provider_paces_pkey PRIMARY KEY (provider),
  CONSTRAINT provider_paces_provider_length CHECK (length(provider) >= 1 AND length(provider) <= 1000)
);

CREATE TABLE provider_probes (
  provider text NOT NULL,
  prober text NOT NULL,
  is_default boolean NOT NULL,
  last_at timestamp with time zone NOT NULL,
  failures integer NOT NULL,
  failing_since timestamp with time zone,
  why text,
  CONSTRAINT provider_probes_pkey PRIMARY KEY (provider, prober),
  CONSTRAINT provider_probes_failing CHECK ((failures = 0) = (failing_since IS NULL) AND (failures = 0) = (why IS NULL)),
  CONSTRAINT provider_probes_failures_range CHECK (failures >= 0),
  CONSTRAINT provider_probes_prober_length CHECK (length(prober) >= 1 AND length(prober) <= 100),
  CONSTRAINT provider_probes_provider_length CHECK (length(provider) >= 1 AND length(provider) <= 1000)
);
GRANT SELECT ON holdfast.provider_probes TO holdfast_service;

CREATE TABLE provider_sweeps (
  provider text NOT NULL,
  sweeper text NOT NULL,
  lease_until timestamp with time zone NOT NULL,
  shown integer NOT NULL DEFAULT 0,
  missed integer NOT NULL DEFAULT 0,
  CONSTRAINT provider_sweeps_pkey PRIMARY KEY (provider),
  CONSTRAINT provider_sweeps_missed_range CHECK (missed >= 0),
  CONSTRAINT provider_sweeps_provider_length CHECK (length(provider) >= 1 AND length(provider) <= 1000),
  CONSTRAINT provider_sweeps_shown_range CHECK (shown >= 0),
  CONSTRAINT provider_sweeps_sweeper_length CHECK (length(sweeper) >= 1 AND length(sweeper) <= 100)
);
GRANT SELECT ON holdfast.provider_sweeps TO holdfast_service;

CREATE TABLE provider_waits (
  provider text NOT NULL,
  waiter text NOT NULL,
  rank_at timestamp with time zone NOT NULL,
  again_at timestamp with time zone NOT NULL,
  CONSTRAINT provider_waits_pkey PRIMARY KEY (provider, waiter),
  CONSTRAINT provider_waits_provider_length CHECK (length(provider) >= 1 AND length(provider) <= 1000),
  CONSTRAINT provider_waits_waiter_length CHECK (length(waiter) >= 1 AND length(waiter) <= 1000)
);

CREATE TABLE reconciler_progress (
  task text NOT NULL,
  "position" text NOT NULL,
  advanced_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT reconciler_progress_pkey PRIMARY KEY (task)
);
GRANT SELECT ON holdfast.reconciler_progress TO holdfast_service;

CREATE TABLE refunds (
  generation_id text NOT NULL,
  key text NOT NULL,
  requested_microcredits bigint,
  reason text NOT NULL,
  amount_microcredits bigint NOT NULL,
  refunded_before_microcredits bigint NOT NULL,
  captured_microcredits bigint NOT NULL,
  transaction_id bigint NOT NULL,
  recorded_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  recorded_by text NOT NULL DEFAULT SESSION_USER,
  actor text NOT NULL DEFAULT 'operator'::text,
  CONSTRAINT refunds_pkey PRIMARY KEY (generation_id, key),
  CONSTRAINT refunds_one_after_another UNIQUE (generation_id, refunded_before_microcredits),
  CONSTRAINT refunds_transaction_id_key UNIQUE (transaction_id),
  CONSTRAINT refunds_actor_known CHECK (actor = ANY (ARRAY['operator'::text, 'holdfast'::text])),
  CONSTRAINT refunds_amount_microcredits_positive CHECK (amount_microcredits > 0),
  CONSTRAINT refunds_key_length CHECK (length(key) >= 1 AND length(key) <= 255),
  CONSTRAINT refunds_never_more_than_captured CHECK ((refunded_before_microcredits + amount_microcredits) <= captured_microcredits),
  CONSTRAINT refunds_reason_length CHECK (length(reason) >= 1 AND length(reason) <= 500),
  CONSTRAINT refunds_refunded_before_microcredits_not_negative CHECK (refunded_before_microcredits >= 0),
  CONSTRAINT refunds_requested_microcredits_positive CHECK (requested_microcredits > 0),
  CONSTRAINT refunds_generation_id_fkey FOREIGN KEY (generation_id) REFERENCES generations(id),
  CONSTRAINT refunds_transaction_id_fkey FOREIGN KEY (transaction_id) REFERENCES journal_transactions(id)
);
CREATE TRIGGER refunds_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON refunds FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
GRANT SELECT ON holdfast.refunds TO holdfast_service;

CREATE UNLOGGED TABLE request_windows (
  api_key_id text NOT NULL,
  ends_at timestamp with time zone NOT NULL,
  leased integer NOT NULL,
  CONSTRAINT request_windows_pkey PRIMARY KEY (api_key_id),
  CONSTRAINT request_windows_leased CHECK (leased >= 0),
  CONSTRAINT request_windows_api_key_id_fkey FOREIGN KEY (api_key_id) REFERENCES api_keys(id)
);

CREATE TABLE sales_changes (
  id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  key text NOT NULL,
  is_open boolean NOT NULL,
  reason text NOT NULL,
  changed_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  recorded_by text NOT NULL DEFAULT SESSION_USER,
  CONSTRAINT sales_changes_pkey PRIMARY KEY (id),
  CONSTRAINT sales_changes_key_key UNIQUE (key),
  CONSTRAINT sales_changes_key_length CHECK (length(key) >= 1 AND length(key) <= 255),
  CONSTRAINT sales_changes_reason_length CHECK (length(reason) >= 1 AND length(reason) <= 500)
);
CREATE TRIGGER sales_changes_kept BEFORE DELETE OR UPDATE OR TRUNCATE ON sales_changes FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
GRANT SELECT ON holdfast.sales_changes TO holdfast_service;

CREATE TABLE schema_migrations (
  name text NOT NULL,
  sha256 text NOT NULL,
  applied_at timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT schema_migrations_pkey PRIMARY KEY (name)
);
GRANT SELECT ON holdfast.schema_migrations TO holdfast_service;

CREATE TABLE served_parts (
  generation_id text NOT NULL,
  parts int8multirange NOT NULL,
  CONSTRAINT served_parts_pkey PRIMARY KEY (generation_id),
  CONSTRAINT served_parts_generation_id_fkey FOREIGN KEY (generation_id) REFERENCES generations(id)
);
GRANT SELECT ON holdfast.served_parts TO holdfast_service;

CREATE TABLE text_prices (
  id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  model text NOT NULL,
  for_sale boolean NOT NULL DEFAULT true,
  provider text,
  provider_model text,
  input_cost_microcredits_per_million_tokens bigint NOT NULL,
  output_cost_microcredits_per_million_tokens bigint NOT NULL,
  margin_basis_points integer NOT NULL,
  effective_from timestamp with time zone NOT NULL DEFAULT now(),
  key text,
  recorded_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  recorded_by text NOT NULL DEFAULT SESSION_USER,
  CONSTRAINT text_prices_pkey PRIMARY KEY (id),
  CONSTRAINT text_prices_key UNIQUE (key),
  CONSTRAINT text_prices_model_effective_from_key UNIQUE (model, effective_from),
  CONSTRAINT text_prices_input_cost_microcredits_per_million_tokens_range CHECK (input_cost_microcredits_per_million_tokens >= 0 AND input_cost_microcredits_per_million_tokens <= '1000000000000'::bigint),
  CONSTRAINT text_prices_key_length CHECK (length(key) >= 1 AND length(key) <= 255),
  CONSTRAINT text_prices_margin_basis_points_range CHECK (margin_basis_points >= 0 AND margin_basis_points <= 9999),
  CONSTRAINT text_prices_output_cost_microcredits_per_million_tokens_range CHECK (output_cost_microcredits_per_million_tokens >= 1 AND output_cost_microcredits_per_million_tokens <= '1000000000000'::bigint),
  CONSTRAINT text_prices_provider_is_a_name CHECK (provider ~ '^[a-z][a-z0-9-]{0,31}$'::text),
  CONSTRAINT text_prices_provider_model_length CHECK (length(provider_model) >= 1 AND length(provider_model) <= 200)
);
CREATE TRIGGER text_prices_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON text_prices FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
GRANT SELECT ON holdfast.text_prices TO holdfast_service;

CREATE TABLE text_requests (
  generation_id text NOT NULL,
  request jsonb NOT NULL,
  CONSTRAINT text_requests_pkey PRIMARY KEY (generation_id),
  CONSTRAINT text_requests_request_is_object CHECK (jsonb_typeof(request) = 'object'::text),
  CONSTRAINT text_requests_request_length CHECK (length(request::text) <= 32000),
  CONSTRAINT text_requests_generation_id_fkey FOREIGN KEY (generation_id) REFERENCES generations(id)
);
GRANT SELECT ON holdfast.text_requests TO holdfast_service;

CREATE TABLE texts (
  generation_id text NOT NULL,
  text_price_id bigint NOT NULL,
  input_bound_tokens bigint NOT NULL,
  max_output_tokens bigint NOT NULL,
  output text NOT NULL DEFAULT ''::text,
  input_tokens bigint,
  output_tokens bigint,
  finish_reason text,
  ended_at timestamp with time zone,
  CONSTRAINT texts_pkey PRIMARY KEY (generation_id),
  CONSTRAINT texts_billed CHECK ((input_tokens IS NULL) = (output_tokens IS NULL)),
  CONSTRAINT texts_billed_when_ended CHECK (ended_at IS NOT NULL OR input_tokens IS NULL),
  CONSTRAINT texts_input_bound_tokens_positive CHECK (input_bound_tokens > 0),
  CONSTRAINT texts_input_tokens_not_negative CHECK (input_tokens >= 0),
  CONSTRAINT texts_max_output_tokens_positive CHECK (max_output_tokens > 0),
  CONSTRAINT texts_output_tokens_not_negative CHECK (output_tokens >= 0),
  CONSTRAINT texts_generation_id_fkey FOREIGN KEY (generation_id) REFERENCES generations(id),
  CONSTRAINT texts_text_price_id_fkey FOREIGN KEY (text_price_id) REFERENCES text_prices(id)
);
CREATE TRIGGER texts_guard BEFORE UPDATE ON texts FOR EACH ROW EXECUTE FUNCTION guard_text();
CREATE TRIGGER texts_kept BEFORE DELETE OR TRUNCATE ON texts FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
GRANT SELECT ON holdfast.texts TO holdfast_service;

CREATE TABLE webhook_deliveries (
  owner text NOT NULL,
  account_id text NOT NULL,
  endpoint_id text NOT NULL,
  event_id text NOT NULL,
  generation_id text NOT NULL,
  type text NOT NULL,
  occurred_at timestamp with time zone NOT NULL,
  state text NOT NULL DEFAULT 'pending'::text,
  attempts integer NOT NULL DEFAULT 0,
  tries integer NOT NULL DEFAULT 0,
  last_attempt_at timestamp with time zone,
  last_status integer,
  last_error text,
  next_attempt_at timestamp with time zone DEFAULT clock_timestamp(),
  CONSTRAINT webhook_deliveries_pkey PRIMARY KEY (owner, endpoint_id, event_id),
  CONSTRAINT webhook_deliveries_attempts_not_negative CHECK (attempts >= 0),
  CONSTRAINT webhook_deliveries_event_id_format CHECK (event_id ~ '^evt_[0-9a-f]{32}$'::text),
  CONSTRAINT webhook_deliveries_last_error_length CHECK (length(last_error) >= 1 AND length(last_error) <= 300),
  CONSTRAINT webhook_deliveries_last_status_range CHECK (last_status >= 100 AND last_status <= 999),
  CONSTRAINT webhook_deliveries_next CHECK ((state = 'pending'::text) = (next_attempt_at IS NOT NULL)),
  CONSTRAINT webhook_deliveries_own_events CHECK (owner = account_id OR owner = 'operator'::text),
  CONSTRAINT webhook_deliveries_state_known CHECK (state = ANY (ARRAY['pending'::text, 'delivered'::text, 'failed'::text])),
  CONSTRAINT webhook_deliveries_tries_not_negative CHECK (tries >= 0),
  CONSTRAINT webhook_deliveries_type_known CHECK (type = ANY (ARRAY['video.completed'::text, 'video.failed'::text])),
  CONSTRAINT webhook_deliveries_generation_id_fkey FOREIGN KEY (generation_id) REFERENCES generations(id)
);
CREATE INDEX webhook_deliveries_generation ON webhook_deliveries USING btree (generation_id) WHERE state = 'pending'::text;
CREATE INDEX webhook_deliveries_pending ON webhook_deliveries USING btree (next_attempt_at) WHERE state = 'pending'::text;
CREATE TRIGGER webhook_deliveries_kept BEFORE DELETE OR TRUNCATE ON webhook_deliveries FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
GRANT SELECT ON holdfast.webhook_deliveries TO holdfast_service;

CREATE TABLE webhook_endpoints (
  id text NOT NULL,
  owner text NOT NULL,
  account_id text GENERATED ALWAYS AS (NULLIF(owner, 'operator'::text)),
  url text,
  events text[] NOT NULL,
  created_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  failing_since timestamp with time zone,
  disabled_at timestamp with time zone,
  disabled_reason text,
  deleted_at timestamp with time zone,
  CONSTRAINT webhook_endpoints_pkey PRIMARY KEY (owner, id),
  CONSTRAINT webhook_endpoints_deleted CHECK ((deleted_at IS NULL) = (url IS NOT NULL)),
  CONSTRAINT webhook_endpoints_disabled CHECK ((disabled_at IS NULL) = (disabled_reason IS NULL)),
  CONSTRAINT webhook_endpoints_disabled_reason_known CHECK (disabled_reason = ANY (ARRAY['gone'::text, 'failing'::text])),
  CONSTRAINT webhook_endpoints_events_known CHECK (cardinality(events) > 0 AND events <@ '{video.completed,video.failed}'::text[]),
  CONSTRAINT webhook_endpoints_id_format CHECK (id ~ '^we_[0-9a-f]{32}$'::text),
  CONSTRAINT webhook_endpoints_url_length CHECK (length(url) >= 1 AND length(url) <= 2000),
  CONSTRAINT webhook_endpoints_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(id)
);
CREATE INDEX webhook_endpoints_listening ON webhook_endpoints USING btree (owner) WHERE disabled_at IS NULL AND deleted_at IS NULL;
CREATE TRIGGER webhook_endpoints_kept BEFORE DELETE OR TRUNCATE ON webhook_endpoints FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
GRANT SELECT ON holdfast.webhook_endpoints TO holdfast_service;

CREATE TABLE webhook_secrets (
  owner text NOT NULL,
  endpoint_id text NOT NULL,
  secret text NOT NULL,
  previous_secret text,
  previous_valid_until timestamp with time zone,
  CONSTRAINT webhook_secrets_pkey PRIMARY KEY (owner, endpoint_id),
  CONSTRAINT webhook_secrets_previous CHECK ((previous_secret IS NULL) = (previous_valid_until IS NULL)),
  CONSTRAINT webhook_secrets_secret_format CHECK (secret ~ '^whsec_[A-Za-z0-9+/]{32,88}={0,2}$'::text),
  CONSTRAINT webhook_secrets_owner_endpoint_id_fkey FOREIGN KEY (owner, endpoint_id) REFERENCES webhook_endpoints(owner, id)
);

CREATE TRIGGER journal_entries_append_only INSTEAD OF INSERT OR DELETE OR UPDATE ON journal_entries FOR EACH ROW EXECUTE FUNCTION refuse_change();
GRANT SELECT ON holdfast.active_generations TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.admit_generation(text,text,text,text,integer,text,text,text,bytea[],text[],text[],bigint,integer,bytea,text,integer,text,jsonb,jsonb,text[],integer[]) TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.admit_text(text,text,text,text,bigint,bigint,jsonb,bigint,integer,bytea,text,integer,text,jsonb,text[]) TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.adopt_video(text,integer,text[],text[],timestamp with time zone[],boolean) TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.begin_attempt(text,text[],bigint,integer[]) TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.begin_cancel(text) TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.begin_deletion(text) TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.begin_owners_deletion(text,text) TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.claim_generation(text,text,text,text,integer,bytea,text,integer,boolean) TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.close_console_session(bytea) TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.close_text(text) TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.compare_next_accounts(integer) TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.create_webhook_endpoint(text,text,text,text[],text) TO holdfast_service;
GRANT SELECT ON holdfast.credit_usage_today TO holdfast_service;
GRANT SELECT ON holdfast.current_offers TO holdfast_service;
GRANT SELECT ON holdfast.current_prices TO holdfast_service;
GRANT SELECT ON holdfast.current_text_prices TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.default_effects(jsonb) TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.delete_generation(text,text,text) TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.delete_webhook_endpoint(text,text) TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.enable_webhook_endpoint(text,text) TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.end_attempt(text,integer,text,text,text,timestamp with time zone,text,text) TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.end_deletion(text,text) TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.end_text(text,integer,text,text,bigint,bigint) TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.expected_duration_ms(text,integer,text) TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.find_operation(text,text) TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.find_repeat(text,text,bytea,text,integer) TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.grant_credits(text,bigint,text,text) TO holdfast_service;
GRANT USAGE ON SCHEMA holdfast TO holdfast_service;
GRANT SELECT ON holdfast.journal_entries TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.keep_answer(text,text,integer,jsonb,text) TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.keep_operation(text,text,bytea,jsonb) TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.keep_sweep(text,text,integer,integer,integer) TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.lease_requests(text,integer,integer) TO holdfast_service;
GRANT SELECT ON holdfast.ledger_drift TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.mark_known(text,text) TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.note_ambiguous_attempt(text,integer,text) TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.note_cancel_unclear(text,text) TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.note_ownerless_videos(text,text[]) TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.note_unreachable(text,integer,bigint) TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.open_account(text,text) TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.open_console_session(bytea,text,text,integer) TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.parameter_effect(jsonb,jsonb) TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.place_hold(text,integer) TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.price_microcredits(bigint,integer,integer,jsonb) TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.provider_is_down(text) TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.provider_is_full(text,text[],integer[],text,bigint) TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.quote_video(text,text,text,integer,text,text,jsonb,text[]) TO holdfast_service;
GRANT SELECT ON holdfast.recent_failures TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.record_cancel_ended(text,text) TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.record_content(text,text,text,bigint,bytea,text,text,bigint,text,boolean) TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.record_content_served(text,bigint,bigint,bigint) TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.record_current_build(text) TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.record_look(text,text,text,text,integer,timestamp with time zone,text,text,numeric,text,text,boolean) TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.record_provider_event(text,text,text,text,text) TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.record_provider_probe(text,text,boolean,text) TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.record_settlement_refusal(text,text,text) TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.record_text(text,integer,text,integer) TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.record_unusable_content(text,text) TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.record_webhook_attempt(text,text,text,integer,text,bigint) TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.redeem_console_link(bytea,bytea,integer) TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.redeliver_webhook(text,text,text) TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.refund_generation(text,bigint,text,text,text) TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.release_expired_holds(interval,integer) TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.request_cancel(text,text) TO holdfast_service;
GRANT SELECT ON holdfast.rights TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.rotate_webhook_secret(text,text,text) TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.seconds_made(generations) TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.sent_model(generations) TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.set_account_frozen(text,boolean,text,text) TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.set_offer(text,jsonb,timestamp with time zone,text) TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.set_price(text,text,bigint,integer,timestamp with time zone,text) TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.set_sales(boolean,text,text) TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.set_text_price(text,bigint,bigint,integer,timestamp with time zone,text,text,text,boolean) TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.settle_generation(text,text,bigint) TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.stop_following(text) TO holdfast_service;
GRANT SELECT ON holdfast.stuck_holds TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.sweep_tells(text) TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.take_sweep_nudges(text[],text) TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.take_turn(text,integer,text,text) TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.text_price_microcredits(bigint,bigint,integer,bigint,bigint) TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.void_generation(text) TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.void_late_requests(integer) TO holdfast_service;
GRANT EXECUTE ON FUNCTION holdfast.webhook_to_send(text,text,text) TO holdfast_service;

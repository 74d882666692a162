-- What the migrations come to, for reading: nothing runs this file. dump.ts makes it from the catalog; after a new
-- migration: npx vitest run test/integration/schema.test.ts --update

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
  CONSTRAINT account_operations_check CHECK ((kind = 'grant'::text) = (requested_microcredits IS NOT NULL)),
  CONSTRAINT account_operations_check1 CHECK ((outcome = 'granted'::text) = (transaction_id IS NOT NULL) AND (outcome = 'granted'::text) = (moved_microcredits <> 0)),
  CONSTRAINT account_operations_key_check CHECK (length(key) >= 1 AND length(key) <= 255),
  CONSTRAINT account_operations_kind_check CHECK (kind = ANY (ARRAY['grant'::text, 'freeze'::text, 'unfreeze'::text])),
  CONSTRAINT account_operations_outcome_check CHECK (outcome = ANY (ARRAY['granted'::text, 'nothing_available'::text, 'too_large'::text, 'frozen'::text, 'already_frozen'::text, 'unfrozen'::text, 'not_frozen'::text])),
  CONSTRAINT account_operations_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(id),
  CONSTRAINT account_operations_transaction_id_fkey FOREIGN KEY (transaction_id) REFERENCES journal_transactions(id)
);
CREATE TRIGGER account_operations_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON account_operations FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
GRANT SELECT ON account_operations TO holdfast_service;

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
  CONSTRAINT accounts_active_generations_check CHECK (active_generations >= 0),
  CONSTRAINT accounts_available_range CHECK (available_microcredits >= 0 AND available_microcredits <= '9007199254740991'::bigint),
  CONSTRAINT accounts_held_range CHECK (held_microcredits >= 0 AND held_microcredits <= '9007199254740991'::bigint),
  CONSTRAINT accounts_id_check CHECK (id ~ '^acct_[0-9a-f]{32}$'::text),
  CONSTRAINT accounts_max_active_generations_check CHECK (max_active_generations >= 0),
  CONSTRAINT accounts_name_check CHECK (length(name) >= 1 AND length(name) <= 200)
);
GRANT SELECT ON accounts TO holdfast_service;

CREATE TABLE api_key_spending (
  api_key_id text NOT NULL,
  account_id text NOT NULL,
  day date NOT NULL,
  day_microcredits bigint NOT NULL DEFAULT 0,
  month date NOT NULL,
  month_microcredits bigint NOT NULL DEFAULT 0,
  CONSTRAINT api_key_spending_pkey PRIMARY KEY (api_key_id),
  CONSTRAINT api_key_spending_day_microcredits_check CHECK (day_microcredits >= 0 AND day_microcredits <= '9007199254740991'::bigint),
  CONSTRAINT api_key_spending_month_microcredits_check CHECK (month_microcredits >= 0 AND month_microcredits <= '9007199254740991'::bigint),
  CONSTRAINT api_key_spending_api_key_id_account_id_fkey FOREIGN KEY (api_key_id, account_id) REFERENCES api_keys(id, account_id)
);
GRANT SELECT ON api_key_spending TO holdfast_service;

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
  CONSTRAINT api_keys_id_check CHECK (id ~ '^key_[0-9a-f]{32}$'::text),
  CONSTRAINT api_keys_key_sha256_check CHECK (length(key_sha256) = 32),
  CONSTRAINT api_keys_monthly_limit_range CHECK (monthly_limit_microcredits >= 1 AND monthly_limit_microcredits <= '9007199254740991'::bigint),
  CONSTRAINT api_keys_name_check CHECK (length(name) >= 1 AND length(name) <= 200),
  CONSTRAINT api_keys_requests_range CHECK (requests_per_minute >= 1 AND requests_per_minute <= 1000000),
  CONSTRAINT api_keys_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(id),
  CONSTRAINT api_keys_spends_as_own FOREIGN KEY (spends_as, account_id) REFERENCES api_keys(id, account_id)
);
CREATE INDEX api_keys_account ON public.api_keys USING btree (account_id);
CREATE TRIGGER api_keys_guard BEFORE UPDATE ON api_keys FOR EACH ROW EXECUTE FUNCTION guard_api_key();
GRANT INSERT (id, account_id, name, key_sha256, scopes, expires_at, daily_limit_microcredits, monthly_limit_microcredits, requests_per_minute, spends_as), SELECT, UPDATE (revoked_at, expires_at) ON api_keys TO holdfast_service;

CREATE TABLE contents (
  generation_id text NOT NULL,
  variant text NOT NULL,
  state text NOT NULL,
  bytes bigint,
  sha256 bytea,
  content_type text,
  location text,
  recorded_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT contents_pkey PRIMARY KEY (generation_id, variant),
  CONSTRAINT contents_bytes_check CHECK (bytes >= 1 AND bytes <= '9007199254740991'::bigint),
  CONSTRAINT contents_content_type_check CHECK (length(content_type) >= 1 AND length(content_type) <= 200),
  CONSTRAINT contents_described CHECK (num_nonnulls(bytes, sha256, content_type, location) =
CASE state
    WHEN 'archived'::text THEN 4
    ELSE 0
END),
  CONSTRAINT contents_location_check CHECK (length(location) >= 1 AND length(location) <= 1000),
  CONSTRAINT contents_sha256_check CHECK (length(sha256) = 32),
  CONSTRAINT contents_state_check CHECK (state = ANY (ARRAY['archived'::text, 'gone'::text])),
  CONSTRAINT contents_variant_check CHECK (variant = ANY (ARRAY['video'::text, 'thumbnail'::text, 'spritesheet'::text])),
  CONSTRAINT contents_generation_id_fkey FOREIGN KEY (generation_id) REFERENCES generations(id)
);
CREATE TRIGGER contents_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON contents FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
GRANT SELECT ON contents TO holdfast_service;

CREATE TABLE create_attempts (
  generation_id text NOT NULL,
  number integer NOT NULL,
  begun_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  ended_at timestamp with time zone,
  outcome text,
  visible_sha256 bytea NOT NULL,
  error_code text,
  error_message text,
  CONSTRAINT create_attempts_pkey PRIMARY KEY (generation_id, number),
  CONSTRAINT create_attempts_check CHECK ((ended_at IS NULL) = (outcome IS NULL)),
  CONSTRAINT create_attempts_number_check CHECK (number > 0),
  CONSTRAINT create_attempts_outcome_check CHECK (outcome = ANY (ARRAY['created'::text, 'adopted'::text, 'refused'::text, 'not_made'::text, 'not_found'::text])),
  CONSTRAINT create_attempts_visible_sha256_check CHECK (length(visible_sha256) = 32),
  CONSTRAINT create_attempts_generation_id_fkey FOREIGN KEY (generation_id) REFERENCES generations(id)
);
CREATE UNIQUE INDEX create_attempts_one_open ON public.create_attempts USING btree (generation_id) WHERE (outcome IS NULL);
CREATE INDEX create_attempts_open_alike ON public.create_attempts USING btree (visible_sha256) WHERE (outcome IS NULL);
CREATE TRIGGER create_attempts_guard BEFORE UPDATE ON create_attempts FOR EACH ROW EXECUTE FUNCTION guard_create_attempt();
CREATE TRIGGER create_attempts_kept BEFORE DELETE OR TRUNCATE ON create_attempts FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
GRANT SELECT ON create_attempts TO holdfast_service;

CREATE TABLE generation_events (
  generation_id text NOT NULL,
  sequence integer NOT NULL,
  kind text NOT NULL,
  data jsonb NOT NULL DEFAULT '{}'::jsonb,
  recorded_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT generation_events_pkey PRIMARY KEY (generation_id, sequence),
  CONSTRAINT generation_events_sequence_check CHECK (sequence > 0),
  CONSTRAINT generation_events_generation_id_fkey FOREIGN KEY (generation_id) REFERENCES generations(id)
);
CREATE TRIGGER generation_events_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON generation_events FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
GRANT SELECT ON generation_events TO holdfast_service;

CREATE TABLE generations (
  id text NOT NULL,
  account_id text NOT NULL,
  api_key_id text NOT NULL,
  state text NOT NULL DEFAULT 'requested'::text,
  refusal_code text,
  requested_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  admit_by timestamp with time zone NOT NULL,
  fingerprint bytea NOT NULL,
  answered_at timestamp with time zone,
  cancel_requested_at timestamp with time zone,
  settlement_refused_at timestamp with time zone,
  deleted_at timestamp with time zone,
  model text NOT NULL,
  seconds integer,
  size text,
  price_id bigint,
  amount_microcredits bigint NOT NULL,
  provider_base_url text,
  provider_credential text,
  provider_video_id text,
  provider_created_at timestamp with time zone,
  provider_completed_at timestamp with time zone,
  provider_status text,
  provider_verdict text,
  provider_progress integer,
  provider_error_code text,
  provider_error_message text,
  last_look_at timestamp with time zone,
  credits_charged boolean,
  charged_amount_microcredits bigint,
  charged_at timestamp with time zone,
  settlement_reason text,
  error_code text,
  error_message text,
  duration_ms bigint,
  counts_as_active boolean NOT NULL DEFAULT false,
  event_sequence integer NOT NULL DEFAULT 0,
  claim_of text,
  claimable_until timestamp with time zone,
  deletion_begun_at timestamp with time zone,
  provider_deleted_at timestamp with time zone,
  kind text NOT NULL DEFAULT 'video'::text,
  remix_of text,
  limited_key text,
  CONSTRAINT generations_pkey PRIMARY KEY (id),
  CONSTRAINT generations_provider_video UNIQUE (provider_video_id),
  CONSTRAINT generations_amount_microcredits_check CHECK (amount_microcredits >= 1 AND amount_microcredits <= '9007199254740991'::bigint),
  CONSTRAINT generations_claimable_when_late CHECK (claimable_until IS NULL OR state = 'refunded'::text AND provider_verdict = 'completed'::text),
  CONSTRAINT generations_claims_make_nothing CHECK (claim_of IS NULL OR provider_video_id IS NULL),
  CONSTRAINT generations_duration_ms_check CHECK (duration_ms >= 0),
  CONSTRAINT generations_fingerprint_check CHECK (length(fingerprint) = 32),
  CONSTRAINT generations_id_check CHECK (id ~ '^(video|script|thread)_[0-9a-f]{32}$'::text),
  CONSTRAINT generations_kind_check CHECK (kind = split_part(id, '_'::text, 1)),
  CONSTRAINT generations_never_more_than_held CHECK (charged_amount_microcredits <= amount_microcredits),
  CONSTRAINT generations_provider_progress_check CHECK (provider_progress >= 0 AND provider_progress <= 100),
  CONSTRAINT generations_provider_verdict_check CHECK (provider_verdict = ANY (ARRAY['open'::text, 'completed'::text, 'failed'::text])),
  CONSTRAINT generations_seconds_check CHECK (seconds > 0),
  CONSTRAINT generations_state_check CHECK (state = ANY (ARRAY['requested'::text, 'held'::text, 'charged'::text, 'refunded'::text, 'refused'::text, 'voided'::text])),
  CONSTRAINT generations_state_matches CHECK ((state = 'charged'::text) = (credits_charged IS TRUE) AND (state = 'refunded'::text) = (credits_charged IS FALSE) AND (credits_charged IS NULL) = (settlement_reason IS NULL) AND (credits_charged IS FALSE) = (error_code IS NOT NULL) AND (state = ANY (ARRAY['refused'::text, 'voided'::text])) = (refusal_code IS NOT NULL)),
  CONSTRAINT generations_three_states CHECK (COALESCE(
CASE
    WHEN credits_charged IS NULL THEN charged_amount_microcredits IS NULL AND charged_at IS NULL
    WHEN credits_charged THEN charged_amount_microcredits > 0 AND charged_at IS NOT NULL
    ELSE charged_amount_microcredits IS NULL AND charged_at IS NOT NULL
END, false)),
  CONSTRAINT generations_video_fields CHECK (
CASE
    WHEN kind = 'video'::text THEN seconds IS NOT NULL AND size IS NOT NULL AND price_id IS NOT NULL AND (provider_video_id IS NULL) = (provider_verdict IS NULL)
    ELSE seconds IS NULL AND size IS NULL AND price_id IS NULL AND provider_video_id IS NULL AND claim_of IS NULL AND remix_of IS NULL
END),
  CONSTRAINT generations_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(id),
  CONSTRAINT generations_api_key_id_account_id_fkey FOREIGN KEY (api_key_id, account_id) REFERENCES api_keys(id, account_id),
  CONSTRAINT generations_claim_of_fkey FOREIGN KEY (claim_of) REFERENCES generations(id),
  CONSTRAINT generations_limited_key_fkey FOREIGN KEY (limited_key) REFERENCES api_key_spending(api_key_id),
  CONSTRAINT generations_price_id_fkey FOREIGN KEY (price_id) REFERENCES prices(id),
  CONSTRAINT generations_remix_of_fkey FOREIGN KEY (remix_of) REFERENCES generations(id)
);
CREATE UNIQUE INDEX generations_claimed_once ON public.generations USING btree (claim_of) WHERE (state = ANY (ARRAY['requested'::text, 'held'::text, 'charged'::text]));
CREATE INDEX generations_counted ON public.generations USING btree (account_id) WHERE counts_as_active;
CREATE INDEX generations_durations ON public.generations USING btree (model, seconds, size, charged_at) INCLUDE (duration_ms) WHERE (state = 'charged'::text);
CREATE INDEX generations_emergencies ON public.generations USING btree (charged_at) WHERE (settlement_reason = 'emergency'::text);
CREATE INDEX generations_followed ON public.generations USING btree (id) WHERE (counts_as_active AND (state = 'refunded'::text));
CREATE INDEX generations_held ON public.generations USING btree (id) WHERE (state = 'held'::text);
CREATE INDEX generations_late ON public.generations USING btree (claimable_until) WHERE ((claimable_until IS NOT NULL) AND (provider_deleted_at IS NULL));
CREATE INDEX generations_of_account ON public.generations USING btree (account_id, id);
CREATE INDEX generations_requested ON public.generations USING btree (admit_by) WHERE (state = 'requested'::text);
CREATE INDEX generations_settled ON public.generations USING btree (charged_at) INCLUDE (credits_charged, error_code) WHERE (charged_at IS NOT NULL);
CREATE INDEX generations_unanswered ON public.generations USING btree (api_key_id, fingerprint, requested_at) WHERE (answered_at IS NULL);
CREATE TRIGGER generations_guard BEFORE UPDATE ON generations FOR EACH ROW EXECUTE FUNCTION guard_generation();
CREATE TRIGGER generations_kept BEFORE DELETE OR TRUNCATE ON generations FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER generations_limited_key_kept BEFORE UPDATE OF limited_key ON generations FOR EACH ROW WHEN (old.limited_key IS NOT NULL AND new.limited_key IS DISTINCT FROM old.limited_key) EXECUTE FUNCTION refuse_change();
CREATE TRIGGER generations_note_webhooks AFTER UPDATE ON generations FOR EACH ROW WHEN (old.state = 'held'::text AND (new.state = ANY (ARRAY['charged'::text, 'refunded'::text])) AND starts_with(new.id, 'video_'::text)) EXECUTE FUNCTION note_webhooks();
CREATE CONSTRAINT TRIGGER generations_return_spending AFTER UPDATE OF state ON generations DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (old.state = 'held'::text AND (new.state = ANY (ARRAY['charged'::text, 'refunded'::text])) AND new.limited_key IS NOT NULL AND new.charged_amount_microcredits IS DISTINCT FROM new.amount_microcredits) EXECUTE FUNCTION return_spending();
GRANT SELECT ON generations TO holdfast_service;

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
  CONSTRAINT holds_amount_microcredits_check CHECK (amount_microcredits >= 1 AND amount_microcredits <= '9007199254740991'::bigint),
  CONSTRAINT holds_check CHECK (expires_at > placed_at),
  CONSTRAINT holds_check1 CHECK ((state = 'active'::text) = (settled_at IS NULL)),
  CONSTRAINT holds_id_check CHECK (id ~ '^hold_[0-9a-f]{32}$'::text),
  CONSTRAINT holds_state_check CHECK (state = ANY (ARRAY['active'::text, 'captured'::text, 'released'::text])),
  CONSTRAINT holds_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(id),
  CONSTRAINT holds_generation_id_fkey FOREIGN KEY (generation_id) REFERENCES generations(id)
);
CREATE INDEX holds_active ON public.holds USING btree (expires_at) WHERE (state = 'active'::text);
CREATE INDEX holds_active_of_account ON public.holds USING btree (account_id) INCLUDE (amount_microcredits) WHERE (state = 'active'::text);
CREATE INDEX holds_of_account ON public.holds USING btree (account_id, id);
CREATE TRIGGER holds_guard BEFORE UPDATE ON holds FOR EACH ROW EXECUTE FUNCTION guard_hold();
CREATE TRIGGER holds_kept BEFORE DELETE OR TRUNCATE ON holds FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
GRANT SELECT ON holds TO holdfast_service;

CREATE TABLE idempotency_keys (
  account_id text NOT NULL,
  key text NOT NULL,
  fingerprint bytea NOT NULL,
  created_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  generation_id text,
  answer_status integer,
  answer jsonb,
  CONSTRAINT idempotency_keys_pkey PRIMARY KEY (account_id, key),
  CONSTRAINT idempotency_keys_answer_status_check CHECK (answer_status = ANY (ARRAY[200, 402])),
  CONSTRAINT idempotency_keys_check CHECK (answer IS NULL OR answer_status IS NOT NULL),
  CONSTRAINT idempotency_keys_check1 CHECK (generation_id IS NOT NULL OR answer_status = 402),
  CONSTRAINT idempotency_keys_fingerprint_check CHECK (length(fingerprint) = 32),
  CONSTRAINT idempotency_keys_key_check CHECK (length(key) >= 1 AND length(key) <= 255),
  CONSTRAINT idempotency_keys_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(id),
  CONSTRAINT idempotency_keys_generation_id_fkey FOREIGN KEY (generation_id) REFERENCES generations(id)
);
GRANT SELECT ON idempotency_keys TO holdfast_service;

CREATE TABLE inputs (
  generation_id text NOT NULL,
  prompt text NOT NULL,
  reference bytea,
  reference_type text,
  reference_filename text,
  CONSTRAINT inputs_pkey PRIMARY KEY (generation_id),
  CONSTRAINT inputs_check CHECK ((reference IS NULL) = (reference_type IS NULL) AND (reference IS NULL) = (reference_filename IS NULL)),
  CONSTRAINT inputs_prompt_check CHECK (length(prompt) >= 1 AND length(prompt) <= 32000),
  CONSTRAINT inputs_generation_id_fkey FOREIGN KEY (generation_id) REFERENCES generations(id)
);
GRANT SELECT ON inputs TO holdfast_service;

CREATE TABLE journal_transactions (
  id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  key text NOT NULL,
  kind text NOT NULL,
  account_id text NOT NULL,
  generation_id text,
  requested_microcredits bigint NOT NULL,
  reason text,
  recorded_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  recorded_by text NOT NULL DEFAULT SESSION_USER,
  available_microcredits bigint NOT NULL DEFAULT 0,
  held_microcredits bigint NOT NULL DEFAULT 0,
  issued_microcredits bigint NOT NULL DEFAULT 0,
  revenue_microcredits bigint NOT NULL DEFAULT 0,
  available_after_microcredits bigint NOT NULL,
  held_after_microcredits bigint NOT NULL,
  CONSTRAINT journal_transactions_pkey PRIMARY KEY (id),
  CONSTRAINT journal_transactions_key UNIQUE (key),
  CONSTRAINT journal_transactions_kind_check CHECK (COALESCE(
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
CREATE INDEX journal_transactions_account ON public.journal_transactions USING btree (account_id, id);
CREATE INDEX journal_transactions_at ON public.journal_transactions USING btree (account_id, recorded_at, id);
CREATE TRIGGER journal_transactions_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON journal_transactions FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
GRANT SELECT ON journal_transactions TO holdfast_service;

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
  CONSTRAINT prices_check CHECK (price_microcredits(provider_cost_microcredits_per_second, margin_basis_points, 60) <= '9007199254740991'::bigint),
  CONSTRAINT prices_key_check CHECK (length(key) >= 1 AND length(key) <= 255),
  CONSTRAINT prices_margin_basis_points_check CHECK (margin_basis_points >= 0 AND margin_basis_points <= 9999),
  CONSTRAINT prices_provider_cost_microcredits_per_second_check CHECK (provider_cost_microcredits_per_second >= 1 AND provider_cost_microcredits_per_second <= '1000000000000'::bigint)
);
CREATE TRIGGER prices_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON prices FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
GRANT SELECT ON prices TO holdfast_service;

CREATE TABLE provider_events (
  webhook_id text NOT NULL,
  type text NOT NULL,
  provider_video_id text NOT NULL,
  received_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT provider_events_pkey PRIMARY KEY (webhook_id),
  CONSTRAINT provider_events_provider_video_id_check CHECK (length(provider_video_id) >= 1 AND length(provider_video_id) <= 255),
  CONSTRAINT provider_events_type_check CHECK (length(type) >= 1 AND length(type) <= 100),
  CONSTRAINT provider_events_webhook_id_check CHECK (length(webhook_id) >= 1 AND length(webhook_id) <= 255)
);
CREATE TRIGGER provider_events_kept BEFORE DELETE OR UPDATE OR TRUNCATE ON provider_events FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
GRANT SELECT ON provider_events TO holdfast_service;

CREATE TABLE provider_nudges (
  generation_id text NOT NULL,
  nudges integer NOT NULL,
  CONSTRAINT provider_nudges_pkey PRIMARY KEY (generation_id),
  CONSTRAINT provider_nudges_generation_id_fkey FOREIGN KEY (generation_id) REFERENCES generations(id)
);
GRANT SELECT ON provider_nudges TO holdfast_service;

CREATE TABLE reconciler_progress (
  task text NOT NULL,
  "position" text NOT NULL,
  advanced_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT reconciler_progress_pkey PRIMARY KEY (task)
);
GRANT SELECT ON reconciler_progress TO holdfast_service;

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
  CONSTRAINT refunds_pkey PRIMARY KEY (generation_id, key),
  CONSTRAINT refunds_one_after_another UNIQUE (generation_id, refunded_before_microcredits),
  CONSTRAINT refunds_transaction_id_key UNIQUE (transaction_id),
  CONSTRAINT refunds_amount_microcredits_check CHECK (amount_microcredits > 0),
  CONSTRAINT refunds_key_check CHECK (length(key) >= 1 AND length(key) <= 255),
  CONSTRAINT refunds_never_more_than_captured CHECK ((refunded_before_microcredits + amount_microcredits) <= captured_microcredits),
  CONSTRAINT refunds_reason_check CHECK (length(reason) >= 1 AND length(reason) <= 500),
  CONSTRAINT refunds_refunded_before_microcredits_check CHECK (refunded_before_microcredits >= 0),
  CONSTRAINT refunds_requested_microcredits_check CHECK (requested_microcredits > 0),
  CONSTRAINT refunds_generation_id_fkey FOREIGN KEY (generation_id) REFERENCES generations(id),
  CONSTRAINT refunds_transaction_id_fkey FOREIGN KEY (transaction_id) REFERENCES journal_transactions(id)
);
CREATE TRIGGER refunds_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON refunds FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
GRANT SELECT ON refunds TO holdfast_service;

CREATE TABLE schema_migrations (
  name text NOT NULL,
  sha256 text NOT NULL,
  applied_at timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT schema_migrations_pkey PRIMARY KEY (name)
);
GRANT SELECT ON schema_migrations TO holdfast_service;

CREATE TABLE text_prices (
  id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  model text NOT NULL,
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
  CONSTRAINT text_prices_input_cost_microcredits_per_million_tokens_check CHECK (input_cost_microcredits_per_million_tokens >= 0 AND input_cost_microcredits_per_million_tokens <= '1000000000000'::bigint),
  CONSTRAINT text_prices_key_check CHECK (length(key) >= 1 AND length(key) <= 255),
  CONSTRAINT text_prices_margin_basis_points_check CHECK (margin_basis_points >= 0 AND margin_basis_points <= 9999),
  CONSTRAINT text_prices_output_cost_microcredits_per_million_tokens_check CHECK (output_cost_microcredits_per_million_tokens >= 1 AND output_cost_microcredits_per_million_tokens <= '1000000000000'::bigint)
);
CREATE TRIGGER text_prices_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON text_prices FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
GRANT SELECT ON text_prices TO holdfast_service;

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
  CONSTRAINT texts_check CHECK ((input_tokens IS NULL) = (output_tokens IS NULL)),
  CONSTRAINT texts_check1 CHECK (ended_at IS NOT NULL OR input_tokens IS NULL),
  CONSTRAINT texts_input_bound_tokens_check CHECK (input_bound_tokens > 0),
  CONSTRAINT texts_input_tokens_check CHECK (input_tokens >= 0),
  CONSTRAINT texts_max_output_tokens_check CHECK (max_output_tokens > 0),
  CONSTRAINT texts_output_tokens_check CHECK (output_tokens >= 0),
  CONSTRAINT texts_generation_id_fkey FOREIGN KEY (generation_id) REFERENCES generations(id),
  CONSTRAINT texts_text_price_id_fkey FOREIGN KEY (text_price_id) REFERENCES text_prices(id)
);
CREATE TRIGGER texts_guard BEFORE UPDATE ON texts FOR EACH ROW EXECUTE FUNCTION guard_text();
CREATE TRIGGER texts_kept BEFORE DELETE OR TRUNCATE ON texts FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
GRANT SELECT ON texts TO holdfast_service;

CREATE TABLE webhook_deliveries (
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
  CONSTRAINT webhook_deliveries_pkey PRIMARY KEY (account_id, endpoint_id, event_id),
  CONSTRAINT webhook_deliveries_attempts_check CHECK (attempts >= 0),
  CONSTRAINT webhook_deliveries_event_id_check CHECK (event_id ~ '^evt_[0-9a-f]{32}$'::text),
  CONSTRAINT webhook_deliveries_last_error_check CHECK (length(last_error) >= 1 AND length(last_error) <= 300),
  CONSTRAINT webhook_deliveries_last_status_check CHECK (last_status >= 100 AND last_status <= 999),
  CONSTRAINT webhook_deliveries_next CHECK ((state = 'pending'::text) = (next_attempt_at IS NOT NULL)),
  CONSTRAINT webhook_deliveries_state_check CHECK (state = ANY (ARRAY['pending'::text, 'delivered'::text, 'failed'::text])),
  CONSTRAINT webhook_deliveries_tries_check CHECK (tries >= 0),
  CONSTRAINT webhook_deliveries_type_check CHECK (type = ANY (ARRAY['video.completed'::text, 'video.failed'::text])),
  CONSTRAINT webhook_deliveries_account_id_endpoint_id_fkey FOREIGN KEY (account_id, endpoint_id) REFERENCES webhook_endpoints(account_id, id),
  CONSTRAINT webhook_deliveries_generation_id_fkey FOREIGN KEY (generation_id) REFERENCES generations(id)
);
CREATE INDEX webhook_deliveries_generation ON public.webhook_deliveries USING btree (generation_id) WHERE (state = 'pending'::text);
CREATE INDEX webhook_deliveries_pending ON public.webhook_deliveries USING btree (next_attempt_at) WHERE (state = 'pending'::text);
CREATE TRIGGER webhook_deliveries_kept BEFORE DELETE OR TRUNCATE ON webhook_deliveries FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
GRANT SELECT ON webhook_deliveries TO holdfast_service;

CREATE TABLE webhook_endpoints (
  id text NOT NULL,
  account_id text NOT NULL,
  url text,
  events text[] NOT NULL,
  created_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  failing_since timestamp with time zone,
  disabled_at timestamp with time zone,
  disabled_reason text,
  deleted_at timestamp with time zone,
  CONSTRAINT webhook_endpoints_pkey PRIMARY KEY (account_id, id),
  CONSTRAINT webhook_endpoints_deleted CHECK ((deleted_at IS NULL) = (url IS NOT NULL)),
  CONSTRAINT webhook_endpoints_disabled CHECK ((disabled_at IS NULL) = (disabled_reason IS NULL)),
  CONSTRAINT webhook_endpoints_disabled_reason_check CHECK (disabled_reason = ANY (ARRAY['gone'::text, 'failing'::text])),
  CONSTRAINT webhook_endpoints_events_check CHECK (cardinality(events) > 0 AND events <@ '{video.completed,video.failed}'::text[]),
  CONSTRAINT webhook_endpoints_id_check CHECK (id ~ '^we_[0-9a-f]{32}$'::text),
  CONSTRAINT webhook_endpoints_url_check CHECK (length(url) >= 1 AND length(url) <= 2000),
  CONSTRAINT webhook_endpoints_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(id)
);
CREATE INDEX webhook_endpoints_listening ON public.webhook_endpoints USING btree (account_id) WHERE ((disabled_at IS NULL) AND (deleted_at IS NULL));
CREATE TRIGGER webhook_endpoints_kept BEFORE DELETE OR TRUNCATE ON webhook_endpoints FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
GRANT SELECT ON webhook_endpoints TO holdfast_service;

CREATE TABLE webhook_secrets (
  account_id text NOT NULL,
  endpoint_id text NOT NULL,
  secret text NOT NULL,
  previous_secret text,
  previous_valid_until timestamp with time zone,
  CONSTRAINT webhook_secrets_pkey PRIMARY KEY (account_id, endpoint_id),
  CONSTRAINT webhook_secrets_check CHECK ((previous_secret IS NULL) = (previous_valid_until IS NULL)),
  CONSTRAINT webhook_secrets_secret_check CHECK (secret ~ '^whsec_[A-Za-z0-9+/]{32,88}={0,2}$'::text),
  CONSTRAINT webhook_secrets_account_id_endpoint_id_fkey FOREIGN KEY (account_id, endpoint_id) REFERENCES webhook_endpoints(account_id, id)
);

CREATE VIEW active_generations AS
 SELECT g.id,
    g.account_id,
    a.name AS account_name,
    g.model,
    g.seconds,
    g.size,
    g.amount_microcredits,
    h.placed_at,
    h.expires_at,
    g.provider_video_id,
    g.provider_status,
    g.provider_progress,
    g.last_look_at
   FROM generations g
     JOIN holds h ON h.generation_id = g.id
     JOIN accounts a ON a.id = g.account_id
  WHERE g.state = 'held'::text AND h.state = 'active'::text;
GRANT SELECT ON active_generations TO holdfast_service;

CREATE VIEW credit_usage_today AS
 SELECT g.account_id,
    a.name AS account_name,
    count(*) FILTER (WHERE g.credits_charged) AS charged_generations,
    COALESCE(sum(g.charged_amount_microcredits) FILTER (WHERE g.credits_charged), 0::numeric)::bigint AS charged_microcredits,
    count(*) FILTER (WHERE NOT g.credits_charged) AS refunded_generations,
    COALESCE(sum(g.amount_microcredits) FILTER (WHERE NOT g.credits_charged), 0::numeric)::bigint AS refunded_microcredits
   FROM generations g
     JOIN accounts a ON a.id = g.account_id
  WHERE g.charged_at >= date_trunc('day'::text, now(), 'UTC'::text)
  GROUP BY g.account_id, a.name;
GRANT SELECT ON credit_usage_today TO holdfast_service;

CREATE VIEW current_prices AS
 SELECT DISTINCT ON (model, size) id,
    model,
    size,
    provider_cost_microcredits_per_second,
    margin_basis_points,
    effective_from
   FROM prices
  WHERE effective_from <= now()
  ORDER BY model, size, effective_from DESC;
GRANT SELECT ON current_prices TO holdfast_service;

CREATE VIEW current_text_prices AS
 SELECT DISTINCT ON (model) id,
    model,
    input_cost_microcredits_per_million_tokens,
    output_cost_microcredits_per_million_tokens,
    margin_basis_points,
    effective_from
   FROM text_prices
  WHERE effective_from <= now()
  ORDER BY model, effective_from DESC;
GRANT SELECT ON current_text_prices TO holdfast_service;

CREATE VIEW journal_entries AS
 SELECT t.id AS transaction_id,
    leg.account_id,
    leg.book,
    leg.amount_microcredits
   FROM journal_transactions t
     CROSS JOIN LATERAL ( VALUES (t.account_id,'available'::text,t.available_microcredits), (t.account_id,'held'::text,t.held_microcredits), (NULL::text,'issued'::text,t.issued_microcredits), (NULL::text,'revenue'::text,t.revenue_microcredits)) leg(account_id, book, amount_microcredits)
  WHERE leg.amount_microcredits <> 0;
GRANT SELECT ON journal_entries TO holdfast_service;

CREATE VIEW ledger_drift AS
 WITH kept AS (
         SELECT a.id AS account_id,
            a.available_microcredits,
            a.held_microcredits,
            a.active_generations,
            COALESCE(j.available, 0::numeric) AS available,
            COALESCE(j.held, 0::numeric) AS held,
            COALESCE(( SELECT sum(h.amount_microcredits) AS sum
                   FROM holds h
                  WHERE h.account_id = a.id AND h.state = 'active'::text), 0::numeric) AS active_holds,
            ( SELECT count(*) AS count
                   FROM generations g
                  WHERE g.account_id = a.id AND g.counts_as_active) AS active
           FROM accounts a
             LEFT JOIN LATERAL ( SELECT sum(t.available_microcredits) AS available,
                    sum(t.held_microcredits) AS held
                   FROM journal_transactions t
                  WHERE t.account_id = a.id) j ON true
        )
 SELECT kept.account_id,
    c.what,
    c.kept,
    c.recomputed
   FROM kept
     CROSS JOIN LATERAL ( VALUES ('available'::text,kept.available_microcredits::numeric,kept.available), ('held'::text,kept.held_microcredits,kept.held), ('active holds'::text,kept.held_microcredits,kept.active_holds), ('active generations'::text,kept.active_generations,kept.active)) c(what, kept, recomputed)
  WHERE c.kept <> c.recomputed
UNION ALL
 SELECT g.account_id,
    'hold of '::text || g.id AS what,
    g.amount_microcredits AS kept,
    h.amount_microcredits AS recomputed
   FROM generations g
     LEFT JOIN holds h ON h.generation_id = g.id
  WHERE g.amount_microcredits <> h.amount_microcredits OR g.account_id <> h.account_id OR h.state IS DISTINCT FROM
        CASE g.state
            WHEN 'held'::text THEN 'active'::text
            WHEN 'charged'::text THEN 'captured'::text
            WHEN 'refunded'::text THEN 'released'::text
            ELSE NULL::text
        END
UNION ALL
 SELECT h.account_id,
    'journal of '::text || h.id AS what,
    - h.amount_microcredits AS kept,
    held.available_microcredits AS recomputed
   FROM holds h
     LEFT JOIN journal_transactions held ON held.key = (h.generation_id || ':hold'::text)
  WHERE held.account_id IS DISTINCT FROM h.account_id OR held.held_microcredits IS DISTINCT FROM h.amount_microcredits
UNION ALL
 SELECT g.account_id,
    'charge of '::text || g.id AS what,
    g.charged_amount_microcredits AS kept,
    t.revenue_microcredits AS recomputed
   FROM generations g
     LEFT JOIN journal_transactions t ON t.key = (g.id || ':settle'::text)
  WHERE COALESCE(g.charged_amount_microcredits, 0::bigint) <> COALESCE(t.revenue_microcredits, 0::bigint) OR (g.credits_charged IS NULL) <> (t.id IS NULL) OR t.held_microcredits <> (- g.amount_microcredits) OR t.account_id <> g.account_id
UNION ALL
 SELECT t.account_id,
    'refund '::text || t.key AS what,
    r.amount_microcredits AS kept,
    t.available_microcredits AS recomputed
   FROM journal_transactions t
     LEFT JOIN LATERAL ( SELECT r_1.generation_id,
            r_1.key,
            r_1.requested_microcredits,
            r_1.reason,
            r_1.amount_microcredits,
            r_1.refunded_before_microcredits,
            r_1.captured_microcredits,
            r_1.transaction_id,
            r_1.recorded_at,
            r_1.recorded_by
           FROM refunds r_1
          WHERE r_1.transaction_id = t.id
         LIMIT 1) r ON true
     LEFT JOIN generations g ON g.id = r.generation_id
  WHERE t.kind = 'refund'::text AND (t.available_microcredits IS DISTINCT FROM r.amount_microcredits OR t.account_id IS DISTINCT FROM g.account_id OR t.generation_id IS DISTINCT FROM r.generation_id)
UNION ALL
 SELECT g.account_id,
    'refunds of '::text || g.id AS what,
    g.charged_amount_microcredits AS kept,
    r.amount_microcredits AS recomputed
   FROM generations g
     CROSS JOIN LATERAL ( SELECT sum(r_1.amount_microcredits) AS amount_microcredits
           FROM refunds r_1
          WHERE r_1.generation_id = g.id) r
  WHERE r.amount_microcredits > COALESCE(g.charged_amount_microcredits, 0::bigint)::numeric
UNION ALL
 SELECT t.account_id,
    'operation '::text || t.key AS what,
    o.moved_microcredits AS kept,
    t.available_microcredits AS recomputed
   FROM journal_transactions t
     LEFT JOIN account_operations o ON o.transaction_id = t.id
  WHERE (t.kind = ANY (ARRAY['grant'::text, 'claw_back'::text])) AND (t.available_microcredits IS DISTINCT FROM o.moved_microcredits OR t.account_id IS DISTINCT FROM o.account_id)
UNION ALL
 SELECT t.account_id,
    'journal without a hold '::text || t.key AS what,
    NULL::numeric AS kept,
    t.held_microcredits AS recomputed
   FROM journal_transactions t
     LEFT JOIN holds h ON h.generation_id = t.generation_id
  WHERE (t.kind = ANY (ARRAY['hold'::text, 'capture'::text, 'release'::text])) AND (h.id IS NULL OR t.key <> (h.generation_id || ':hold'::text) AND t.key <> (h.generation_id || ':settle'::text))
UNION ALL
 SELECT g.account_id,
    'charge without the provider''s word '::text || g.id AS what,
    g.charged_amount_microcredits AS kept,
    0 AS recomputed
   FROM generations g
  WHERE g.credits_charged AND g.claim_of IS NULL AND g.provider_verdict IS DISTINCT FROM 'completed'::text
UNION ALL
 SELECT t.account_id,
    'journal transaction '::text || t.id AS what,
    0 AS kept,
    t.available_microcredits + t.held_microcredits + t.issued_microcredits + t.revenue_microcredits AS recomputed
   FROM journal_transactions t
  WHERE (t.available_microcredits + t.held_microcredits + t.issued_microcredits + t.revenue_microcredits) <> 0;
GRANT SELECT ON ledger_drift TO holdfast_service;

CREATE VIEW recent_failures AS
 SELECT error_code,
    count(*) AS generations,
    sum(amount_microcredits)::bigint AS returned_microcredits,
    max(charged_at) AS last_at
   FROM generations g
  WHERE credits_charged = false AND charged_at > (now() - '24:00:00'::interval)
  GROUP BY error_code;
GRANT SELECT ON recent_failures TO holdfast_service;

CREATE VIEW stuck_holds AS
 SELECT id AS hold_id,
    generation_id,
    account_id,
    amount_microcredits,
    placed_at,
    expires_at,
    now() - expires_at AS overdue
   FROM holds h
  WHERE state = 'active'::text AND expires_at < now();
GRANT SELECT ON stuck_holds TO holdfast_service;

CREATE OR REPLACE FUNCTION public.admit_generation(p_generation_id text, p_account_id text, p_api_key_id text, p_model text, p_seconds integer, p_size text, p_remix_of text, p_prompt text, p_reference bytea, p_reference_type text, p_reference_filename text, p_admit_within_ms integer, p_fingerprint bytea, p_idempotency_key text)
 RETURNS TABLE(outcome text, generation_id text, amount_microcredits bigint, answer_status integer, answer jsonb)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
#variable_conflict use_column
DECLARE
  price current_prices;
  original generations;
BEGIN
  IF p_remix_of IS NOT NULL THEN
    SELECT * INTO original FROM generations gen WHERE gen.id = p_remix_of AND gen.account_id = p_account_id AND gen.kind = 'video'
      AND gen.state = 'charged' AND gen.deleted_at IS NULL;
    IF NOT FOUND THEN
      RETURN QUERY SELECT 'unknown_original', NULL::text, NULL::bigint, NULL::integer, NULL::jsonb; RETURN;
    END IF;
    p_model := original.model;
    p_seconds := original.seconds;
    p_size := original.size;
  END IF;
  SELECT * INTO price FROM current_prices p WHERE p.model = p_model AND p.size = p_size;
  IF NOT FOUND THEN
    RETURN QUERY SELECT CASE WHEN EXISTS (SELECT FROM current_prices p WHERE p.model = p_model)
      THEN 'unknown_size' ELSE 'unknown_model' END, NULL::text, NULL::bigint, NULL::integer, NULL::jsonb;
    RETURN;
  END IF;
  RETURN QUERY SELECT * FROM admit_priced(p_generation_id, p_account_id, p_api_key_id, p_model, p_seconds, p_size, price.id,
    price_microcredits(price.provider_cost_microcredits_per_second, price.margin_basis_points, p_seconds), p_remix_of,
    p_prompt, p_reference, p_reference_type, p_reference_filename, p_admit_within_ms, p_fingerprint, p_idempotency_key);
END $function$;
GRANT EXECUTE ON FUNCTION admit_generation(text,text,text,text,integer,text,text,text,bytea,text,text,integer,bytea,text) TO holdfast_service;

CREATE OR REPLACE FUNCTION public.admit_priced(p_generation_id text, p_account_id text, p_api_key_id text, p_model text, p_seconds integer, p_size text, p_price_id bigint, amount bigint, p_remix_of text, p_prompt text, p_reference bytea, p_reference_type text, p_reference_filename text, p_admit_within_ms integer, p_fingerprint bytea, p_idempotency_key text)
 RETURNS TABLE(outcome text, generation_id text, amount_microcredits bigint, answer_status integer, answer jsonb)
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
#variable_conflict use_column
DECLARE
  account accounts;
  earlier idempotency_keys;
  earlier_state text;
BEGIN
  IF p_idempotency_key IS NOT NULL THEN
    -- Two callers with one key: the second waits here for the first one's transaction, and then finds its row.
    PERFORM pg_advisory_xact_lock(hashtextextended(p_account_id || ' ' || p_idempotency_key, 0));
    SELECT * INTO earlier FROM idempotency_keys k WHERE k.account_id = p_account_id AND k.key = p_idempotency_key FOR NO KEY UPDATE;
    IF FOUND THEN
      SELECT gen.state INTO earlier_state FROM generations gen WHERE gen.id = earlier.generation_id;
      IF earlier_state = 'requested' THEN
        -- Its time to be held may be over, and its process dead: then it is void, and this request takes its place.
        SELECT v.state INTO earlier_state FROM void_generation_if_late(earlier.generation_id) v;
      END IF;
      IF earlier.created_at < clock_timestamp() - interval '72 hours' THEN
        RETURN QUERY SELECT 'too_old', NULL::text, amount, NULL::integer, NULL::jsonb; RETURN;
      ELSIF earlier.fingerprint <> p_fingerprint THEN
        RETURN QUERY SELECT 'reused', NULL::text, amount, NULL::integer, NULL::jsonb; RETURN;
      ELSIF earlier_state = 'requested' THEN
        RETURN QUERY SELECT 'in_use', earlier.generation_id, amount, NULL::integer, NULL::jsonb; RETURN;
      ELSIF earlier.answer_status IS NOT NULL OR earlier_state IN ('held', 'charged', 'refunded')
        OR EXISTS (SELECT FROM generations gen WHERE gen.id = earlier.generation_id AND gen.refusal_code IN ('insufficient_credits', 'key_spend_limit')) THEN
        RETURN QUERY SELECT 'replay', earlier.generation_id, amount,
          COALESCE(earlier.answer_status, CASE WHEN earlier_state IN ('held', 'charged', 'refunded') THEN 200 ELSE 402 END), earlier.answer;
        RETURN;
      END IF;
    END IF;
  END IF;

  SELECT * INTO STRICT account FROM accounts a WHERE a.id = p_account_id;
  IF account.frozen_at IS NOT NULL THEN
    RETURN QUERY SELECT 'account_frozen', NULL::text, amount, NULL::integer, NULL::jsonb; RETURN;
  END IF;
  IF account.available_microcredits < amount THEN
    -- A key that was refused for lack of credits stays refused.
    IF p_idempotency_key IS NOT NULL THEN
      INSERT INTO idempotency_keys AS k (account_id, key, fingerprint, answer_status) VALUES (p_account_id, p_idempotency_key, p_fingerprint, 402)
        ON CONFLICT (account_id, key) DO UPDATE SET answer_status = 402, generation_id = NULL;
    END IF;
    RETURN QUERY SELECT 'insufficient_credits', NULL::text, amount, NULL::integer, NULL::jsonb; RETURN;
  END IF;
  INSERT INTO generations (id, kind, account_id, api_key_id, model, seconds, size, price_id, amount_microcredits, remix_of, admit_by, fingerprint)
  VALUES (p_generation_id, split_part(p_generation_id, '_', 1), p_account_id, p_api_key_id, p_model, p_seconds, p_size, p_price_id, amount, p_remix_of,
          clock_timestamp() + make_interval(secs => p_admit_within_ms / 1000.0), p_fingerprint);
  INSERT INTO inputs (generation_id, prompt, reference, reference_type, reference_filename)
  VALUES (p_generation_id, p_prompt, p_reference, p_reference_type, p_reference_filename);
  IF p_idempotency_key IS NOT NULL THEN
    INSERT INTO idempotency_keys AS k (account_id, key, fingerprint, generation_id)
      VALUES (p_account_id, p_idempotency_key, p_fingerprint, p_generation_id)
      ON CONFLICT (account_id, key) DO UPDATE SET generation_id = p_generation_id;
  END IF;
  PERFORM append_event(p_generation_id, 'requested', jsonb_build_object('amount_microcredits', amount));
  RETURN QUERY SELECT 'admitted', p_generation_id, amount, NULL::integer, NULL::jsonb;
END $function$;

CREATE OR REPLACE FUNCTION public.admit_text(p_generation_id text, p_account_id text, p_api_key_id text, p_model text, p_input_bound_tokens bigint, p_max_output_tokens bigint, p_prompt text, p_admit_within_ms integer, p_fingerprint bytea, p_idempotency_key text)
 RETURNS TABLE(outcome text, generation_id text, amount_microcredits bigint, answer_status integer, answer jsonb)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
#variable_conflict use_column
DECLARE
  price current_text_prices;
  admitted record;
BEGIN
  SELECT * INTO price FROM current_text_prices p WHERE p.model = p_model;
  IF NOT FOUND THEN
    RETURN QUERY SELECT 'unknown_model', NULL::text, NULL::bigint, NULL::integer, NULL::jsonb; RETURN;
  END IF;
  SELECT * INTO admitted FROM admit_priced(p_generation_id, p_account_id, p_api_key_id, p_model, NULL, NULL, NULL,
    text_price_microcredits(price.input_cost_microcredits_per_million_tokens, price.output_cost_microcredits_per_million_tokens,
      price.margin_basis_points, p_input_bound_tokens, p_max_output_tokens)::bigint, NULL,
    p_prompt, NULL, NULL, NULL, p_admit_within_ms, p_fingerprint, p_idempotency_key);
  IF admitted.outcome = 'admitted' THEN
    INSERT INTO texts (generation_id, text_price_id, input_bound_tokens, max_output_tokens)
      VALUES (p_generation_id, price.id, p_input_bound_tokens, p_max_output_tokens);
  END IF;
  RETURN QUERY SELECT admitted.outcome, admitted.generation_id, admitted.amount_microcredits, admitted.answer_status, admitted.answer;
END $function$;
GRANT EXECUTE ON FUNCTION admit_text(text,text,text,text,bigint,bigint,text,integer,bytea,text) TO holdfast_service;

CREATE OR REPLACE FUNCTION public.adopt_video(p_generation_id text, p_number integer, p_provider_video_id text, p_provider_created_at timestamp with time zone)
 RETURNS TABLE(outcome text)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
#variable_conflict use_column
DECLARE
  g generations := lock_generation(p_generation_id);
  visible bytea := lock_visible_fields(p_generation_id);
BEGIN
  IF g.state NOT IN ('held', 'refunded') OR g.provider_video_id IS NOT NULL OR NOT EXISTS (
      SELECT FROM create_attempts a WHERE a.generation_id = p_generation_id AND a.number = p_number AND a.outcome IS NULL) THEN
    RETURN QUERY SELECT 'closed'; RETURN;
  END IF;
  -- An attempt of a generation that was released by its hour stays open: its video may still turn up, for a day.
  IF EXISTS (SELECT FROM create_attempts a
             WHERE a.visible_sha256 = visible AND a.outcome IS NULL AND a.generation_id <> p_generation_id
             AND a.begun_at > clock_timestamp() - interval '24 hours') THEN
    RETURN QUERY SELECT 'rival'; RETURN;
  END IF;
  IF EXISTS (SELECT FROM generations gen WHERE gen.provider_video_id = p_provider_video_id) THEN
    RETURN QUERY SELECT 'taken'; RETURN;
  END IF;
  PERFORM end_create(p_generation_id, p_number, 'adopted', p_provider_video_id, p_provider_created_at, NULL, NULL);
  RETURN QUERY SELECT 'adopted';
END $function$;
GRANT EXECUTE ON FUNCTION adopt_video(text,integer,text,timestamp with time zone) TO holdfast_service;

CREATE OR REPLACE FUNCTION public.append_event(p_generation_id text, p_kind text, p_data jsonb)
 RETURNS void
 LANGUAGE sql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
  WITH next AS (
    UPDATE generations SET event_sequence = event_sequence + 1 WHERE id = p_generation_id RETURNING event_sequence
  )
  INSERT INTO generation_events (generation_id, sequence, kind, data) SELECT p_generation_id, event_sequence, p_kind, p_data FROM next
$function$;

CREATE OR REPLACE FUNCTION public.begin_create(p_generation_id text, p_base_url text, p_credential text, p_least_ms bigint)
 RETURNS TABLE(outcome text, number integer, provider_video_id text, error_code text, model text, seconds integer, size text, prompt text, reference bytea, reference_type text, reference_filename text, remixed_from text)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
#variable_conflict use_column
DECLARE
  g generations := lock_generation(p_generation_id);
  last create_attempts;
  answer text;
BEGIN
  IF g.claim_of IS NOT NULL THEN
    RAISE EXCEPTION 'generation % is a claim and creates nothing', p_generation_id USING ERRCODE = 'HF002';
  END IF;
  SELECT * INTO last FROM create_attempts a WHERE a.generation_id = p_generation_id ORDER BY a.number DESC LIMIT 1;
  answer := CASE
    WHEN g.provider_verdict IS NOT NULL THEN 'known'
    WHEN g.state <> 'held' THEN 'settled'
    WHEN last.outcome = 'refused' THEN 'refused'
    WHEN last.number IS NOT NULL AND last.outcome IS NULL THEN 'open'
    WHEN g.cancel_requested_at IS NOT NULL AND nothing_made(p_generation_id) THEN 'cancelled'
    WHEN creates_spent(p_generation_id) THEN 'spent'
    -- A call that waited in a queue would make a video that is refunded before it is finished.
    WHEN NOT EXISTS (SELECT FROM holds h WHERE h.generation_id = p_generation_id AND h.expires_at > clock_timestamp() + p_least_ms * interval '1 millisecond') THEN 'too_late'
    ELSE 'begun' END;
  IF answer = 'begun' THEN
    INSERT INTO create_attempts (generation_id, number, visible_sha256)
      VALUES (p_generation_id, COALESCE(last.number, 0) + 1, lock_visible_fields(p_generation_id)) RETURNING * INTO last;
    UPDATE generations gen SET provider_base_url = p_base_url, provider_credential = p_credential WHERE gen.id = p_generation_id;
    PERFORM append_event(p_generation_id, 'create_begun', jsonb_build_object('attempt', last.number));
  END IF;
  RETURN QUERY SELECT answer, last.number, g.provider_video_id, last.error_code, g.model, g.seconds, g.size,
      i.prompt, i.reference, i.reference_type, i.reference_filename,
      (SELECT made.provider_video_id FROM generations original JOIN generations made ON made.id = COALESCE(original.claim_of, original.id)
        WHERE original.id = g.remix_of)
    FROM (SELECT) AS one LEFT JOIN inputs i ON i.generation_id = p_generation_id AND answer = 'begun';
END $function$;
GRANT EXECUTE ON FUNCTION begin_create(text,text,text,bigint) TO holdfast_service;

CREATE OR REPLACE FUNCTION public.begin_deletion(p_generation_id text)
 RETURNS TABLE(provider_video_id text, provider_base_url text, provider_credential text)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
#variable_conflict use_column
DECLARE g generations := lock_generation(p_generation_id);
BEGIN
  IF g.claimable_until < clock_timestamp() AND g.provider_deleted_at IS NULL AND NOT EXISTS (
      SELECT FROM generations claim WHERE claim.claim_of = p_generation_id AND claim.state IN ('requested', 'held', 'charged')) THEN
    UPDATE generations gen SET deletion_begun_at = COALESCE(gen.deletion_begun_at, clock_timestamp()) WHERE gen.id = p_generation_id;
    RETURN QUERY SELECT g.provider_video_id, g.provider_base_url, g.provider_credential;
  END IF;
END $function$;
GRANT EXECUTE ON FUNCTION begin_deletion(text) TO holdfast_service;

CREATE OR REPLACE FUNCTION public.claim_generation(p_generation_id text, p_claim_of text, p_account_id text, p_api_key_id text, p_admit_within_ms integer)
 RETURNS TABLE(outcome text, generation_id text, amount_microcredits bigint)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
#variable_conflict use_column
DECLARE
  original generations;
  claim generations;
  account accounts;
BEGIN
  -- Two claims, or a claim and the deletion, are served one after the other.
  SELECT * INTO original FROM generations gen WHERE gen.id = p_claim_of AND gen.account_id = p_account_id FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RETURN QUERY SELECT 'unknown', NULL::text, NULL::bigint; RETURN;
  END IF;
  SELECT * INTO claim FROM generations gen WHERE gen.claim_of = p_claim_of AND gen.state IN ('requested', 'held', 'charged');
  IF claim.state = 'requested' AND claim.admit_by < clock_timestamp() THEN
    -- Its process died before the hold: void, and this one takes its place.
    IF (SELECT v.state = 'voided' FROM void_generation_if_late(claim.id) v) THEN claim.id := NULL; END IF;
  END IF;
  IF claim.id IS NOT NULL THEN
    RETURN QUERY SELECT 'replay', claim.id, claim.amount_microcredits; RETURN;
  END IF;
  IF original.claimable_until IS NULL OR original.claimable_until < clock_timestamp() OR original.deletion_begun_at IS NOT NULL
     OR original.deleted_at IS NOT NULL THEN
    RETURN QUERY SELECT 'not_claimable', NULL::text, original.amount_microcredits; RETURN;
  END IF;
  SELECT * INTO STRICT account FROM accounts a WHERE a.id = p_account_id;
  IF account.frozen_at IS NOT NULL OR account.available_microcredits < original.amount_microcredits THEN
    RETURN QUERY SELECT CASE WHEN account.frozen_at IS NOT NULL THEN 'account_frozen' ELSE 'insufficient_credits' END, NULL::text, original.amount_microcredits;
    RETURN;
  END IF;
  INSERT INTO generations (id, account_id, api_key_id, model, seconds, size, price_id, amount_microcredits, admit_by, fingerprint, claim_of)
  VALUES (p_generation_id, p_account_id, p_api_key_id, original.model, original.seconds, original.size, original.price_id, original.amount_microcredits,
          clock_timestamp() + make_interval(secs => p_admit_within_ms / 1000.0), sha256(convert_to('claim of ' || p_claim_of, 'UTF8')), p_claim_of);
  INSERT INTO inputs (generation_id, prompt) SELECT p_generation_id, i.prompt FROM inputs i WHERE i.generation_id = p_claim_of;
  PERFORM append_event(p_generation_id, 'requested', jsonb_build_object('amount_microcredits', original.amount_microcredits, 'claim_of', p_claim_of));
  PERFORM append_event(p_claim_of, 'claimed', jsonb_build_object('by', p_generation_id));
  RETURN QUERY SELECT 'admitted', p_generation_id, original.amount_microcredits;
END $function$;
GRANT EXECUTE ON FUNCTION claim_generation(text,text,text,text,integer) TO holdfast_service;

CREATE OR REPLACE FUNCTION public.claim_is_ready(g generations)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
BEGIN
  RETURN EXISTS (SELECT FROM generations original WHERE original.id = g.claim_of AND original.provider_verdict = 'completed')
    AND EXISTS (SELECT FROM contents c WHERE c.generation_id = g.id AND c.variant = 'video' AND c.state = 'archived');
END $function$;

CREATE OR REPLACE FUNCTION public.close_text(p_generation_id text)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
DECLARE g generations := lock_generation(p_generation_id);
BEGIN
  RETURN g.provider_verdict IS NOT NULL OR COALESCE((SELECT end_text(p_generation_id, a.number, '', NULL, NULL, NULL)
    FROM create_attempts a WHERE a.generation_id = p_generation_id AND a.outcome IS NULL), false);
END $function$;
GRANT EXECUTE ON FUNCTION close_text(text) TO holdfast_service;

CREATE OR REPLACE FUNCTION public.compare_next_accounts(p_limit integer)
 RETURNS TABLE(accounts_compared integer, differences integer)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
DECLARE
  begin_after text;
  compared text[];
BEGIN
  INSERT INTO reconciler_progress (task, position) VALUES ('compare accounts', '') ON CONFLICT DO NOTHING;
  SELECT position INTO begin_after FROM reconciler_progress WHERE task = 'compare accounts' FOR UPDATE;
  compared := ARRAY(SELECT id FROM accounts WHERE id > begin_after ORDER BY id LIMIT p_limit);
  UPDATE reconciler_progress SET position = CASE WHEN cardinality(compared) < p_limit THEN '' ELSE compared[p_limit] END, advanced_at = clock_timestamp()
    WHERE task = 'compare accounts';
  RETURN QUERY SELECT cardinality(compared), (SELECT count(*)::integer FROM ledger_drift WHERE account_id = ANY(compared));
END $function$;
GRANT EXECUTE ON FUNCTION compare_next_accounts(integer) TO holdfast_service;

CREATE OR REPLACE FUNCTION public.create_webhook_endpoint(p_account_id text, p_id text, p_url text, p_events text[], p_secret text)
 RETURNS TABLE(outcome text, created_at timestamp with time zone)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
#variable_conflict use_column
BEGIN
  -- One after the other, so that ten are ten; not by the account's row, which movements of credits wait for.
  PERFORM pg_advisory_xact_lock(hashtextextended('webhook endpoints of ' || p_account_id, 0));
  IF (SELECT count(*) FROM webhook_endpoints e WHERE e.account_id = p_account_id AND e.deleted_at IS NULL) >= 10 THEN
    RETURN QUERY SELECT 'too_many', NULL::timestamptz; RETURN;
  END IF;
  INSERT INTO webhook_endpoints (account_id, id, url, events) VALUES (p_account_id, p_id, p_url, p_events);
  INSERT INTO webhook_secrets (account_id, endpoint_id, secret) VALUES (p_account_id, p_id, p_secret);
  RETURN QUERY SELECT 'created', e.created_at FROM webhook_endpoints e WHERE e.account_id = p_account_id AND e.id = p_id;
END $function$;
GRANT EXECUTE ON FUNCTION create_webhook_endpoint(text,text,text,text[],text) TO holdfast_service;

CREATE OR REPLACE FUNCTION public.creates_spent(p_generation_id text)
 RETURNS boolean
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
  SELECT count(*) >= 3 FROM create_attempts WHERE generation_id = p_generation_id AND outcome IS DISTINCT FROM 'not_made'
$function$;

CREATE OR REPLACE FUNCTION public.delete_generation(p_generation_id text, p_account_id text)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
DECLARE g generations := lock_generation(p_generation_id);
BEGIN
  IF g.account_id IS DISTINCT FROM p_account_id OR g.state NOT IN ('charged', 'refunded') THEN
    RETURN false;
  END IF;
  IF g.deleted_at IS NULL THEN
    UPDATE generations SET deleted_at = clock_timestamp() WHERE id = p_generation_id;
    PERFORM append_event(p_generation_id, 'deleted', '{}');
  END IF;
  RETURN true;
END $function$;
GRANT EXECUTE ON FUNCTION delete_generation(text,text) TO holdfast_service;

CREATE OR REPLACE FUNCTION public.delete_webhook_endpoint(p_account_id text, p_id text)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
BEGIN
  IF NOT lock_webhook_endpoint(p_account_id, p_id) THEN
    RETURN false;
  END IF;
  UPDATE webhook_endpoints SET deleted_at = clock_timestamp(), url = NULL WHERE account_id = p_account_id AND id = p_id;
  DELETE FROM webhook_secrets WHERE account_id = p_account_id AND endpoint_id = p_id;
  RETURN true;
END $function$;
GRANT EXECUTE ON FUNCTION delete_webhook_endpoint(text,text) TO holdfast_service;

CREATE OR REPLACE FUNCTION public.enable_webhook_endpoint(p_account_id text, p_id text)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
BEGIN
  IF NOT lock_webhook_endpoint(p_account_id, p_id) THEN
    RETURN false;
  END IF;
  UPDATE webhook_endpoints SET disabled_at = NULL, disabled_reason = NULL, failing_since = NULL WHERE account_id = p_account_id AND id = p_id;
  RETURN true;
END $function$;
GRANT EXECUTE ON FUNCTION enable_webhook_endpoint(text,text) TO holdfast_service;

CREATE OR REPLACE FUNCTION public.end_create(p_generation_id text, p_number integer, p_outcome text, p_provider_video_id text, p_provider_created_at timestamp with time zone, p_error_code text, p_error_message text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
BEGIN
  IF p_outcome IS NULL OR (p_outcome IN ('created', 'adopted')) <> (p_provider_video_id IS NOT NULL) THEN
    RAISE EXCEPTION 'an attempt that made a video ends with its id, and no other does' USING ERRCODE = '22004';
  END IF;
  PERFORM lock_generation(p_generation_id);
  UPDATE create_attempts SET outcome = p_outcome, ended_at = clock_timestamp(), error_code = p_error_code, error_message = p_error_message
    WHERE generation_id = p_generation_id AND number = p_number AND outcome IS NULL;
  IF NOT FOUND THEN
    -- The answer of a process that was halted and given up: its video has no owner, and is on record for whoever looks.
    IF p_outcome = 'created' AND NOT EXISTS (SELECT FROM generations WHERE provider_video_id = p_provider_video_id) THEN
      PERFORM append_event(p_generation_id, 'orphan_video', jsonb_build_object('attempt', p_number, 'provider_video_id', p_provider_video_id));
    END IF;
    RETURN;
  END IF;
  IF p_outcome IN ('created', 'adopted') THEN
    UPDATE generations SET provider_video_id = p_provider_video_id, provider_verdict = 'open',
        provider_created_at = COALESCE(p_provider_created_at, clock_timestamp())
      WHERE id = p_generation_id;
  END IF;
  PERFORM append_event(p_generation_id, 'create_' || p_outcome, jsonb_build_object('attempt', p_number, 'code', p_error_code));
  PERFORM free_slot(p_generation_id);
END $function$;
GRANT EXECUTE ON FUNCTION end_create(text,integer,text,text,timestamp with time zone,text,text) TO holdfast_service;

CREATE OR REPLACE FUNCTION public.end_deletion(p_generation_id text)
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
DECLARE
  g generations := lock_generation(p_generation_id);
  lost bigint;
BEGIN
  IF g.deletion_begun_at IS NULL OR g.provider_deleted_at IS NOT NULL THEN
    RETURN 0;
  END IF;
  SELECT p.provider_cost_microcredits_per_second * g.seconds INTO lost FROM prices p WHERE p.id = g.price_id;
  UPDATE generations SET provider_deleted_at = clock_timestamp() WHERE id = p_generation_id;
  PERFORM append_event(p_generation_id, 'provider_video_deleted', jsonb_build_object('lost_microcredits', lost));
  RETURN lost;
END $function$;
GRANT EXECUTE ON FUNCTION end_deletion(text) TO holdfast_service;

CREATE OR REPLACE FUNCTION public.end_text(p_generation_id text, p_number integer, p_output text, p_finish_reason text, p_input_tokens bigint, p_output_tokens bigint)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
BEGIN
  IF NOT record_text(p_generation_id, p_number, p_output) THEN
    RETURN false;
  END IF;
  UPDATE create_attempts a SET outcome = 'created', ended_at = clock_timestamp()
    WHERE a.generation_id = p_generation_id AND a.number = p_number AND a.outcome IS NULL;
  UPDATE texts t SET finish_reason = p_finish_reason, input_tokens = p_input_tokens, output_tokens = p_output_tokens,
      ended_at = clock_timestamp() WHERE t.generation_id = p_generation_id;
  UPDATE generations SET provider_verdict = 'completed', provider_status = COALESCE(p_finish_reason, 'broken_off'), last_look_at = clock_timestamp()
    WHERE id = p_generation_id;
  PERFORM append_event(p_generation_id, 'text_ended', jsonb_build_object('finish_reason', p_finish_reason,
    'input_tokens', p_input_tokens, 'output_tokens', p_output_tokens));
  RETURN true;
END $function$;
GRANT EXECUTE ON FUNCTION end_text(text,integer,text,text,bigint,bigint) TO holdfast_service;

CREATE OR REPLACE FUNCTION public.expected_duration_ms(p_model text, p_seconds integer, p_size text)
 RETURNS bigint
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
  SELECT round(percentile_cont(0.5) WITHIN GROUP (ORDER BY duration_ms))::bigint FROM (
    SELECT duration_ms FROM generations
    WHERE state = 'charged' AND model = p_model AND seconds = p_seconds AND size = p_size
    ORDER BY charged_at DESC LIMIT 20) AS recent
$function$;
GRANT EXECUTE ON FUNCTION expected_duration_ms(text,integer,text) TO holdfast_service;

CREATE OR REPLACE FUNCTION public.find_unanswered(p_api_key_id text, p_fingerprint bytea)
 RETURNS TABLE(generation_id text, state text, amount_microcredits bigint)
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
  SELECT id, state, amount_microcredits FROM generations
  WHERE api_key_id = p_api_key_id AND fingerprint = p_fingerprint AND answered_at IS NULL
    AND requested_at > clock_timestamp() - interval '15 minutes' AND state IN ('requested', 'held', 'charged', 'refunded')
  ORDER BY requested_at DESC LIMIT 1
$function$;
GRANT EXECUTE ON FUNCTION find_unanswered(text,bytea) TO holdfast_service;

CREATE OR REPLACE FUNCTION public.free_slot(p_generation_id text)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
DECLARE g generations;
BEGIN
  UPDATE generations gen SET counts_as_active = false
    WHERE gen.id = p_generation_id AND gen.counts_as_active AND gen.state IN ('charged', 'refunded') AND is_finished(gen)
    RETURNING * INTO g;
  IF FOUND THEN
    UPDATE accounts SET active_generations = active_generations - 1 WHERE id = g.account_id;
  END IF;
END $function$;

CREATE OR REPLACE FUNCTION public.grant_credits(p_account_id text, p_amount bigint, p_reason text, p_key text)
 RETURNS TABLE(outcome text, transaction_id bigint, moved_microcredits bigint, available_microcredits bigint, replayed boolean)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
#variable_conflict use_column
DECLARE
  account accounts;
  earlier account_operations;
  moved bigint;
  answer text;
  posted bigint;
BEGIN
  IF p_amount IS NULL OR p_amount = 0 OR abs(p_amount) > 9007199254740991 THEN
    RAISE EXCEPTION 'a grant is a whole number of microcredits, not 0, within 2^53 - 1' USING ERRCODE = '22003';
  END IF;
  -- The account's lock comes first: two callers with one key are served one after the other.
  SELECT * INTO account FROM accounts a WHERE a.id = p_account_id FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RETURN QUERY SELECT 'unknown_account', NULL::bigint, NULL::bigint, NULL::bigint, false; RETURN;
  END IF;
  SELECT * INTO earlier FROM account_operations o WHERE o.account_id = p_account_id AND o.key = p_key;
  IF FOUND THEN
    IF (earlier.kind, earlier.requested_microcredits, earlier.reason) IS DISTINCT FROM ('grant', p_amount, p_reason) THEN
      RETURN QUERY SELECT 'key_reused', NULL::bigint, NULL::bigint, NULL::bigint, false; RETURN;
    END IF;
    RETURN QUERY SELECT earlier.outcome, earlier.transaction_id, earlier.moved_microcredits, account.available_microcredits, true; RETURN;
  END IF;
  moved := greatest(p_amount, -account.available_microcredits);
  answer := CASE
    WHEN moved = 0 THEN 'nothing_available'
    -- What is held may come back, so it counts towards the limit.
    WHEN account.available_microcredits + account.held_microcredits + moved > 9007199254740991 THEN 'too_large'
    ELSE 'granted' END;
  IF answer = 'granted' THEN
    UPDATE accounts a SET available_microcredits = a.available_microcredits + moved WHERE a.id = p_account_id RETURNING * INTO account;
    posted := post_transaction('grant:' || p_account_id || ':' || p_key, CASE WHEN moved > 0 THEN 'grant' ELSE 'claw_back' END, account,
      NULL, p_amount, p_reason, moved, 0, -moved, 0);
  ELSE
    moved := 0;
  END IF;
  INSERT INTO account_operations (account_id, key, kind, requested_microcredits, reason, outcome, moved_microcredits, transaction_id)
    VALUES (p_account_id, p_key, 'grant', p_amount, p_reason, answer, moved, posted);
  RETURN QUERY SELECT answer, posted, moved, account.available_microcredits, false;
END $function$;
GRANT EXECUTE ON FUNCTION grant_credits(text,bigint,text,text) TO holdfast_service;

CREATE OR REPLACE FUNCTION public.guard_api_key()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
BEGIN
  IF OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS DISTINCT FROM OLD.revoked_at THEN
    RAISE EXCEPTION 'a revoked key stays revoked' USING ERRCODE = 'HF004';
  END IF;
  IF OLD.expires_at IS NOT NULL AND (NEW.expires_at IS NULL OR NEW.expires_at > OLD.expires_at) THEN
    RAISE EXCEPTION 'a key ends sooner than it was to, never later' USING ERRCODE = 'HF004';
  END IF;
  RETURN NEW;
END $function$;

CREATE OR REPLACE FUNCTION public.guard_create_attempt()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
BEGIN
  IF OLD.outcome IS NOT NULL THEN
    RAISE EXCEPTION 'an attempt ends once' USING ERRCODE = 'HF004';
  END IF;
  RETURN NEW;
END $function$;

CREATE OR REPLACE FUNCTION public.guard_generation()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
BEGIN
  IF (OLD.id, OLD.account_id, OLD.price_id, OLD.amount_microcredits, OLD.model, OLD.seconds, OLD.size, OLD.claim_of, OLD.remix_of)
     IS DISTINCT FROM (NEW.id, NEW.account_id, NEW.price_id, NEW.amount_microcredits, NEW.model, NEW.seconds, NEW.size, NEW.claim_of, NEW.remix_of) THEN
    RAISE EXCEPTION 'a generation keeps what it was admitted with' USING ERRCODE = 'HF004';
  END IF;
  IF NEW.state <> OLD.state AND NOT (
     OLD.state = 'requested' AND NEW.state IN ('held', 'refused', 'voided') OR OLD.state = 'held' AND NEW.state IN ('charged', 'refunded')) THEN
    RAISE EXCEPTION 'a generation does not go from % to %', OLD.state, NEW.state USING ERRCODE = 'HF004';
  END IF;
  IF OLD.provider_video_id IS NOT NULL AND NEW.provider_video_id IS DISTINCT FROM OLD.provider_video_id THEN
    RAISE EXCEPTION 'a generation keeps its provider video' USING ERRCODE = 'HF004';
  END IF;
  IF OLD.deletion_begun_at IS NOT NULL AND NEW.deletion_begun_at IS NULL THEN
    RAISE EXCEPTION 'a deletion that has begun is not taken back' USING ERRCODE = 'HF004';
  END IF;
  IF OLD.state IN ('charged', 'refunded', 'refused', 'voided') AND (
     (OLD.state, OLD.credits_charged, OLD.charged_amount_microcredits, OLD.charged_at, OLD.settlement_reason, OLD.error_code, OLD.error_message)
     IS DISTINCT FROM
     (NEW.state, NEW.credits_charged, NEW.charged_amount_microcredits, NEW.charged_at, NEW.settlement_reason, NEW.error_code, NEW.error_message)) THEN
    RAISE EXCEPTION 'a generation is settled once' USING ERRCODE = 'HF004';
  END IF;
  RETURN NEW;
END $function$;

CREATE OR REPLACE FUNCTION public.guard_hold()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
BEGIN
  IF OLD.state <> 'active' OR (OLD.id, OLD.generation_id, OLD.account_id, OLD.amount_microcredits, OLD.placed_at, OLD.expires_at)
     IS DISTINCT FROM (NEW.id, NEW.generation_id, NEW.account_id, NEW.amount_microcredits, NEW.placed_at, NEW.expires_at) THEN
    RAISE EXCEPTION 'a hold is settled once and otherwise never changes' USING ERRCODE = 'HF004';
  END IF;
  RETURN NEW;
END $function$;

CREATE OR REPLACE FUNCTION public.guard_text()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
BEGIN
  IF OLD.ended_at IS NOT NULL OR (OLD.generation_id, OLD.text_price_id, OLD.input_bound_tokens, OLD.max_output_tokens)
     IS DISTINCT FROM (NEW.generation_id, NEW.text_price_id, NEW.input_bound_tokens, NEW.max_output_tokens) THEN
    RAISE EXCEPTION 'a text ends once and keeps its price' USING ERRCODE = 'HF004';
  END IF;
  RETURN NEW;
END $function$;

CREATE OR REPLACE FUNCTION public.is_finished(g generations)
 RETURNS boolean
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
  SELECT g.kind <> 'video' OR COALESCE(g.provider_verdict IN ('completed', 'failed'), false) OR g.provider_video_id IS NULL AND NOT EXISTS (
    SELECT FROM create_attempts a WHERE a.generation_id = g.id AND (a.outcome IS NULL OR a.outcome = 'not_found'))
$function$;

CREATE OR REPLACE FUNCTION public.keep_answer(p_account_id text, p_key text, p_status integer, p_answer jsonb, p_generation_id text DEFAULT NULL::text)
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
  UPDATE idempotency_keys SET answer_status = p_status, answer = p_answer
  WHERE account_id = p_account_id AND key = p_key AND answer IS NULL
    AND (p_generation_id IS NULL OR generation_id IS NULL OR generation_id = p_generation_id)
$function$;
GRANT EXECUTE ON FUNCTION keep_answer(text,text,integer,jsonb,text) TO holdfast_service;

CREATE OR REPLACE FUNCTION public.lock_generation(p_generation_id text)
 RETURNS generations
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
DECLARE g generations;
BEGIN
  SELECT * INTO g FROM generations WHERE id = p_generation_id FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no generation %', p_generation_id USING ERRCODE = 'HF001';
  END IF;
  RETURN g;
END $function$;

CREATE OR REPLACE FUNCTION public.lock_visible_fields(p_generation_id text)
 RETURNS bytea
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
DECLARE visible bytea;
BEGIN
  SELECT sha256(convert_to(concat_ws(E'\x1f', g.model, g.seconds, g.size, i.prompt, g.remix_of), 'UTF8')) INTO STRICT visible
    FROM generations g LEFT JOIN inputs i ON i.generation_id = g.id WHERE g.id = p_generation_id;
  PERFORM pg_advisory_xact_lock(('x' || encode(substr(visible, 1, 8), 'hex'))::bit(64)::bigint);
  RETURN visible;
END $function$;

CREATE OR REPLACE FUNCTION public.lock_webhook_endpoint(p_account_id text, p_id text)
 RETURNS boolean
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
BEGIN
  PERFORM FROM webhook_endpoints WHERE account_id = p_account_id AND id = p_id AND deleted_at IS NULL FOR NO KEY UPDATE;
  RETURN FOUND;
END $function$;

CREATE OR REPLACE FUNCTION public.mark_answered(p_generation_id text)
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
  UPDATE generations SET answered_at = clock_timestamp() WHERE id = p_generation_id AND answered_at IS NULL
$function$;
GRANT EXECUTE ON FUNCTION mark_answered(text) TO holdfast_service;

CREATE OR REPLACE FUNCTION public.milliseconds_until(p_moment timestamp with time zone)
 RETURNS bigint
 LANGUAGE sql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
  SELECT greatest(0, ceil(extract(epoch FROM p_moment - clock_timestamp()) * 1000))::bigint
$function$;

CREATE OR REPLACE FUNCTION public.note_ambiguous_create(p_generation_id text, p_number integer, p_why text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
BEGIN
  PERFORM lock_generation(p_generation_id);
  UPDATE create_attempts SET error_message = p_why WHERE generation_id = p_generation_id AND number = p_number AND outcome IS NULL;
  IF FOUND THEN
    PERFORM append_event(p_generation_id, 'create_ambiguous', jsonb_build_object('attempt', p_number, 'why', p_why));
  END IF;
END $function$;
GRANT EXECUTE ON FUNCTION note_ambiguous_create(text,integer,text) TO holdfast_service;

CREATE OR REPLACE FUNCTION public.note_unreachable(p_generation_id text, p_tries integer, p_for_ms bigint)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
BEGIN
  PERFORM lock_generation(p_generation_id);
  PERFORM append_event(p_generation_id, 'unreachable', jsonb_build_object('tries', p_tries, 'for_ms', p_for_ms));
END $function$;
GRANT EXECUTE ON FUNCTION note_unreachable(text,integer,bigint) TO holdfast_service;

CREATE OR REPLACE FUNCTION public.note_webhooks()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
DECLARE
  told text := CASE NEW.state WHEN 'charged' THEN 'video.completed' ELSE 'video.failed' END;
BEGIN
  IF EXISTS (SELECT FROM webhook_endpoints e WHERE e.account_id = NEW.account_id AND e.disabled_at IS NULL AND e.deleted_at IS NULL) THEN
    BEGIN
      INSERT INTO webhook_deliveries (account_id, endpoint_id, event_id, generation_id, type, occurred_at)
        SELECT e.account_id, e.id, 'evt_' || split_part(NEW.id, '_', 2), NEW.id, told, NEW.charged_at FROM webhook_endpoints e
        WHERE e.account_id = NEW.account_id AND e.disabled_at IS NULL AND e.deleted_at IS NULL AND told = ANY (e.events)
        ON CONFLICT DO NOTHING;
    EXCEPTION WHEN OTHERS THEN
      -- Credits come first: a message that can't be noted must not keep them in the air.
      RAISE WARNING 'webhooks of generation % could not be noted: %', NEW.id, SQLERRM;
    END;
  END IF;
  RETURN NULL;
END $function$;

CREATE OR REPLACE FUNCTION public.nothing_made(p_generation_id text)
 RETURNS boolean
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
  SELECT NOT EXISTS (SELECT FROM create_attempts WHERE generation_id = p_generation_id AND outcome IS DISTINCT FROM 'not_made')
$function$;

CREATE OR REPLACE FUNCTION public.open_account(p_account_id text, p_name text)
 RETURNS TABLE(outcome text, created_at timestamp with time zone, replayed boolean)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
#variable_conflict use_column
DECLARE account accounts;
BEGIN
  INSERT INTO accounts (id, name) VALUES (p_account_id, p_name) ON CONFLICT (id) DO NOTHING RETURNING * INTO account;
  IF FOUND THEN
    RETURN QUERY SELECT 'opened', account.created_at, false; RETURN;
  END IF;
  SELECT * INTO STRICT account FROM accounts a WHERE a.id = p_account_id;
  RETURN QUERY SELECT CASE WHEN account.name = p_name THEN 'opened' ELSE 'id_reused' END, account.created_at, true;
END $function$;
GRANT EXECUTE ON FUNCTION open_account(text,text) TO holdfast_service;

CREATE OR REPLACE FUNCTION public.place_hold(p_generation_id text, p_hold_ttl_seconds integer)
 RETURNS TABLE(state text, refusal_code text, account_id text, hold_id text, amount_microcredits bigint, time_left_ms bigint, hold_ttl_ms bigint, model text, seconds integer, size text, expected_duration_ms bigint, provider_video_id text, is_claim boolean, create_may_have_arrived boolean, credits_charged boolean, settlement_reason text, error_code text)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
#variable_conflict use_column
DECLARE
  g generations := lock_generation(p_generation_id);
  account accounts;
  limited api_keys;
  refusal text;
  placed timestamptz;
  late boolean;
  expected bigint;
BEGIN
  IF g.state IN ('requested', 'held') THEN
    expected := expected_duration_ms(g.model, g.seconds, g.size);
    SELECT * INTO limited FROM api_keys k
      WHERE k.id = g.api_key_id AND (k.daily_limit_microcredits IS NOT NULL OR k.monthly_limit_microcredits IS NOT NULL);
  END IF;
  IF g.state = 'requested' THEN
    LOOP
      -- One statement decides and moves: frozen, cap and balance are looked at under the row's lock (exploits 4 and 6).
      UPDATE accounts a SET
        available_microcredits = a.available_microcredits - g.amount_microcredits,
        held_microcredits = a.held_microcredits + g.amount_microcredits,
        active_generations = a.active_generations + 1
      WHERE a.id = g.account_id AND a.available_microcredits >= g.amount_microcredits
        AND a.frozen_at IS NULL AND a.active_generations < a.max_active_generations
      RETURNING * INTO account;
      EXIT WHEN FOUND;
      SELECT * INTO account FROM accounts a WHERE a.id = g.account_id FOR NO KEY UPDATE;
      refusal := CASE
        WHEN account.frozen_at IS NOT NULL THEN 'account_frozen'
        WHEN account.available_microcredits < g.amount_microcredits THEN 'insufficient_credits'
        WHEN account.active_generations >= account.max_active_generations THEN 'too_many_active_generations' END;
      -- NULL: what stood in the way has just gone, and the row is locked now.
      EXIT WHEN refusal IS NOT NULL;
    END LOOP;
    -- Looked at after the wait for the account's row.
    placed := clock_timestamp();
    late := refusal IS NULL AND placed > g.admit_by;
    IF refusal IS NULL AND NOT late AND limited.id IS NOT NULL AND NOT spend_within_limits(limited, g.amount_microcredits, placed) THEN
      refusal := 'key_spend_limit';
    END IF;
    IF late OR refusal = 'key_spend_limit' THEN
      -- Its client has gone, or its key has spent enough: what the statement above moved goes back.
      UPDATE accounts a SET
        available_microcredits = a.available_microcredits + g.amount_microcredits,
        held_microcredits = a.held_microcredits - g.amount_microcredits,
        active_generations = a.active_generations - 1
      WHERE a.id = g.account_id;
    END IF;
    IF late THEN
      PERFORM void_generation(p_generation_id);
    ELSIF refusal IS NOT NULL THEN
      UPDATE generations gen SET state = 'refused', refusal_code = refusal WHERE gen.id = p_generation_id;
      PERFORM append_event(p_generation_id, 'refused', jsonb_build_object('code', refusal));
    ELSE
      INSERT INTO holds (id, generation_id, account_id, amount_microcredits, placed_at, expires_at)
      VALUES ('hold_' || split_part(p_generation_id, '_', 2), p_generation_id, g.account_id, g.amount_microcredits, placed,
              placed + make_interval(secs => p_hold_ttl_seconds));
      PERFORM post_transaction(p_generation_id || ':hold', 'hold', account, p_generation_id, g.amount_microcredits, NULL,
        -g.amount_microcredits, g.amount_microcredits, 0, 0);
      UPDATE generations gen SET state = 'held', counts_as_active = true, limited_key = COALESCE(limited.spends_as, limited.id),
          event_sequence = gen.event_sequence + 1
        WHERE gen.id = p_generation_id;
      INSERT INTO generation_events (generation_id, sequence, kind, data)
        VALUES (p_generation_id, g.event_sequence + 1, 'held', jsonb_build_object('amount_microcredits', g.amount_microcredits));
    END IF;
  END IF;
  RETURN QUERY
    SELECT gen.state, gen.refusal_code, gen.account_id, h.id, gen.amount_microcredits, milliseconds_until(h.expires_at),
      (extract(epoch FROM h.expires_at - h.placed_at) * 1000)::bigint, gen.model, gen.seconds, gen.size,
      CASE WHEN gen.state = 'held' THEN expected END,
      COALESCE(gen.provider_video_id, (SELECT original.provider_video_id FROM generations original WHERE original.id = gen.claim_of)),
      gen.claim_of IS NOT NULL,
      EXISTS (SELECT FROM create_attempts att WHERE att.generation_id = gen.id AND att.outcome IS NULL),
      gen.credits_charged, gen.settlement_reason, gen.error_code
    FROM generations gen LEFT JOIN holds h ON h.generation_id = gen.id WHERE gen.id = p_generation_id;
END $function$;
GRANT EXECUTE ON FUNCTION place_hold(text,integer) TO holdfast_service;

CREATE OR REPLACE FUNCTION public.post_transaction(p_key text, p_kind text, p_account accounts, p_generation_id text, p_requested bigint, p_reason text, p_available bigint, p_held bigint, p_issued bigint, p_revenue bigint)
 RETURNS bigint
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
DECLARE posted bigint;
BEGIN
  INSERT INTO journal_transactions (key, kind, account_id, generation_id, requested_microcredits, reason,
      available_microcredits, held_microcredits, issued_microcredits, revenue_microcredits,
      available_after_microcredits, held_after_microcredits)
    VALUES (p_key, p_kind, p_account.id, p_generation_id, p_requested, p_reason, p_available, p_held, p_issued, p_revenue,
      p_account.available_microcredits, p_account.held_microcredits)
    RETURNING id INTO posted;
  RETURN posted;
END $function$;

CREATE OR REPLACE FUNCTION public.price_microcredits(p_cost_per_second bigint, p_margin_basis_points integer, p_seconds integer)
 RETURNS bigint
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
  SELECT ceil(p_cost_per_second::numeric * p_seconds * 10000 / (10000 - p_margin_basis_points))::bigint
$function$;
GRANT EXECUTE ON FUNCTION price_microcredits(bigint,integer,integer) TO holdfast_service;

CREATE OR REPLACE FUNCTION public.record_content(p_generation_id text, p_variant text, p_state text, p_bytes bigint, p_sha256 bytea, p_content_type text, p_location text)
 RETURNS TABLE(state text, bytes bigint, sha256 bytea, content_type text, location text)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
#variable_conflict use_column
DECLARE
  g generations := lock_generation(p_generation_id);
  made generations;
  deleted boolean := g.deleted_at IS NOT NULL;
BEGIN
  IF NOT EXISTS (SELECT FROM contents c WHERE c.generation_id = p_generation_id AND c.variant = p_variant) THEN
    IF g.state NOT IN ('held', 'charged') THEN
      RAISE EXCEPTION 'generation % is %: its content is not kept', p_generation_id, g.state USING ERRCODE = 'HF002';
    END IF;
    SELECT * INTO STRICT made FROM generations gen WHERE gen.id = COALESCE(g.claim_of, g.id);
    IF made.provider_verdict IS DISTINCT FROM 'completed'
       OR p_state = 'gone' AND NOT deleted AND made.last_look_at > clock_timestamp() - interval '1 hour' THEN
      RAISE EXCEPTION 'nothing proves that the content of generation % is %', p_generation_id, p_state USING ERRCODE = 'HF003';
    END IF;
    IF deleted THEN
      INSERT INTO contents (generation_id, variant, state) VALUES (p_generation_id, p_variant, 'gone');
    ELSE
      INSERT INTO contents (generation_id, variant, state, bytes, sha256, content_type, location)
        VALUES (p_generation_id, p_variant, p_state, p_bytes, p_sha256, p_content_type, p_location);
    END IF;
    IF p_variant = 'video' THEN
      PERFORM append_event(p_generation_id, CASE WHEN deleted OR p_state = 'gone' THEN 'content_gone' ELSE 'archived' END,
        jsonb_strip_nulls(jsonb_build_object('bytes', CASE WHEN NOT deleted THEN p_bytes END)));
    END IF;
  END IF;
  RETURN QUERY SELECT c.state, c.bytes, c.sha256, c.content_type, c.location FROM contents c
    WHERE c.generation_id = p_generation_id AND c.variant = p_variant;
END $function$;
GRANT EXECUTE ON FUNCTION record_content(text,text,text,bigint,bytea,text,text) TO holdfast_service;

CREATE OR REPLACE FUNCTION public.record_look(p_generation_id text, p_provider_video_id text, p_verdict text, p_status text, p_progress integer, p_completed_at timestamp with time zone, p_error_code text, p_error_message text)
 RETURNS TABLE(verdict text, error_code text)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
#variable_conflict use_column
DECLARE
  g generations := lock_generation(p_generation_id);
  late timestamptz;
BEGIN
  IF g.claim_of IS NOT NULL THEN
    RETURN QUERY SELECT l.verdict, l.error_code FROM record_look(g.claim_of, p_provider_video_id, p_verdict, p_status, p_progress,
      p_completed_at, p_error_code, p_error_message) l;
    RETURN;
  END IF;
  IF g.provider_video_id IS DISTINCT FROM p_provider_video_id THEN
    RAISE EXCEPTION 'generation % owns another video', p_generation_id USING ERRCODE = 'HF002';
  END IF;
  IF p_verdict IS NULL THEN
    RAISE EXCEPTION 'a look has a verdict' USING ERRCODE = '22004';
  END IF;
  -- Also after a refund: a late end is known then, and frees the account's slot.
  IF g.provider_verdict = 'open' THEN
    late := CASE WHEN g.state = 'refunded' AND p_verdict = 'completed' THEN clock_timestamp() + interval '24 hours' END;
    UPDATE generations gen SET provider_verdict = p_verdict, provider_status = p_status,
        -- Progress never goes back for the one who watches it.
        provider_progress = greatest(gen.provider_progress, p_progress),
        provider_completed_at = p_completed_at, provider_error_code = p_error_code, provider_error_message = p_error_message,
        last_look_at = clock_timestamp(), claimable_until = late
      WHERE gen.id = p_generation_id;
    IF (g.provider_verdict, g.provider_status, g.provider_progress)
       IS DISTINCT FROM (p_verdict, p_status, greatest(g.provider_progress, p_progress)) THEN
      PERFORM append_event(p_generation_id, 'seen', jsonb_build_object('verdict', p_verdict, 'status', p_status, 'progress', p_progress, 'code', p_error_code));
    END IF;
    IF late IS NOT NULL THEN
      PERFORM append_event(p_generation_id, 'late_completion', jsonb_build_object('claimable_until', late));
    END IF;
    PERFORM free_slot(p_generation_id);
  END IF;
  RETURN QUERY SELECT gen.provider_verdict, gen.provider_error_code FROM generations gen WHERE gen.id = p_generation_id;
END $function$;
GRANT EXECUTE ON FUNCTION record_look(text,text,text,text,integer,timestamp with time zone,text,text) TO holdfast_service;

CREATE OR REPLACE FUNCTION public.record_provider_event(p_webhook_id text, p_type text, p_provider_base_url text, p_provider_video_id text, OUT outcome text, OUT generation_id text)
 RETURNS record
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
#variable_conflict use_column
DECLARE
  known_state text;
BEGIN
  INSERT INTO provider_events (webhook_id, type, provider_video_id) VALUES (p_webhook_id, p_type, p_provider_video_id)
    ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    outcome := 'replayed';
    RETURN;
  END IF;
  SELECT g.id, g.state INTO record_provider_event.generation_id, known_state FROM generations g
    WHERE g.provider_base_url = p_provider_base_url AND g.provider_video_id = p_provider_video_id;
  IF NOT FOUND THEN
    outcome := 'unknown';
  ELSIF known_state <> 'held' THEN
    outcome := 'settled';
  ELSE
    INSERT INTO provider_nudges AS n (generation_id, nudges) VALUES (record_provider_event.generation_id, 1)
      ON CONFLICT (generation_id) DO UPDATE SET nudges = n.nudges + 1 WHERE n.nudges < 20;
    outcome := CASE WHEN FOUND THEN 'nudge' ELSE 'enough' END;
  END IF;
END $function$;
GRANT EXECUTE ON FUNCTION record_provider_event(text,text,text,text) TO holdfast_service;

CREATE OR REPLACE FUNCTION public.record_settlement_refusal(p_generation_id text, p_reason text, p_why text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
DECLARE g generations := lock_generation(p_generation_id);
BEGIN
  IF g.state = 'held' AND g.settlement_refused_at IS NULL THEN
    UPDATE generations SET settlement_refused_at = clock_timestamp() WHERE id = p_generation_id;
    PERFORM append_event(p_generation_id, 'settlement_refused', jsonb_build_object('asked', p_reason, 'why', p_why));
  END IF;
END $function$;
GRANT EXECUTE ON FUNCTION record_settlement_refusal(text,text,text) TO holdfast_service;

CREATE OR REPLACE FUNCTION public.record_text(p_generation_id text, p_number integer, p_output text)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
DECLARE g generations := lock_generation(p_generation_id);
BEGIN
  IF g.state <> 'held' OR NOT EXISTS (SELECT FROM create_attempts a
      WHERE a.generation_id = p_generation_id AND a.number = p_number AND a.outcome IS NULL) THEN
    RETURN false;
  END IF;
  UPDATE texts t SET output = p_output WHERE t.generation_id = p_generation_id AND length(p_output) >= length(t.output);
  RETURN true;
END $function$;
GRANT EXECUTE ON FUNCTION record_text(text,integer,text) TO holdfast_service;

CREATE OR REPLACE FUNCTION public.record_webhook_attempt(p_account_id text, p_endpoint_id text, p_event_id text, p_status integer, p_error text, p_retry_in_ms bigint, OUT state text, OUT disabled boolean)
 RETURNS record
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
#variable_conflict use_column
DECLARE
  moment timestamptz := clock_timestamp();
  gone boolean := p_status IS NOT DISTINCT FROM 410;
BEGIN
  disabled := false;
  UPDATE webhook_deliveries d SET attempts = d.attempts + 1, tries = d.tries + 1, last_attempt_at = moment, last_status = p_status, last_error = p_error,
      state = CASE WHEN p_error IS NULL THEN 'delivered' WHEN gone OR p_retry_in_ms IS NULL THEN 'failed' ELSE 'pending' END,
      next_attempt_at = CASE WHEN p_error IS NOT NULL AND NOT gone THEN moment + p_retry_in_ms * interval '1 millisecond' END
    WHERE d.account_id = p_account_id AND d.endpoint_id = p_endpoint_id AND d.event_id = p_event_id AND d.state = 'pending'
    RETURNING d.state INTO record_webhook_attempt.state;
  IF NOT FOUND THEN
    SELECT d.state INTO record_webhook_attempt.state FROM webhook_deliveries d
      WHERE d.account_id = p_account_id AND d.endpoint_id = p_endpoint_id AND d.event_id = p_event_id;
    RETURN;
  END IF;
  IF p_error IS NULL THEN
    UPDATE webhook_endpoints e SET failing_since = NULL
      WHERE e.account_id = p_account_id AND e.id = p_endpoint_id AND e.failing_since IS NOT NULL;
    RETURN;
  END IF;
  UPDATE webhook_endpoints e SET failing_since = moment
    WHERE e.account_id = p_account_id AND e.id = p_endpoint_id AND e.failing_since IS NULL;
  UPDATE webhook_endpoints e SET disabled_at = moment, disabled_reason = CASE WHEN gone THEN 'gone' ELSE 'failing' END
    WHERE e.account_id = p_account_id AND e.id = p_endpoint_id AND e.disabled_at IS NULL AND e.deleted_at IS NULL
      AND (gone OR record_webhook_attempt.state = 'failed' AND e.failing_since <= moment - interval '3 days');
  disabled := FOUND;
END $function$;
GRANT EXECUTE ON FUNCTION record_webhook_attempt(text,text,text,integer,text,bigint) TO holdfast_service;

CREATE OR REPLACE FUNCTION public.redeliver_webhook(p_account_id text, p_endpoint_id text, p_event_id text)
 RETURNS text
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
DECLARE
  moment timestamptz := clock_timestamp();
  endpoint webhook_endpoints;
BEGIN
  SELECT * INTO endpoint FROM webhook_endpoints e WHERE e.account_id = p_account_id AND e.id = p_endpoint_id AND e.deleted_at IS NULL;
  IF endpoint.id IS NULL OR NOT EXISTS (SELECT FROM webhook_deliveries d
      WHERE d.account_id = p_account_id AND d.endpoint_id = p_endpoint_id AND d.event_id = p_event_id) THEN
    RETURN 'unknown';
  END IF;
  IF endpoint.disabled_at IS NOT NULL THEN
    RETURN 'disabled';
  END IF;
  UPDATE webhook_deliveries d SET next_attempt_at = moment, tries = CASE d.state WHEN 'pending' THEN d.tries ELSE 0 END, state = 'pending'
    WHERE d.account_id = p_account_id AND d.endpoint_id = p_endpoint_id AND d.event_id = p_event_id
      AND (d.state <> 'pending' OR d.next_attempt_at > moment);
  RETURN CASE WHEN FOUND THEN 'asked' ELSE 'pending' END;
END $function$;
GRANT EXECUTE ON FUNCTION redeliver_webhook(text,text,text) TO holdfast_service;

CREATE OR REPLACE FUNCTION public.refund_generation(p_generation_id text, p_amount bigint, p_reason text, p_key text)
 RETURNS TABLE(outcome text, transaction_id bigint, moved_microcredits bigint, refundable_microcredits bigint, replayed boolean)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
#variable_conflict use_column
DECLARE
  g generations := lock_generation(p_generation_id);
  earlier refunds;
  account accounts;
  before bigint;
  moved bigint;
  posted bigint;
BEGIN
  IF p_amount <= 0 THEN
    RAISE EXCEPTION 'a refund is a whole number of microcredits above 0' USING ERRCODE = '22003';
  END IF;
  IF g.state IS DISTINCT FROM 'charged' THEN
    RETURN QUERY SELECT 'not_charged', NULL::bigint, NULL::bigint, NULL::bigint, false; RETURN;
  END IF;
  SELECT COALESCE(sum(r.amount_microcredits), 0) INTO before FROM refunds r WHERE r.generation_id = p_generation_id;
  SELECT * INTO earlier FROM refunds r WHERE r.generation_id = p_generation_id AND r.key = p_key;
  IF FOUND THEN
    IF (earlier.requested_microcredits, earlier.reason) IS DISTINCT FROM (p_amount, p_reason) THEN
      RETURN QUERY SELECT 'key_reused', NULL::bigint, NULL::bigint, g.charged_amount_microcredits - before, false; RETURN;
    END IF;
    RETURN QUERY SELECT 'refunded', earlier.transaction_id, earlier.amount_microcredits, g.charged_amount_microcredits - before, true; RETURN;
  END IF;
  moved := COALESCE(p_amount, g.charged_amount_microcredits - before);
  IF moved = 0 OR before + moved > g.charged_amount_microcredits THEN
    RETURN QUERY SELECT CASE WHEN before = g.charged_amount_microcredits THEN 'nothing_left' ELSE 'exceeds_captured' END,
      NULL::bigint, NULL::bigint, g.charged_amount_microcredits - before, false; RETURN;
  END IF;
  -- What is held may come back, so it counts towards the limit.
  UPDATE accounts a SET available_microcredits = a.available_microcredits + moved
    WHERE a.id = g.account_id AND a.available_microcredits + a.held_microcredits + moved <= 9007199254740991 RETURNING * INTO account;
  IF NOT FOUND THEN
    RETURN QUERY SELECT 'too_large', NULL::bigint, NULL::bigint, g.charged_amount_microcredits - before, false; RETURN;
  END IF;
  posted := post_transaction(p_generation_id || ':refund:' || p_key, 'refund', account, p_generation_id, moved, p_reason, moved, 0, 0, -moved);
  INSERT INTO refunds (generation_id, key, requested_microcredits, reason, amount_microcredits, refunded_before_microcredits,
      captured_microcredits, transaction_id)
    VALUES (p_generation_id, p_key, p_amount, p_reason, moved, before, g.charged_amount_microcredits, posted);
  PERFORM append_event(p_generation_id, 'credits_refunded', jsonb_build_object('amount_microcredits', moved));
  RETURN QUERY SELECT 'refunded', posted, moved, g.charged_amount_microcredits - before - moved, false;
END $function$;
GRANT EXECUTE ON FUNCTION refund_generation(text,bigint,text,text) TO holdfast_service;

CREATE OR REPLACE FUNCTION public.refuse_change()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
BEGIN
  RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'HF004';
END $function$;

CREATE OR REPLACE FUNCTION public.release_expired_holds(p_grace interval DEFAULT '02:00:00'::interval, p_limit integer DEFAULT 100)
 RETURNS TABLE(generation_id text, result text, settlement_reason text)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
#variable_conflict use_column
DECLARE
  overdue text;
  settled record;
BEGIN
  IF NOT pg_try_advisory_xact_lock(4017325002) THEN
    RETURN;
  END IF;
  -- What another works on is left to it: nobody waits for a generation here while he has an account's row.
  FOR overdue IN SELECT h.generation_id FROM holds h JOIN generations g ON g.id = h.generation_id
      WHERE h.state = 'active' AND h.expires_at < clock_timestamp() - greatest(p_grace, interval '2 hours')
      ORDER BY h.expires_at LIMIT p_limit FOR NO KEY UPDATE OF g SKIP LOCKED LOOP
    BEGIN
      SELECT * INTO settled FROM settle_generation(overdue, 'expired');
      IF settled.result = 'terminal' THEN
        SELECT * INTO settled FROM settle_generation(overdue, CASE WHEN settled.credits_charged THEN 'completed' ELSE 'provider_failed' END);
      END IF;
      PERFORM lock_generation(overdue);
      PERFORM append_event(overdue, 'released_by_hand', jsonb_build_object('by', session_user));
      RETURN QUERY SELECT overdue, settled.result, settled.settlement_reason;
    EXCEPTION WHEN OTHERS THEN
      -- One that can't be settled must not keep the others.
      RETURN QUERY SELECT overdue, 'refused', SQLSTATE::text;
    END;
  END LOOP;
END $function$;
GRANT EXECUTE ON FUNCTION release_expired_holds(interval,integer) TO holdfast_service;

CREATE OR REPLACE FUNCTION public.request_cancel(p_generation_id text, p_by text)
 RETURNS TABLE(state text, first boolean)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
#variable_conflict use_column
DECLARE g generations := lock_generation(p_generation_id);
BEGIN
  IF g.state IN ('requested', 'held') AND g.cancel_requested_at IS NULL THEN
    UPDATE generations gen SET cancel_requested_at = clock_timestamp() WHERE gen.id = p_generation_id;
    PERFORM append_event(p_generation_id, 'cancel_requested', jsonb_build_object('by', p_by));
    RETURN QUERY SELECT g.state, true;
  ELSE
    RETURN QUERY SELECT g.state, false;
  END IF;
END $function$;
GRANT EXECUTE ON FUNCTION request_cancel(text,text) TO holdfast_service;

CREATE OR REPLACE FUNCTION public.return_spending()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
BEGIN
  -- Never below 0, so that it never raises: a limit must not be what keeps a hold from being settled.
  UPDATE api_key_spending s SET
    day_microcredits = CASE WHEN s.day = (h.placed_at AT TIME ZONE 'UTC')::date
      THEN greatest(0, s.day_microcredits - (h.amount_microcredits - COALESCE(NEW.charged_amount_microcredits, 0))) ELSE s.day_microcredits END,
    month_microcredits = CASE WHEN s.month = date_trunc('month', h.placed_at AT TIME ZONE 'UTC')::date
      THEN greatest(0, s.month_microcredits - (h.amount_microcredits - COALESCE(NEW.charged_amount_microcredits, 0))) ELSE s.month_microcredits END
  FROM holds h WHERE h.generation_id = NEW.id AND s.api_key_id = NEW.limited_key;
  RETURN NULL;
END $function$;

CREATE OR REPLACE FUNCTION public.rotate_webhook_secret(p_account_id text, p_id text, p_secret text)
 RETURNS timestamp with time zone
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
DECLARE
  valid_until timestamptz;
BEGIN
  IF lock_webhook_endpoint(p_account_id, p_id) THEN
    UPDATE webhook_secrets SET secret = p_secret, previous_secret = secret, previous_valid_until = clock_timestamp() + interval '24 hours'
      WHERE account_id = p_account_id AND endpoint_id = p_id RETURNING previous_valid_until INTO valid_until;
  END IF;
  RETURN valid_until;
END $function$;
GRANT EXECUTE ON FUNCTION rotate_webhook_secret(text,text,text) TO holdfast_service;

CREATE OR REPLACE FUNCTION public.set_account_frozen(p_account_id text, p_frozen boolean, p_reason text, p_key text)
 RETURNS TABLE(outcome text, replayed boolean)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
#variable_conflict use_column
DECLARE
  account accounts;
  earlier account_operations;
  operation text := CASE WHEN p_frozen THEN 'freeze' ELSE 'unfreeze' END;
  answer text;
BEGIN
  SELECT * INTO account FROM accounts a WHERE a.id = p_account_id FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RETURN QUERY SELECT 'unknown_account', false; RETURN;
  END IF;
  SELECT * INTO earlier FROM account_operations o WHERE o.account_id = p_account_id AND o.key = p_key;
  IF FOUND THEN
    IF (earlier.kind, earlier.reason) IS DISTINCT FROM (operation, p_reason) THEN
      RETURN QUERY SELECT 'key_reused', false; RETURN;
    END IF;
    -- A late repeat of a freeze doesn't freeze again what was let go since.
    RETURN QUERY SELECT earlier.outcome, true; RETURN;
  END IF;
  answer := CASE
    WHEN p_frozen THEN CASE WHEN account.frozen_at IS NULL THEN 'frozen' ELSE 'already_frozen' END
    ELSE CASE WHEN account.frozen_at IS NULL THEN 'not_frozen' ELSE 'unfrozen' END END;
  IF answer IN ('frozen', 'unfrozen') THEN
    UPDATE accounts a SET frozen_at = CASE WHEN p_frozen THEN clock_timestamp() END WHERE a.id = p_account_id;
  END IF;
  INSERT INTO account_operations (account_id, key, kind, reason, outcome) VALUES (p_account_id, p_key, operation, p_reason, answer);
  RETURN QUERY SELECT answer, false;
END $function$;
GRANT EXECUTE ON FUNCTION set_account_frozen(text,boolean,text,text) TO holdfast_service;

CREATE OR REPLACE FUNCTION public.set_price(p_model text, p_size text, p_cost_per_second bigint, p_margin_basis_points integer, p_effective_from timestamp with time zone, p_key text)
 RETURNS TABLE(outcome text, price_id bigint, effective_from timestamp with time zone, replayed boolean)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
#variable_conflict use_column
DECLARE
  price prices;
  recorded timestamptz := clock_timestamp();
BEGIN
  -- Two callers with one key: the second waits here, and then finds the first one's row.
  PERFORM pg_advisory_xact_lock(hashtextextended('price ' || p_key, 0));
  SELECT * INTO price FROM prices p WHERE p.key = p_key;
  IF FOUND THEN
    IF (price.model, price.size, price.provider_cost_microcredits_per_second, price.margin_basis_points, price.effective_from)
       IS DISTINCT FROM (p_model, p_size, p_cost_per_second, p_margin_basis_points, COALESCE(p_effective_from, price.recorded_at)) THEN
      RETURN QUERY SELECT 'key_reused', NULL::bigint, NULL::timestamptz, false; RETURN;
    END IF;
    RETURN QUERY SELECT 'set', price.id, price.effective_from, true; RETURN;
  END IF;
  IF p_effective_from < recorded THEN
    RETURN QUERY SELECT 'in_the_past', NULL::bigint, NULL::timestamptz, false; RETURN;
  END IF;
  INSERT INTO prices AS p (model, size, provider_cost_microcredits_per_second, margin_basis_points, effective_from, key, recorded_at)
    VALUES (p_model, p_size, p_cost_per_second, p_margin_basis_points, COALESCE(p_effective_from, recorded), p_key, recorded)
    ON CONFLICT (model, size, effective_from) DO NOTHING RETURNING * INTO price;
  IF NOT FOUND THEN
    RETURN QUERY SELECT 'already_set', NULL::bigint, NULL::timestamptz, false; RETURN;
  END IF;
  RETURN QUERY SELECT 'set', price.id, price.effective_from, false;
END $function$;
GRANT EXECUTE ON FUNCTION set_price(text,text,bigint,integer,timestamp with time zone,text) TO holdfast_service;

CREATE OR REPLACE FUNCTION public.set_text_price(p_model text, p_input_cost bigint, p_output_cost bigint, p_margin_basis_points integer, p_effective_from timestamp with time zone, p_key text)
 RETURNS TABLE(outcome text, price_id bigint, effective_from timestamp with time zone, replayed boolean)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
#variable_conflict use_column
DECLARE
  price text_prices;
  recorded timestamptz := clock_timestamp();
BEGIN
  -- Two callers with one key: the second waits here, and then finds the first one's row.
  PERFORM pg_advisory_xact_lock(hashtextextended('text price ' || p_key, 0));
  SELECT * INTO price FROM text_prices p WHERE p.key = p_key;
  IF FOUND THEN
    IF (price.model, price.input_cost_microcredits_per_million_tokens, price.output_cost_microcredits_per_million_tokens, price.margin_basis_points, price.effective_from)
       IS DISTINCT FROM (p_model, p_input_cost, p_output_cost, p_margin_basis_points, COALESCE(p_effective_from, price.recorded_at)) THEN
      RETURN QUERY SELECT 'key_reused', NULL::bigint, NULL::timestamptz, false; RETURN;
    END IF;
    RETURN QUERY SELECT 'set', price.id, price.effective_from, true; RETURN;
  END IF;
  IF p_effective_from < recorded THEN
    RETURN QUERY SELECT 'in_the_past', NULL::bigint, NULL::timestamptz, false; RETURN;
  END IF;
  INSERT INTO text_prices AS p (model, input_cost_microcredits_per_million_tokens, output_cost_microcredits_per_million_tokens,
      margin_basis_points, effective_from, key, recorded_at)
    VALUES (p_model, p_input_cost, p_output_cost, p_margin_basis_points, COALESCE(p_effective_from, recorded), p_key, recorded)
    ON CONFLICT (model, effective_from) DO NOTHING RETURNING * INTO price;
  IF NOT FOUND THEN
    RETURN QUERY SELECT 'already_set', NULL::bigint, NULL::timestamptz, false; RETURN;
  END IF;
  RETURN QUERY SELECT 'set', price.id, price.effective_from, false;
END $function$;
GRANT EXECUTE ON FUNCTION set_text_price(text,bigint,bigint,integer,timestamp with time zone,text) TO holdfast_service;

CREATE OR REPLACE FUNCTION public.settle_generation(p_generation_id text, p_reason text, p_charge_microcredits bigint DEFAULT NULL::bigint)
 RETURNS TABLE(result text, credits_charged boolean, settlement_reason text, error_code text, time_left_ms bigint)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
#variable_conflict use_column
DECLARE
  g generations := lock_generation(p_generation_id);
  hold holds;
  account accounts;
  refused create_attempts;
  -- Of a text, what was billed or delivered; the caller has no say in it.
  due bigint := CASE WHEN g.kind <> 'video' THEN text_charge(p_generation_id) ELSE COALESCE(p_charge_microcredits, g.amount_microcredits) END;
  asked text := CASE WHEN p_reason = 'completed' AND due = 0 THEN 'nothing_to_charge' ELSE p_reason END;
  charge boolean := asked = 'completed';
  charged bigint := CASE WHEN asked = 'completed' THEN due END;
  proven boolean;
  code text;
  message text;
  finished boolean;
  settled timestamptz := clock_timestamp();
BEGIN
  IF g.state IN ('charged', 'refunded') THEN
    IF (g.settlement_reason, g.charged_amount_microcredits) IS DISTINCT FROM (asked, charged) THEN
      PERFORM append_event(p_generation_id, 'settlement_conflict', jsonb_strip_nulls(jsonb_build_object(
        'asked', asked, 'asked_microcredits', p_charge_microcredits, 'stands', g.settlement_reason)));
      RETURN QUERY SELECT 'conflict', g.credits_charged, g.settlement_reason, g.error_code, NULL::bigint; RETURN;
    END IF;
    RETURN QUERY SELECT 'settled', g.credits_charged, g.settlement_reason, g.error_code, NULL::bigint; RETURN;
  END IF;
  IF g.state <> 'held' THEN
    RAISE EXCEPTION 'generation % is %, not held', p_generation_id, g.state USING ERRCODE = 'HF002';
  END IF;
  IF p_charge_microcredits IS NOT NULL AND (p_reason <> 'completed' OR p_charge_microcredits < 0 OR g.kind <> 'video') THEN
    RAISE EXCEPTION 'only a capture of a video charges a part, and never less than 0' USING ERRCODE = '22003';
  END IF;
  IF charged > g.amount_microcredits THEN
    RAISE EXCEPTION 'generation % holds less than that', p_generation_id USING ERRCODE = 'HF006';
  END IF;
  IF p_reason = 'emergency' AND g.provider_verdict IN ('completed', 'failed') THEN
    -- The provider's last word goes first: only what can't be recorded even now is an emergency.
    BEGIN
      RETURN QUERY SELECT * FROM settle_generation(p_generation_id, CASE g.provider_verdict WHEN 'completed' THEN 'completed' ELSE 'provider_failed' END);
      RETURN;
    EXCEPTION WHEN integrity_constraint_violation OR data_exception OR raise_exception OR SQLSTATE 'HF004' OR SQLSTATE 'HF005' THEN
      NULL;
    END;
  END IF;
  SELECT * INTO STRICT hold FROM holds h WHERE h.generation_id = p_generation_id FOR NO KEY UPDATE;

  IF p_reason = 'expired' AND (g.provider_verdict IN ('completed', 'failed') OR g.claim_of IS NOT NULL AND claim_is_ready(g)) THEN
    RETURN QUERY SELECT 'terminal', g.claim_of IS NOT NULL OR g.provider_verdict = 'completed', NULL::text, g.provider_error_code, NULL::bigint; RETURN;
  END IF;
  IF p_reason = 'expired' AND hold.expires_at > settled THEN
    RETURN QUERY SELECT 'not_due', NULL::boolean, NULL::text, NULL::text, milliseconds_until(hold.expires_at); RETURN;
  END IF;
  IF p_reason = 'expired' AND g.kind <> 'video' AND close_text(p_generation_id) THEN
    -- Its writer is gone; what it delivered is charged.
    RETURN QUERY SELECT 'terminal', true, NULL::text, NULL::text, NULL::bigint; RETURN;
  END IF;
  IF p_reason = 'create_refused' THEN
    SELECT * INTO refused FROM create_attempts a WHERE a.generation_id = p_generation_id AND a.outcome = 'refused';
  END IF;
  proven := CASE asked
    WHEN 'completed' THEN CASE WHEN g.claim_of IS NULL THEN g.provider_verdict = 'completed' ELSE claim_is_ready(g) END
    WHEN 'nothing_to_charge' THEN g.provider_verdict = 'completed'
    WHEN 'provider_failed' THEN g.provider_verdict = 'failed'
    WHEN 'create_refused' THEN refused.number IS NOT NULL AND g.provider_video_id IS NULL
    WHEN 'provider_unavailable' THEN g.claim_of IS NULL AND g.provider_verdict IS NULL
      AND NOT EXISTS (SELECT FROM create_attempts a WHERE a.generation_id = p_generation_id AND a.outcome IS NULL)
    -- Before the first create that may have made anything; later the provider's last word settles it.
    WHEN 'cancelled' THEN g.claim_of IS NULL AND g.cancel_requested_at IS NOT NULL AND nothing_made(p_generation_id)
    WHEN 'create_failed' THEN g.provider_video_id IS NULL AND creates_spent(p_generation_id)
      AND NOT EXISTS (SELECT FROM create_attempts a WHERE a.generation_id = p_generation_id AND a.outcome IS NULL)
    WHEN 'expired' THEN true
    -- Nothing else could be written for ten minutes; record_settlement_refusal has the time.
    WHEN 'emergency' THEN g.settlement_refused_at <= settled - interval '10 minutes'
    ELSE false END;
  IF proven IS NOT TRUE THEN
    RAISE EXCEPTION 'nothing proves "%" for generation %', p_reason, p_generation_id USING ERRCODE = 'HF003';
  END IF;

  IF NOT charge THEN
    SELECT t.code, t.message INTO code, message FROM (VALUES
      ('nothing_to_charge', 'nothing_delivered', 'Nothing was delivered, so nothing was charged.'),
      ('provider_failed', COALESCE(g.provider_error_code, 'generation_failed'), g.provider_error_message),
      ('create_refused', COALESCE(refused.error_code, 'invalid_request'), refused.error_message),
      ('provider_unavailable', 'provider_unavailable', 'The provider could not take this request in time.'),
      ('cancelled', 'cancelled', 'It was cancelled before the provider began.'),
      ('create_failed', 'create_failed', 'It could not be started at the provider.'),
      ('expired', 'generation_timeout', 'It was not finished in time.'),
      ('emergency', 'settlement_failed', 'Its outcome could not be recorded.')
    ) AS t (reason, code, message) WHERE t.reason = asked;
  END IF;
  -- Released while the provider may still be at work: it counts against the cap until its end is known.
  finished := charge OR is_finished(g);

  UPDATE holds h SET state = CASE WHEN charge THEN 'captured' ELSE 'released' END, settled_at = settled WHERE h.id = hold.id;
  UPDATE generations gen SET
    state = CASE WHEN charge THEN 'charged' ELSE 'refunded' END,
    credits_charged = charge,
    charged_amount_microcredits = charged,
    charged_at = settled,
    settlement_reason = asked,
    error_code = code,
    error_message = message,
    -- By the provider's clock only where that fits into the time that we saw pass.
    duration_ms = CASE WHEN charge THEN extract(epoch FROM CASE
      WHEN g.provider_completed_at - g.provider_created_at BETWEEN interval '0' AND settled - hold.placed_at
        THEN g.provider_completed_at - g.provider_created_at
      ELSE settled - hold.placed_at END) * 1000 END,
    counts_as_active = g.counts_as_active AND NOT finished,
    -- An emergency took back what was complete: its owner may have it after all.
    claimable_until = CASE WHEN asked = 'emergency' AND g.kind = 'video' AND g.provider_verdict = 'completed' THEN settled + interval '24 hours' ELSE gen.claimable_until END,
    event_sequence = g.event_sequence + 1
  WHERE gen.id = p_generation_id;
  INSERT INTO generation_events (generation_id, sequence, kind, data)
    VALUES (p_generation_id, g.event_sequence + 1, CASE WHEN charge THEN 'charged' ELSE 'refunded' END,
      jsonb_build_object('reason', asked, 'code', code, 'amount_microcredits', COALESCE(charged, hold.amount_microcredits)));
  -- The account comes last: others of the same tenant wait for its row until the commit.
  UPDATE accounts a SET
    held_microcredits = a.held_microcredits - hold.amount_microcredits,
    available_microcredits = a.available_microcredits + hold.amount_microcredits - COALESCE(charged, 0),
    active_generations = a.active_generations - CASE WHEN finished AND g.counts_as_active THEN 1 ELSE 0 END
  WHERE a.id = hold.account_id RETURNING * INTO account;
  PERFORM post_transaction(p_generation_id || ':settle', CASE WHEN charge THEN 'capture' ELSE 'release' END, account,
    p_generation_id, COALESCE(charged, hold.amount_microcredits), asked, hold.amount_microcredits - COALESCE(charged, 0), -hold.amount_microcredits, 0, COALESCE(charged, 0));
  RETURN QUERY SELECT 'settled', charge, asked, code, NULL::bigint;
END $function$;
GRANT EXECUTE ON FUNCTION settle_generation(text,text,bigint) TO holdfast_service;

CREATE OR REPLACE FUNCTION public.spend_within_limits(p_key api_keys, p_amount bigint, p_at timestamp with time zone)
 RETURNS boolean
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
DECLARE
  today date := (p_at AT TIME ZONE 'UTC')::date;
  this_month date := date_trunc('month', p_at AT TIME ZONE 'UTC')::date;
BEGIN
  INSERT INTO api_key_spending (api_key_id, account_id, day, month)
    VALUES (COALESCE(p_key.spends_as, p_key.id), p_key.account_id, today, this_month) ON CONFLICT DO NOTHING;
  UPDATE api_key_spending s SET
    day = today, day_microcredits = CASE WHEN s.day = today THEN s.day_microcredits ELSE 0 END + p_amount,
    month = this_month, month_microcredits = CASE WHEN s.month = this_month THEN s.month_microcredits ELSE 0 END + p_amount
  WHERE s.api_key_id = COALESCE(p_key.spends_as, p_key.id)
    AND CASE WHEN s.day = today THEN s.day_microcredits ELSE 0 END + p_amount <= COALESCE(p_key.daily_limit_microcredits, 9007199254740991)
    AND CASE WHEN s.month = this_month THEN s.month_microcredits ELSE 0 END + p_amount <= COALESCE(p_key.monthly_limit_microcredits, 9007199254740991);
  RETURN FOUND;
END $function$;

CREATE OR REPLACE FUNCTION public.stop_following(p_generation_id text)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
DECLARE g generations := lock_generation(p_generation_id);
BEGIN
  IF g.state <> 'refunded' OR NOT g.counts_as_active OR g.charged_at > clock_timestamp() - interval '24 hours' THEN
    RETURN false;
  END IF;
  UPDATE generations SET counts_as_active = false WHERE id = p_generation_id;
  PERFORM append_event(p_generation_id, 'follow_ended', '{}');
  UPDATE accounts SET active_generations = active_generations - 1 WHERE id = g.account_id;
  RETURN true;
END $function$;
GRANT EXECUTE ON FUNCTION stop_following(text) TO holdfast_service;

CREATE OR REPLACE FUNCTION public.text_charge(p_generation_id text)
 RETURNS bigint
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
  SELECT CASE WHEN t.output = '' THEN 0 ELSE least(g.amount_microcredits, text_price_microcredits(
      p.input_cost_microcredits_per_million_tokens, p.output_cost_microcredits_per_million_tokens, p.margin_basis_points,
      CASE WHEN t.output_tokens > 0 THEN t.input_tokens ELSE t.input_bound_tokens END,
      CASE WHEN t.output_tokens > 0 THEN t.output_tokens ELSE least(t.max_output_tokens, octet_length(t.output)) END))::bigint END
  FROM texts t JOIN generations g ON g.id = t.generation_id JOIN text_prices p ON p.id = t.text_price_id
  WHERE t.generation_id = p_generation_id
$function$;

CREATE OR REPLACE FUNCTION public.text_price_microcredits(p_input_cost bigint, p_output_cost bigint, p_margin_basis_points integer, p_input_tokens bigint, p_output_tokens bigint)
 RETURNS numeric
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
  SELECT ceil((p_input_cost::numeric * p_input_tokens + p_output_cost::numeric * p_output_tokens) * 10000
    / (1000000 * (10000 - p_margin_basis_points)::numeric))
$function$;
GRANT EXECUTE ON FUNCTION text_price_microcredits(bigint,bigint,integer,bigint,bigint) TO holdfast_service;

CREATE OR REPLACE FUNCTION public.void_generation(p_generation_id text)
 RETURNS TABLE(state text, refusal_code text)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
#variable_conflict use_column
DECLARE g generations := lock_generation(p_generation_id);
BEGIN
  IF g.state = 'requested' THEN
    UPDATE generations gen SET state = 'voided', refusal_code = 'voided' WHERE gen.id = p_generation_id RETURNING * INTO g;
    PERFORM append_event(p_generation_id, 'voided', '{}');
  END IF;
  RETURN QUERY SELECT g.state, g.refusal_code;
END $function$;
GRANT EXECUTE ON FUNCTION void_generation(text) TO holdfast_service;

CREATE OR REPLACE FUNCTION public.void_generation_if_late(p_generation_id text)
 RETURNS TABLE(state text)
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
DECLARE g generations := lock_generation(p_generation_id);
BEGIN
  IF g.state = 'requested' AND clock_timestamp() > g.admit_by THEN
    RETURN QUERY SELECT v.state FROM void_generation(p_generation_id) v;
  ELSE
    RETURN QUERY SELECT g.state;
  END IF;
END $function$;

CREATE OR REPLACE FUNCTION public.void_late_requests(p_limit integer)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
DECLARE
  late text;
  voided integer := 0;
BEGIN
  FOR late IN SELECT id FROM generations WHERE state = 'requested' AND admit_by < clock_timestamp()
      ORDER BY admit_by LIMIT p_limit FOR NO KEY UPDATE SKIP LOCKED LOOP
    IF (SELECT v.state = 'voided' FROM void_generation_if_late(late) v) THEN voided := voided + 1; END IF;
  END LOOP;
  RETURN voided;
END $function$;
GRANT EXECUTE ON FUNCTION void_late_requests(integer) TO holdfast_service;

CREATE OR REPLACE FUNCTION public.webhook_to_send(p_account_id text, p_endpoint_id text, p_event_id text)
 RETURNS TABLE(url text, secrets text[], type text, generation_id text, occurred_at timestamp with time zone)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
#variable_conflict use_column
DECLARE
  delivery webhook_deliveries;
  endpoint webhook_endpoints;
BEGIN
  SELECT * INTO delivery FROM webhook_deliveries d
    WHERE d.account_id = p_account_id AND d.endpoint_id = p_endpoint_id AND d.event_id = p_event_id AND d.state = 'pending';
  IF NOT FOUND THEN
    RETURN;
  END IF;
  SELECT * INTO STRICT endpoint FROM webhook_endpoints e WHERE e.account_id = p_account_id AND e.id = p_endpoint_id;
  IF endpoint.deleted_at IS NOT NULL OR endpoint.disabled_at IS NOT NULL THEN
    UPDATE webhook_deliveries d SET state = 'failed', next_attempt_at = NULL, last_status = NULL,
        last_error = CASE WHEN endpoint.deleted_at IS NULL THEN 'the endpoint is disabled' ELSE 'the endpoint was deleted' END
      WHERE d.account_id = p_account_id AND d.endpoint_id = p_endpoint_id AND d.event_id = p_event_id AND d.state = 'pending';
    RETURN;
  END IF;
  RETURN QUERY SELECT endpoint.url,
      CASE WHEN s.previous_valid_until > clock_timestamp() THEN ARRAY[s.secret, s.previous_secret] ELSE ARRAY[s.secret] END,
      delivery.type, delivery.generation_id, delivery.occurred_at
    FROM webhook_secrets s WHERE s.account_id = p_account_id AND s.endpoint_id = p_endpoint_id;
END $function$;
GRANT EXECUTE ON FUNCTION webhook_to_send(text,text,text) TO holdfast_service;

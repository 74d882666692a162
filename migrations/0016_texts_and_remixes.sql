-- Text, as paid as a video: a script or a thread is a generation with a hold of the most that it can cost, and is charged
-- what the provider billed, or, where that is not known, what was delivered at its upper bound (RULES, "Text"). And remixes:
-- a video made from another of the same account.

ALTER TABLE generations
  DROP CONSTRAINT generations_id_check,
  DROP CONSTRAINT generations_check,
  ADD COLUMN kind text NOT NULL DEFAULT 'video' CONSTRAINT generations_kind_check CHECK (kind = split_part(id, '_', 1)),
  ADD COLUMN remix_of text REFERENCES generations,
  ALTER COLUMN seconds DROP NOT NULL,
  ALTER COLUMN size DROP NOT NULL,
  ALTER COLUMN price_id DROP NOT NULL,
  ADD CONSTRAINT generations_id_check CHECK (id ~ '^(video|script|thread)_[0-9a-f]{32}$'),
  -- A text has no video and no length; its price is in `texts`.
  ADD CONSTRAINT generations_video_fields CHECK (CASE WHEN kind = 'video'
    THEN seconds IS NOT NULL AND size IS NOT NULL AND price_id IS NOT NULL AND (provider_video_id IS NULL) = (provider_verdict IS NULL)
    ELSE seconds IS NULL AND size IS NULL AND price_id IS NULL AND provider_video_id IS NULL AND claim_of IS NULL AND remix_of IS NULL END);

CREATE OR REPLACE FUNCTION guard_generation() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
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
END $$;

-- Provider's cost of the tokens ÷ (1 − margin), rounded up to the microcredit; exact throughout, and beyond any bigint.
CREATE FUNCTION text_price_microcredits(
  p_input_cost bigint, p_output_cost bigint, p_margin_basis_points integer, p_input_tokens bigint, p_output_tokens bigint
) RETURNS numeric LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT ceil((p_input_cost::numeric * p_input_tokens + p_output_cost::numeric * p_output_tokens) * 10000
    / (1000000 * (10000 - p_margin_basis_points)::numeric))
$$;

-- Versioned like prices: never edited, a later `effective_from` takes the place, each text keeps the row it was priced by.
CREATE TABLE text_prices (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  model text NOT NULL,
  input_cost_microcredits_per_million_tokens bigint NOT NULL CHECK (input_cost_microcredits_per_million_tokens BETWEEN 0 AND 1000000000000),
  output_cost_microcredits_per_million_tokens bigint NOT NULL CHECK (output_cost_microcredits_per_million_tokens BETWEEN 1 AND 1000000000000),
  margin_basis_points integer NOT NULL CHECK (margin_basis_points BETWEEN 0 AND 9999),
  effective_from timestamptz NOT NULL DEFAULT now(),
  key text CONSTRAINT text_prices_key UNIQUE CHECK (length(key) BETWEEN 1 AND 255),
  recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  recorded_by text NOT NULL DEFAULT session_user,
  UNIQUE (model, effective_from)
);
CREATE TRIGGER text_prices_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON text_prices
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE VIEW current_text_prices AS
  SELECT DISTINCT ON (model) id, model, input_cost_microcredits_per_million_tokens, output_cost_microcredits_per_million_tokens,
    margin_basis_points, effective_from
  FROM text_prices WHERE effective_from <= now() ORDER BY model, effective_from DESC;

INSERT INTO text_prices (model, input_cost_microcredits_per_million_tokens, output_cost_microcredits_per_million_tokens, margin_basis_points, effective_from)
VALUES ('gpt-4.1-mini', 400000, 1600000, 3000, 'epoch');

-- What was written, as far as it was delivered, and what it came to.
CREATE TABLE texts (
  generation_id text PRIMARY KEY REFERENCES generations,
  text_price_id bigint NOT NULL REFERENCES text_prices,
  -- The hold is for so many tokens: an upper bound of the input, and the most that may be written.
  input_bound_tokens bigint NOT NULL CHECK (input_bound_tokens > 0),
  max_output_tokens bigint NOT NULL CHECK (max_output_tokens > 0),
  output text NOT NULL DEFAULT '',
  -- As the provider billed them; NULL when it did not say.
  input_tokens bigint CHECK (input_tokens >= 0),
  output_tokens bigint CHECK (output_tokens >= 0),
  finish_reason text,
  ended_at timestamptz,
  CHECK ((input_tokens IS NULL) = (output_tokens IS NULL)),
  CHECK (ended_at IS NOT NULL OR input_tokens IS NULL)
);

CREATE FUNCTION guard_text() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF OLD.ended_at IS NOT NULL OR (OLD.generation_id, OLD.text_price_id, OLD.input_bound_tokens, OLD.max_output_tokens)
     IS DISTINCT FROM (NEW.generation_id, NEW.text_price_id, NEW.input_bound_tokens, NEW.max_output_tokens) THEN
    RAISE EXCEPTION 'a text ends once and keeps its price' USING ERRCODE = 'HF004';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER texts_guard BEFORE UPDATE ON texts FOR EACH ROW EXECUTE FUNCTION guard_text();
CREATE TRIGGER texts_kept BEFORE DELETE OR TRUNCATE ON texts FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What a text costs as far as it is delivered, never more than is held; 0 when nothing was. Where the provider
-- told no usage, or none for what it delivered, a token has at least one byte, so bytes are the upper bound of that.
CREATE FUNCTION text_charge(p_generation_id text) RETURNS bigint
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT CASE WHEN t.output = '' THEN 0 ELSE least(g.amount_microcredits, text_price_microcredits(
      p.input_cost_microcredits_per_million_tokens, p.output_cost_microcredits_per_million_tokens, p.margin_basis_points,
      CASE WHEN t.output_tokens > 0 THEN t.input_tokens ELSE t.input_bound_tokens END,
      CASE WHEN t.output_tokens > 0 THEN t.output_tokens ELSE least(t.max_output_tokens, octet_length(t.output)) END))::bigint END
  FROM texts t JOIN generations g ON g.id = t.generation_id JOIN text_prices p ON p.id = t.text_price_id
  WHERE t.generation_id = p_generation_id
$$;

-- Keeps what the provider has written so far; false when the attempt is not the open one any more: its writer stops then.
-- It never gets shorter: what was delivered was delivered.
CREATE FUNCTION record_text(p_generation_id text, p_number integer, p_output text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE g generations := lock_generation(p_generation_id);
BEGIN
  IF g.state <> 'held' OR NOT EXISTS (SELECT FROM create_attempts a
      WHERE a.generation_id = p_generation_id AND a.number = p_number AND a.outcome IS NULL) THEN
    RETURN false;
  END IF;
  UPDATE texts t SET output = p_output WHERE t.generation_id = p_generation_id AND length(p_output) >= length(t.output);
  RETURN true;
END $$;

-- Ends a text with the last of what was written and the provider's own count, NULL without one. Answers with false when the
-- attempt is not the open one.
CREATE FUNCTION end_text(
  p_generation_id text, p_number integer, p_output text, p_finish_reason text, p_input_tokens bigint, p_output_tokens bigint
) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
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
END $$;

-- Ends a text whose writer is gone by what it delivered: the call is not made again. Answers with whether it has ended,
-- now or before; false when nothing was ever asked of the provider.
CREATE FUNCTION close_text(p_generation_id text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE g generations := lock_generation(p_generation_id);
BEGIN
  RETURN g.provider_verdict IS NOT NULL OR COALESCE((SELECT end_text(p_generation_id, a.number, '', NULL, NULL, NULL)
    FROM create_attempts a WHERE a.generation_id = p_generation_id AND a.outcome IS NULL), false);
END $$;

-- As before, but what a video is remixed from is a part of it.
CREATE OR REPLACE FUNCTION lock_visible_fields(p_generation_id text) RETURNS bytea
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE visible bytea;
BEGIN
  SELECT sha256(convert_to(concat_ws(E'\x1f', g.model, g.seconds, g.size, i.prompt, g.remix_of), 'UTF8')) INTO STRICT visible
    FROM generations g LEFT JOIN inputs i ON i.generation_id = g.id WHERE g.id = p_generation_id;
  PERFORM pg_advisory_xact_lock(('x' || encode(substr(visible, 1, 8), 'hex'))::bit(64)::bigint);
  RETURN visible;
END $$;

-- A text has nothing that goes on after its end.
CREATE OR REPLACE FUNCTION is_finished(g generations) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT g.kind <> 'video' OR COALESCE(g.provider_verdict IN ('completed', 'failed'), false) OR g.provider_video_id IS NULL AND NOT EXISTS (
    SELECT FROM create_attempts a WHERE a.generation_id = g.id AND (a.outcome IS NULL OR a.outcome = 'not_found'))
$$;

DROP FUNCTION begin_create(text, text, text, bigint);
-- As before; a text that has ended is known, and a remix tells what it is made from.
CREATE FUNCTION begin_create(p_generation_id text, p_base_url text, p_credential text, p_least_ms bigint)
RETURNS TABLE (
  outcome text, number integer, provider_video_id text, error_code text,
  model text, seconds integer, size text, prompt text, reference bytea, reference_type text, reference_filename text, remixed_from text
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
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
END $$;

DROP FUNCTION admit_generation(text, text, text, text, integer, text, text, bytea, text, text, integer, bytea, text);
-- Internal: admits what has a price. With an idempotency key, the key, what it stands for and the generation are written in
-- this one transaction. outcome: 'admitted', 'account_frozen', 'insufficient_credits'; for a key that came before:
-- 'in_use' (still running), 'reused' (another body), 'too_old' (over 72 h), 'replay' (answer as kept, or by the generation).
CREATE FUNCTION admit_priced(
  p_generation_id text, p_account_id text, p_api_key_id text, p_model text, p_seconds integer, p_size text, p_price_id bigint, amount bigint,
  p_remix_of text, p_prompt text, p_reference bytea, p_reference_type text, p_reference_filename text, p_admit_within_ms integer,
  p_fingerprint bytea, p_idempotency_key text
) RETURNS TABLE (outcome text, generation_id text, amount_microcredits bigint, answer_status integer, answer jsonb)
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
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
END $$;

-- Writes the request for a video, if the account could pay for it at a glance: place_hold decides for good. A remix takes
-- model, seconds and size from its original, which is a charged and undeleted video of this account.
-- outcome: as admit_priced answers; 'unknown_model', 'unknown_size', 'unknown_original'.
CREATE FUNCTION admit_generation(
  p_generation_id text, p_account_id text, p_api_key_id text, p_model text, p_seconds integer, p_size text, p_remix_of text,
  p_prompt text, p_reference bytea, p_reference_type text, p_reference_filename text, p_admit_within_ms integer,
  p_fingerprint bytea, p_idempotency_key text
) RETURNS TABLE (outcome text, generation_id text, amount_microcredits bigint, answer_status integer, answer jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
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
END $$;

-- The same for a text, at the most that so many tokens can cost. outcome: as admit_priced answers; 'unknown_model'.
CREATE FUNCTION admit_text(
  p_generation_id text, p_account_id text, p_api_key_id text, p_model text, p_input_bound_tokens bigint, p_max_output_tokens bigint,
  p_prompt text, p_admit_within_ms integer, p_fingerprint bytea, p_idempotency_key text
) RETURNS TABLE (outcome text, generation_id text, amount_microcredits bigint, answer_status integer, answer jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
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
END $$;

-- As before, but a text is charged by its own record, and one whose writer is gone is closed by what it delivered.
CREATE OR REPLACE FUNCTION settle_generation(p_generation_id text, p_reason text, p_charge_microcredits bigint DEFAULT NULL)
RETURNS TABLE (result text, credits_charged boolean, settlement_reason text, error_code text, time_left_ms bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
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
END $$;

DROP FUNCTION keep_answer(text, text, integer, jsonb);
-- Keeps the answer of a request that came with an idempotency key; the first one stands. Never for another generation than
-- this one: a refusal that is told late must not be the answer to a later request that was accepted under the same key.
CREATE FUNCTION keep_answer(p_account_id text, p_key text, p_status integer, p_answer jsonb, p_generation_id text DEFAULT NULL) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  UPDATE idempotency_keys SET answer_status = p_status, answer = p_answer
  WHERE account_id = p_account_id AND key = p_key AND answer IS NULL
    AND (p_generation_id IS NULL OR generation_id IS NULL OR generation_id = p_generation_id)
$$;

GRANT SELECT ON text_prices, current_text_prices, texts TO holdfast_service;
GRANT EXECUTE ON FUNCTION keep_answer, begin_create, admit_generation, admit_text, record_text, end_text, close_text, text_price_microcredits TO holdfast_service;

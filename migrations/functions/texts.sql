-- What was written, as far as it was delivered, and what it comes to.

CREATE FUNCTION guard_text() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, holdfast, pg_temp AS $$
BEGIN
  -- Of a deleted one what was written is erased, and nothing else changes.
  IF NEW.output = '' AND is_deleted(OLD.generation_id) AND to_jsonb(NEW) - 'output' = to_jsonb(OLD) - 'output' THEN
    RETURN NEW;
  END IF;
  IF OLD.ended_at IS NOT NULL OR (OLD.generation_id, OLD.text_price_id, OLD.input_bound_tokens, OLD.max_output_tokens)
     IS DISTINCT FROM (NEW.generation_id, NEW.text_price_id, NEW.input_bound_tokens, NEW.max_output_tokens) THEN
    RAISE EXCEPTION 'a text ends once and keeps its price' USING ERRCODE = 'HF004';
  END IF;
  RETURN NEW;
END $$;
COMMENT ON FUNCTION guard_text IS
$$Trigger: a text ends once and keeps its price. Only what was written is erased later, with a deleted generation.
Raises HF004.
Rules: MR-42, MR-61, MR-96.$$;
CREATE TRIGGER texts_guard BEFORE UPDATE ON texts FOR EACH ROW EXECUTE FUNCTION guard_text();
CREATE TRIGGER texts_kept BEFORE DELETE OR TRUNCATE ON texts FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION text_charge(p_generation_id text) RETURNS bigint
LANGUAGE sql STABLE SET search_path = pg_catalog, holdfast, pg_temp AS $$
  SELECT CASE WHEN t.output = '' THEN 0 ELSE least(g.amount_microcredits, text_price_microcredits(
      p.input_cost_microcredits_per_million_tokens, p.output_cost_microcredits_per_million_tokens, p.margin_basis_points,
      CASE WHEN t.output_tokens > 0 THEN t.input_tokens ELSE t.input_bound_tokens END,
      CASE WHEN t.output_tokens > 0 THEN t.output_tokens ELSE least(t.max_output_tokens, octet_length(t.output)) END))::bigint END
  FROM texts t JOIN generations g ON g.id = t.generation_id JOIN text_prices p ON p.id = t.text_price_id
  WHERE t.generation_id = p_generation_id
$$;
COMMENT ON FUNCTION text_charge IS
$$Internal. What a text costs as far as it was delivered, never more than is held; 0 when nothing was delivered. Where the
provider told no usage, or none for what it delivered, bytes are the upper bound, because a token has at least one byte.
Rules: MR-8, MR-60, MR-61, MR-91.$$;

CREATE FUNCTION keep_text(p_generation_id text, p_number integer, p_output text) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, holdfast, pg_temp AS $$
DECLARE g generations := lock_generation(p_generation_id);
BEGIN
  IF g.state <> 'held' OR NOT EXISTS (SELECT FROM provider_attempts a
      WHERE a.generation_id = p_generation_id AND a.number = p_number AND a.outcome IS NULL) THEN
    RETURN false;
  END IF;
  UPDATE texts t SET output = p_output WHERE t.generation_id = p_generation_id AND length(p_output) >= length(t.output);
  RETURN true;
END $$;
COMMENT ON FUNCTION keep_text IS
$$Internal. Keeps what the provider has written so far; false when the attempt is no longer the open one. It never gets shorter:
what was delivered was delivered.
Raises HF001.
Rules: MR-61.$$;

CREATE FUNCTION record_text(p_generation_id text, p_number integer, p_output text, p_lease_ms integer) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, holdfast, pg_temp AS $$
BEGIN
  IF NOT keep_text(p_generation_id, p_number, p_output) THEN
    RETURN false;
  END IF;
  UPDATE provider_attempts a
    SET lease_ms = p_lease_ms, lease_until = clock_timestamp() + p_lease_ms * interval '1 millisecond', last_called = false
    WHERE a.generation_id = p_generation_id AND a.number = p_number;
  RETURN true;
END $$;
COMMENT ON FUNCTION record_text IS
$$Keeps what was written so far, for the attempt's writer, who takes or renews its lease by it: for so long nobody takes the
writer for dead. Answered with false the writer stops; before the first true it sends nothing to the provider.
Raises HF001.
Rules: MR-61, MR-62, MR-63.$$;

CREATE FUNCTION end_text(
  p_generation_id text, p_number integer, p_output text, p_finish_reason text, p_input_tokens bigint, p_output_tokens bigint
) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, holdfast, pg_temp AS $$
BEGIN
  IF NOT keep_text(p_generation_id, p_number, p_output) THEN
    RETURN false;
  END IF;
  UPDATE provider_attempts a SET outcome = 'created', ended_at = clock_timestamp()
    WHERE a.generation_id = p_generation_id AND a.number = p_number AND a.outcome IS NULL;
  IF (p_input_tokens >= 0 AND p_output_tokens >= 0) IS NOT TRUE THEN
    -- Half a count, or none: the text ends all the same, and is charged as one without usage.
    p_input_tokens := NULL;
    p_output_tokens := NULL;
  END IF;
  UPDATE texts t SET finish_reason = p_finish_reason, input_tokens = p_input_tokens, output_tokens = p_output_tokens,
      ended_at = clock_timestamp() WHERE t.generation_id = p_generation_id;
  UPDATE generations SET provider_verdict = 'completed', provider_status = COALESCE(p_finish_reason, 'broken_off'), last_look_at = clock_timestamp()
    WHERE id = p_generation_id;
  PERFORM append_event(p_generation_id, 'text_ended', jsonb_build_object('finish_reason', p_finish_reason,
    'input_tokens', p_input_tokens, 'output_tokens', p_output_tokens,
    'is_empty', (SELECT t.output = '' FROM texts t WHERE t.generation_id = p_generation_id)));
  RETURN true;
END $$;
COMMENT ON FUNCTION end_text IS
$$Ends a text with the last of what was written and the provider's own count; half a count, or none, is charged as a text
without usage. Answers with false when the attempt is not the open one.
Raises HF001.
Rules: MR-61, MR-91.$$;

CREATE FUNCTION close_text(p_generation_id text) RETURNS TABLE (outcome text, wait_ms bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, holdfast, pg_temp AS $$
#variable_conflict use_column
DECLARE
  g generations := lock_generation(p_generation_id);
  writing provider_attempts;
  asked timestamptz := clock_timestamp();
BEGIN
  IF g.provider_verdict IS NOT NULL THEN
    RETURN QUERY SELECT 'ended', NULL::bigint; RETURN;
  END IF;
  SELECT * INTO writing FROM provider_attempts a WHERE a.generation_id = p_generation_id AND a.outcome IS NULL;
  IF NOT FOUND THEN
    RETURN QUERY SELECT 'not_asked', NULL::bigint; RETURN;
  END IF;
  IF writing.lease_until IS NULL THEN
    -- The lease comes before the call, and can't be taken any more: nothing was sent, and nothing will be.
    PERFORM end_attempt(p_generation_id, writing.number, 'not_made', NULL, NULL, NULL, 'not_sent', 'its writer was gone before the call');
    RETURN QUERY SELECT 'not_asked', NULL::bigint; RETURN;
  END IF;
  -- A lease that ends later than it is long is of a clock that was set back since.
  IF writing.lease_until BETWEEN asked AND asked + writing.lease_ms * interval '1 millisecond' THEN
    RETURN QUERY SELECT 'writing', milliseconds_until(writing.lease_until); RETURN;
  END IF;
  IF NOT writing.last_called THEN
    UPDATE provider_attempts a SET lease_until = asked + a.lease_ms * interval '1 millisecond', last_called = true
      WHERE a.generation_id = p_generation_id AND a.number = writing.number;
    RETURN QUERY SELECT 'writing', writing.lease_ms::bigint; RETURN;
  END IF;
  RETURN QUERY SELECT CASE WHEN end_text(p_generation_id, writing.number, '', NULL, NULL, NULL) THEN 'ended' ELSE 'not_asked' END, NULL::bigint;
END $$;
COMMENT ON FUNCTION close_text IS
$$Ends a text whose writer is gone by what it delivered: the call is not made again. A writer that could not renew its lease
while the database was away is given one lease more.
outcome: 'ended', now or before; 'writing' (its writer may be alive; wait_ms says when to ask again); 'not_asked' (the provider
has nothing of it).
Raises HF001.
Rules: MR-61, MR-62, MR-63.$$;

GRANT SELECT ON texts, text_requests TO holdfast_service;
GRANT EXECUTE ON FUNCTION record_text, end_text, close_text TO holdfast_service;

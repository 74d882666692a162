-- Requests that come again: by their idempotency key, or as an SDK's own retry, which has none.

CREATE FUNCTION hand_out_again(p_api_key_id text, p_fingerprint bytea, p_within_ms integer) RETURNS generations
LANGUAGE plpgsql SET search_path = pg_catalog, holdfast, pg_temp AS $$
DECLARE g generations;
BEGIN
  LOOP
    SELECT * INTO g FROM generations gen
      WHERE gen.api_key_id = p_api_key_id AND gen.fingerprint = p_fingerprint AND gen.known_at IS NULL
        AND gen.state IN ('requested', 'held', 'charged', 'released')
        AND gen.handed_out_at > clock_timestamp() - p_within_ms * interval '1 millisecond'
        -- A call's tries all have its key, or none has one.
        AND NOT EXISTS (SELECT FROM idempotency_keys k WHERE k.generation_id = gen.id)
      ORDER BY gen.replays, gen.handed_out_at, gen.id LIMIT 1;
    IF NOT FOUND THEN
      RETURN NULL;
    END IF;
    UPDATE generations gen SET replays = gen.replays + 1, handed_out_at = clock_timestamp()
      WHERE gen.id = g.id AND gen.known_at IS NULL AND gen.state IN ('requested', 'held', 'charged', 'released') RETURNING * INTO g;
    -- Else it was named, refused or given up while this waited for its row: another may be meant.
    IF FOUND THEN
      RETURN g;
    END IF;
  END LOOP;
END $$;
COMMENT ON FUNCTION hand_out_again IS
$$Internal. The generation that an SDK's retry means: of this API key and body, handed out within this time, without an idempotency
key of its own, and not named by a later request of the API key. Equal requests in flight are handed out in turn, each once before any twice; of these the one that
was handed out first, because its client had the most time to name it. NULL when there is none.
Rules: MR-88, MR-89.$$;

CREATE FUNCTION find_repeat(
  p_account_id text, p_api_key_id text, p_fingerprint bytea, p_idempotency_key text, p_retry_within_ms integer
) RETURNS TABLE (outcome text, generation_id text, amount_microcredits bigint, answer_status integer, answer jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, holdfast, pg_temp AS $$
#variable_conflict use_column
DECLARE
  earlier idempotency_keys;
  g generations;
  earlier_state text;
BEGIN
  IF p_idempotency_key IS NULL THEN
    -- Equal requests of one API key come one after the other: a retry waits here for the request that it repeats, if that is
    -- being admitted at this moment; and no two retries are handed the same generation.
    PERFORM pg_advisory_xact_lock(hashtextextended(p_api_key_id || ' ' || encode(p_fingerprint, 'hex'), 1));
    IF p_retry_within_ms IS NOT NULL THEN
      g := hand_out_again(p_api_key_id, p_fingerprint, p_retry_within_ms);
      IF g.id IS NOT NULL THEN
        RETURN QUERY SELECT CASE WHEN g.state = 'requested' THEN 'pending' ELSE 'replay' END, g.id, g.amount_microcredits, 200, NULL::jsonb;
      END IF;
    END IF;
    RETURN;
  END IF;
  -- Two callers with one key: the second waits here for the first one's transaction, and then finds its row.
  PERFORM pg_advisory_xact_lock(hashtextextended(p_account_id || ' ' || p_idempotency_key, 0));
  SELECT * INTO earlier FROM idempotency_keys k WHERE k.account_id = p_account_id AND k.key = p_idempotency_key FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  SELECT * INTO g FROM generations gen WHERE gen.id = earlier.generation_id;
  earlier_state := g.state;
  IF earlier_state = 'requested' THEN
    -- Its time to be held may be over, and its process dead: then it is void, and this request takes its place.
    SELECT v.state INTO earlier_state FROM void_generation_if_late(earlier.generation_id) v;
  END IF;
  IF earlier.created_at < clock_timestamp() - interval '72 hours' THEN
    RETURN QUERY SELECT 'too_old', NULL::text, NULL::bigint, NULL::integer, NULL::jsonb;
  ELSIF earlier.fingerprint <> p_fingerprint THEN
    RETURN QUERY SELECT 'reused', NULL::text, NULL::bigint, NULL::integer, NULL::jsonb;
  ELSIF earlier_state = 'requested' THEN
    RETURN QUERY SELECT 'in_use', earlier.generation_id, NULL::bigint, NULL::integer, NULL::jsonb;
  ELSIF earlier.answer_status IS NOT NULL OR earlier_state IN ('held', 'charged', 'released')
    OR g.refusal_code IN ('insufficient_credits', 'key_spend_limit') THEN
    RETURN QUERY SELECT 'replay', earlier.generation_id, COALESCE(g.amount_microcredits, earlier.refused_microcredits),
      COALESCE(earlier.answer_status, CASE WHEN earlier_state IN ('held', 'charged', 'released') THEN 200 ELSE 402 END), earlier.answer;
  END IF;
END $$;
COMMENT ON FUNCTION find_repeat IS
$$What a request that came before is answered with. No row: it is new, and no equal one is admitted before this transaction
ends.
outcome, of an idempotency key: 'in_use' (still running), 'reused' (another body), 'too_old' (over 72 hours), 'replay' (the
answer as kept, or made from the generation). Of an SDK's retry without a key (p_retry_within_ms): 'replay', or 'pending' while
the hold of the generation that it means is not placed.
Rules: MR-26, MR-88, MR-90.$$;

CREATE FUNCTION keep_key(p_account_id text, p_key text, p_fingerprint bytea, p_generation_id text, p_refused_microcredits bigint) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, holdfast, pg_temp AS $$
  INSERT INTO idempotency_keys (account_id, key, fingerprint, generation_id, answer_status, refused_microcredits)
    SELECT p_account_id, p_key, p_fingerprint, p_generation_id, CASE WHEN p_generation_id IS NULL THEN 402 END, p_refused_microcredits
    WHERE p_key IS NOT NULL
    ON CONFLICT (account_id, key) DO UPDATE SET generation_id = EXCLUDED.generation_id, answer_status = EXCLUDED.answer_status,
      refused_microcredits = EXCLUDED.refused_microcredits
$$;
COMMENT ON FUNCTION keep_key IS
$$Internal. Keeps what an idempotency key stands for: a generation or, without one, an amount that could not be paid.
Rules: MR-90.$$;

CREATE FUNCTION mark_known(p_generation_id text, p_api_key_id text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, holdfast, pg_temp AS $$
  UPDATE generations SET known_at = clock_timestamp() WHERE id = p_generation_id AND api_key_id = p_api_key_id AND known_at IS NULL
$$;
COMMENT ON FUNCTION mark_known IS
$$Notes, once, that the API key that asked for a generation has named it: its client knows it, and no retry means it.
Rules: MR-88.$$;

CREATE TRIGGER kept_operations_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON kept_operations
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION find_operation(p_scope text, p_key text) RETURNS TABLE (fingerprint bytea, answer jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, holdfast, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended(p_scope || ' ' || p_key, 2));
  RETURN QUERY SELECT o.fingerprint, o.answer FROM kept_operations o WHERE o.scope = p_scope AND o.key = p_key;
END $$;
COMMENT ON FUNCTION find_operation IS
$$The operation that was carried out for this key. No row: none was, and no other caller with this key learns so before this
transaction ends.
Rules: MR-90.$$;

CREATE FUNCTION keep_operation(p_scope text, p_key text, p_fingerprint bytea, p_answer jsonb) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, holdfast, pg_temp AS $$
  INSERT INTO kept_operations (scope, key, fingerprint, answer) VALUES (p_scope, p_key, p_fingerprint, p_answer)
$$;
COMMENT ON FUNCTION keep_operation IS
$$Keeps an operation and its answer under its key, in the operation's own transaction. A key that was used is a unique
violation.
Rules: MR-90.$$;

GRANT EXECUTE ON FUNCTION find_repeat, mark_known, find_operation, keep_operation TO holdfast_service;

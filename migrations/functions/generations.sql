-- A generation's row, whoever works on it: its lock, its events, its slot, and what never changes.
-- What each SQLSTATE of our own (HF001 and on) means is in store/errors.ts.

CREATE FUNCTION guard_generation() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, holdfast, pg_temp AS $$
BEGIN
  IF (OLD.id, OLD.account_id, OLD.price_id, OLD.offer_id, OLD.price_effects, OLD.provider_name, OLD.amount_microcredits, OLD.model,
      OLD.seconds, OLD.size, OLD.claim_of, OLD.remix_of)
     IS DISTINCT FROM (NEW.id, NEW.account_id, NEW.price_id, NEW.offer_id, NEW.price_effects, NEW.provider_name, NEW.amount_microcredits, NEW.model,
      NEW.seconds, NEW.size, NEW.claim_of, NEW.remix_of) THEN
    RAISE EXCEPTION 'a generation keeps what it was admitted with' USING ERRCODE = 'HF004';
  END IF;
  IF NEW.state <> OLD.state AND NOT (
     OLD.state = 'requested' AND NEW.state IN ('held', 'refused', 'voided') OR OLD.state = 'held' AND NEW.state IN ('charged', 'released')) THEN
    RAISE EXCEPTION 'a generation does not go from % to %', OLD.state, NEW.state USING ERRCODE = 'HF004';
  END IF;
  IF OLD.provider_video_id IS NOT NULL AND (NEW.provider, NEW.provider_video_id, NEW.provider_canonical_id)
     IS DISTINCT FROM (OLD.provider, OLD.provider_video_id, OLD.provider_canonical_id) THEN
    RAISE EXCEPTION 'a generation keeps its provider video' USING ERRCODE = 'HF004';
  END IF;
  IF OLD.provider_verdict IN ('completed', 'failed') AND (OLD.made_seconds, OLD.made_size, OLD.made_model, OLD.made_audio)
     IS DISTINCT FROM (NEW.made_seconds, NEW.made_size, NEW.made_model, NEW.made_audio) THEN
    RAISE EXCEPTION 'what was made is told once' USING ERRCODE = 'HF004';
  END IF;
  IF COALESCE(OLD.cancel_sent_at, NEW.cancel_sent_at) IS DISTINCT FROM NEW.cancel_sent_at
     OR COALESCE(OLD.cancel_ended_at, NEW.cancel_ended_at) IS DISTINCT FROM NEW.cancel_ended_at THEN
    RAISE EXCEPTION 'a cancel is sent once, and its answer stands' USING ERRCODE = 'HF004';
  END IF;
  IF OLD.deletion_begun_at IS NOT NULL AND NEW.deletion_begun_at IS NULL THEN
    RAISE EXCEPTION 'a deletion that has begun is not taken back' USING ERRCODE = 'HF004';
  END IF;
  IF OLD.state IN ('charged', 'released', 'refused', 'voided') AND (
     (OLD.state, OLD.credits_charged, OLD.charged_amount_microcredits, OLD.settled_at, OLD.settlement_reason, OLD.error_code, OLD.error_message)
     IS DISTINCT FROM
     (NEW.state, NEW.credits_charged, NEW.charged_amount_microcredits, NEW.settled_at, NEW.settlement_reason, NEW.error_code,
      -- It may quote the prompt, so it is erased when its owner deletes the generation.
      CASE WHEN NEW.deleted_at IS NOT NULL AND NEW.error_message IS NULL THEN OLD.error_message ELSE NEW.error_message END)) THEN
    RAISE EXCEPTION 'a generation is settled once' USING ERRCODE = 'HF004';
  END IF;
  IF OLD.deleted_at IS NOT NULL AND NEW.deleted_at IS NULL THEN
    RAISE EXCEPTION 'a deleted generation stays deleted' USING ERRCODE = 'HF004';
  END IF;
  RETURN NEW;
END $$;
COMMENT ON FUNCTION guard_generation IS
$$Trigger: a generation keeps what it was admitted with, follows its states, keeps its provider video, sends one cancel, is
settled once, and stays deleted. Its error message may be erased with its deletion, because it may quote the prompt.
Raises HF004.
Rules: MR-9, MR-41, MR-42, MR-45, MR-47, MR-85, MR-96.$$;
CREATE TRIGGER generations_guard BEFORE UPDATE ON generations FOR EACH ROW EXECUTE FUNCTION guard_generation();
CREATE TRIGGER generations_kept BEFORE DELETE OR TRUNCATE ON generations FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER generation_events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON generation_events
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION lock_generation(p_generation_id text) RETURNS generations
LANGUAGE plpgsql SET search_path = pg_catalog, holdfast, pg_temp AS $$
DECLARE g generations;
BEGIN
  SELECT * INTO g FROM generations WHERE id = p_generation_id FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no generation %', p_generation_id USING ERRCODE = 'HF001';
  END IF;
  RETURN g;
END $$;
COMMENT ON FUNCTION lock_generation IS
$$Internal. Locks and returns a generation: the first statement of every movement, because the lock order is generation, hold,
account.
Raises HF001 when there is no such generation.
Rules: MR-71.$$;

CREATE FUNCTION append_event(p_generation_id text, p_kind text, p_data jsonb) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, holdfast, pg_temp AS $$
  WITH next AS (
    UPDATE generations SET event_sequence = event_sequence + 1 WHERE id = p_generation_id RETURNING event_sequence
  )
  INSERT INTO generation_events (generation_id, sequence, kind, data) SELECT p_generation_id, event_sequence, p_kind, p_data FROM next
$$;
COMMENT ON FUNCTION append_event IS
$$Internal. Appends an event. The caller has locked the generation's row, which makes the sequence gapless.
Rules: MR-42.$$;

CREATE FUNCTION is_finished(g generations) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, holdfast, pg_temp AS $$
  SELECT g.kind <> 'video' OR COALESCE(g.provider_verdict IN ('completed', 'failed'), false) OR g.cancel_ended_at IS NOT NULL OR g.provider_video_id IS NULL AND NOT EXISTS (
    SELECT FROM provider_attempts a WHERE a.generation_id = g.id AND (a.outcome IS NULL OR a.outcome IN ('not_found', 'conflict')))
$$;
COMMENT ON FUNCTION is_finished IS
$$Internal. Whether nothing goes on at the provider any more, as far as can be known; then it need not count against the cap.
Nothing of a text goes on after its end.
Rules: MR-51, MR-84.$$;

CREATE FUNCTION free_slot(p_generation_id text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, holdfast, pg_temp AS $$
DECLARE g generations;
BEGIN
  UPDATE generations gen SET counts_as_active = false
    WHERE gen.id = p_generation_id AND gen.counts_as_active AND gen.state IN ('charged', 'released') AND is_finished(gen)
    RETURNING * INTO g;
  IF FOUND THEN
    UPDATE accounts SET active_generations = greatest(0, active_generations - 1) WHERE id = g.account_id;
  END IF;
END $$;
COMMENT ON FUNCTION free_slot IS
$$Internal. Takes a settled generation out of its account's cap once it is finished; what was learned after the settlement may
have finished it.
Rules: MR-51, MR-84.$$;

CREATE FUNCTION erase_inputs(p_generation_id text) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, holdfast, pg_temp AS $$
  DELETE FROM inputs WHERE generation_id = p_generation_id;
  DELETE FROM generation_labels WHERE generation_id = p_generation_id;
  DELETE FROM text_requests WHERE generation_id = p_generation_id
$$;
COMMENT ON FUNCTION erase_inputs IS
$$Internal. Erases what was asked for, of a video or a text, and its labels: nothing can be made of a request that was refused,
given up or deleted.
Rules: MR-95, MR-96.$$;

CREATE FUNCTION request_cancel(p_generation_id text, p_by text) RETURNS TABLE (state text, first boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, holdfast, pg_temp AS $$
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
END $$;
COMMENT ON FUNCTION request_cancel IS
$$Records, once, that the client or an operator in Temporal wants no video any more. It moves no credits: the workflow releases
the hold if nothing can have been made yet, and asks a provider that can to end its work (begin_cancel). first: whether this call recorded it.
Raises HF001.
Rules: MR-23, MR-24, MR-25, MR-81.$$;

CREATE FUNCTION is_deleted(p_generation_id text) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, holdfast, pg_temp AS $$
  SELECT EXISTS (SELECT FROM generations WHERE id = p_generation_id AND deleted_at IS NOT NULL)
$$;
COMMENT ON FUNCTION is_deleted IS
$$Internal. Whether its owner has deleted it: then what may quote the prompt may be erased and is not written any more.
Rules: MR-96.$$;

CREATE FUNCTION begin_owners_deletion(p_generation_id text, p_account_id text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, holdfast, pg_temp AS $$
BEGIN
  PERFORM lock_generation(p_generation_id);
  UPDATE generations SET deletion_begun_at = clock_timestamp()
    WHERE id = p_generation_id AND account_id = p_account_id AND state = 'charged' AND deletion_begun_at IS NULL;
END $$;
COMMENT ON FUNCTION begin_owners_deletion IS
$$Records that its owner wants a charged generation deleted, before anything of it is deleted: content that is gone from then
on is no loss to refund, however far the deletion comes.
Raises HF001.
Rules: MR-22, MR-96.$$;

CREATE FUNCTION delete_generation(p_generation_id text, p_account_id text, p_provider_keeps text DEFAULT NULL) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, holdfast, pg_temp AS $$
DECLARE g generations;
BEGIN
  -- Keys before the generation, as admission locks them. Whoever keeps an answer at this moment comes before, or finds it deleted.
  PERFORM FROM idempotency_keys WHERE generation_id = p_generation_id FOR NO KEY UPDATE;
  g := lock_generation(p_generation_id);
  IF g.account_id IS DISTINCT FROM p_account_id OR g.state NOT IN ('charged', 'released') THEN
    RETURN false;
  END IF;
  IF g.deleted_at IS NULL THEN
    UPDATE generations SET deleted_at = clock_timestamp(), error_message = NULL, provider_error_message = NULL WHERE id = p_generation_id;
    PERFORM append_event(p_generation_id, 'deleted', jsonb_strip_nulls(jsonb_build_object('provider_keeps', p_provider_keeps,
      'ended_claim', CASE WHEN g.claimable_until > clock_timestamp() AND NOT EXISTS (SELECT FROM generations claim
        WHERE claim.claim_of = p_generation_id AND claim.state IN ('requested', 'held', 'charged')) THEN true END)));
    PERFORM erase_inputs(p_generation_id);
    UPDATE texts SET output = '' WHERE generation_id = p_generation_id;
    UPDATE provider_attempts SET error_message = NULL WHERE generation_id = p_generation_id AND error_message IS NOT NULL;
    UPDATE idempotency_keys SET answer = NULL WHERE generation_id = p_generation_id;
  END IF;
  RETURN true;
END $$;
COMMENT ON FUNCTION delete_generation IS
$$Hides a settled generation from its owner and erases what was asked for, what was written, and every text that may quote
either. The books stay, and so does the idempotency key with its fingerprint, or a repeat would pay again. p_provider_keeps
says why the provider still has its copy; NULL when it has none, as far as is known. Answers with false while the generation
is open: deleting is no way to a refund.
Raises HF001.
Rules: MR-52, MR-81, MR-89, MR-90, MR-96.$$;

GRANT SELECT ON generations, inputs, generation_labels, generation_events TO holdfast_service;
GRANT EXECUTE ON FUNCTION request_cancel, begin_owners_deletion, delete_generation TO holdfast_service;

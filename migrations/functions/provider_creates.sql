-- The calls that may make a video or a text at the provider: each is committed before it is made.

CREATE FUNCTION guard_create_attempt() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  -- Of a deleted generation the provider's words are erased, for they may quote the prompt; nothing else changes.
  IF OLD.outcome IS NOT NULL AND NOT (NEW.error_message IS NULL AND is_deleted(OLD.generation_id)
     AND to_jsonb(NEW) - 'error_message' = to_jsonb(OLD) - 'error_message') THEN
    RAISE EXCEPTION 'an attempt ends once' USING ERRCODE = 'HF004';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER create_attempts_guard BEFORE UPDATE ON create_attempts FOR EACH ROW EXECUTE FUNCTION guard_create_attempt();
CREATE TRIGGER create_attempts_kept BEFORE DELETE OR TRUNCATE ON create_attempts FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What a provider's list shows of a request, what it is remixed from included; serialises begin_create and adopt_video of
-- requests that look the same there.
CREATE FUNCTION lock_visible_fields(p_generation_id text) RETURNS bytea
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE visible bytea;
BEGIN
  SELECT sha256(convert_to(concat_ws(E'\x1f', g.model, g.seconds, g.size, i.prompt, g.remix_of), 'UTF8')) INTO STRICT visible
    FROM generations g LEFT JOIN inputs i ON i.generation_id = g.id WHERE g.id = p_generation_id;
  PERFORM pg_advisory_xact_lock(('x' || encode(substr(visible, 1, 8), 'hex'))::bit(64)::bigint);
  RETURN visible;
END $$;

-- Commits an attempt, so that a crash during the call is seen as "may have arrived". Answers with what the call needs. A
-- claim never creates: its video is there. A text that has ended is known, and a remix tells what it is made from.
-- outcome: 'begun', 'known' (there is a video already), 'open' (an earlier attempt may have arrived), 'refused' (for good),
-- 'spent' (as many were begun as may be), 'cancelled' (before anything can have been made), 'too_late' (less than
-- p_least_ms of the hold's time is left), 'settled' (nothing may be made any more).
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

-- Gives a video that was found in the provider's list to the generation whose create may have made it, if nothing else can
-- be meant. Also after a release: the video of a lost reply is then followed, and claimable when it completes.
-- outcome: 'adopted', 'rival' (another open attempt looks the same), 'taken' (the video has an owner), 'closed' (the attempt
-- is not open any more).
CREATE FUNCTION adopt_video(p_generation_id text, p_number integer, p_provider_video_id text, p_provider_created_at timestamptz)
RETURNS TABLE (outcome text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
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
END $$;

-- Closes an attempt with what the provider's answer proves. An ambiguous call is left open: nothing proves anything.
-- Repeating a close that was recorded changes nothing.
CREATE FUNCTION end_create(
  p_generation_id text, p_number integer, p_outcome text, p_provider_video_id text, p_provider_created_at timestamptz,
  p_error_code text, p_error_message text
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF p_outcome IS NULL OR (p_outcome IN ('created', 'adopted')) <> (p_provider_video_id IS NOT NULL) THEN
    RAISE EXCEPTION 'an attempt that made a video ends with its id, and no other does' USING ERRCODE = '22004';
  END IF;
  PERFORM lock_generation(p_generation_id);
  UPDATE create_attempts SET outcome = p_outcome, ended_at = clock_timestamp(), error_code = p_error_code,
      error_message = CASE WHEN NOT is_deleted(p_generation_id) THEN p_error_message END
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
        provider_created_at = COALESCE(plausible_time(p_provider_created_at), clock_timestamp())
      WHERE id = p_generation_id;
  END IF;
  PERFORM append_event(p_generation_id, 'create_' || p_outcome, jsonb_build_object('attempt', p_number, 'code', p_error_code));
  PERFORM free_slot(p_generation_id);
END $$;

-- Records that a call may have arrived; the attempt stays open.
CREATE FUNCTION note_ambiguous_create(p_generation_id text, p_number integer, p_why text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  PERFORM lock_generation(p_generation_id);
  UPDATE create_attempts SET error_message = p_why WHERE generation_id = p_generation_id AND number = p_number AND outcome IS NULL;
  IF FOUND THEN
    PERFORM append_event(p_generation_id, 'create_ambiguous', jsonb_build_object('attempt', p_number, 'why', p_why));
  END IF;
END $$;

GRANT SELECT ON create_attempts TO holdfast_service;
GRANT EXECUTE ON FUNCTION begin_create, adopt_video, end_create, note_ambiguous_create TO holdfast_service;

-- What the provider said, recorded before anything is decided by it: settle_generation looks for its proof here.

CREATE FUNCTION plausible_time(p_told timestamptz) RETURNS timestamptz
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, holdfast, pg_temp AS $$
  SELECT CASE WHEN p_told BETWEEN '1970-01-01 00:00:00+00' AND '9999-12-31 00:00:00+00' THEN p_told END
$$;
COMMENT ON FUNCTION plausible_time IS
$$Internal. A time that the provider told, or NULL where it cannot be one: it is for show and for statistics, and refuses
nothing.
Rules: MR-6.$$;

CREATE FUNCTION record_look(
  p_generation_id text, p_provider_canonical_id text, p_verdict text, p_status text, p_progress integer,
  p_completed_at timestamptz, p_error_code text, p_error_message text,
  p_made_seconds numeric DEFAULT NULL, p_made_size text DEFAULT NULL, p_made_model text DEFAULT NULL, p_made_audio boolean DEFAULT NULL
) RETURNS TABLE (verdict text, error_code text, differs boolean, cancel text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, holdfast, pg_temp AS $$
#variable_conflict use_column
DECLARE
  g generations := lock_generation(p_generation_id);
  late timestamptz;
  difference jsonb := '{}';
BEGIN
  IF g.claim_of IS NOT NULL THEN
    RETURN QUERY SELECT l.verdict, l.error_code, l.differs, 'none' FROM record_look(g.claim_of, p_provider_canonical_id, p_verdict, p_status, p_progress,
      p_completed_at, p_error_code, p_error_message, p_made_seconds, p_made_size, p_made_model, p_made_audio) l;
    RETURN;
  END IF;
  IF g.provider_canonical_id IS DISTINCT FROM p_provider_canonical_id THEN
    RAISE EXCEPTION 'generation % owns another video', p_generation_id USING ERRCODE = 'HF002';
  END IF;
  IF p_verdict IS NULL THEN
    RAISE EXCEPTION 'a look has a verdict' USING ERRCODE = '22004';
  END IF;
  IF g.provider_id_contested_at IS NOT NULL THEN
    -- It may be said of another's video.
    p_verdict := 'open';
    p_error_code := NULL;
    p_error_message := NULL;
  END IF;
  -- For show: what is no percentage is not known, and must not keep the verdict from being recorded.
  p_progress := CASE WHEN p_progress BETWEEN 0 AND 100 THEN p_progress END;
  -- Also after a refund: a late end is known then, and frees the account's slot.
  IF g.provider_verdict = 'open' THEN
    late := CASE WHEN g.state = 'released' AND p_verdict = 'completed' THEN clock_timestamp() + interval '24 hours' END;
    UPDATE generations gen SET provider_verdict = p_verdict, provider_status = p_status,
        -- Progress never goes back for the one who watches it.
        provider_progress = greatest(gen.provider_progress, p_progress),
        provider_completed_at = plausible_time(p_completed_at), provider_error_code = p_error_code,
        provider_error_message = CASE WHEN gen.deleted_at IS NULL THEN p_error_message END,
        -- What is no length is not known, and must not keep the verdict from being recorded.
        made_seconds = CASE WHEN p_verdict = 'completed' THEN counted_seconds(p_made_seconds) END,
        made_size = CASE WHEN p_verdict = 'completed' THEN left(p_made_size, 100) END,
        made_model = CASE WHEN p_verdict = 'completed' THEN left(p_made_model, 200) END,
        made_audio = CASE WHEN p_verdict = 'completed' THEN p_made_audio END,
        last_look_at = clock_timestamp(), claimable_until = late
      WHERE gen.id = p_generation_id;
    IF (g.provider_verdict, g.provider_status, g.provider_progress)
       IS DISTINCT FROM (p_verdict, p_status, greatest(g.provider_progress, p_progress)) THEN
      PERFORM append_event(p_generation_id, 'seen', jsonb_build_object('verdict', p_verdict, 'status', p_status, 'progress', p_progress, 'code', p_error_code));
    END IF;
    IF late IS NOT NULL THEN
      PERFORM append_event(p_generation_id, 'late_completion', jsonb_strip_nulls(jsonb_build_object('claimable_until', CASE WHEN g.deleted_at IS NULL THEN late END)));
    END IF;
    SELECT made_difference(gen, gen.made_seconds, gen.made_size, gen.made_model, gen.made_audio) INTO difference
      FROM generations gen WHERE gen.id = p_generation_id;
    IF difference <> '{}' THEN
      PERFORM append_event(p_generation_id, 'made_otherwise', difference);
    END IF;
    PERFORM free_slot(p_generation_id);
  END IF;
  RETURN QUERY SELECT gen.provider_verdict, gen.provider_error_code, difference <> '{}',
      CASE WHEN gen.cancel_sent_at IS NOT NULL THEN 'sent' WHEN gen.cancel_requested_at IS NOT NULL
        AND gen.provider_id_contested_at IS NULL THEN 'requested' ELSE 'none' END
    FROM generations gen WHERE gen.id = p_generation_id;
END $$;
COMMENT ON FUNCTION record_look IS
$$Records what a look saw; of a claim, on the generation that made the video. The first terminal verdict stands. At a contested
id every look is 'open'. A completion after the release moves nothing: it is claimable for a day. Of a completed video it keeps
what the provider says that was made. Answers with the verdict on record, whether this look was the first to say that
something else was made than was sold, and how far a cancel has come: 'none' (nor is any sent to a contested id), 'requested', or 'sent' to the provider.
Raises HF001; HF002 for another video than the generation's, by its canonical id; 22004 without a verdict.
Rules: MR-1, MR-14, MR-39, MR-42, MR-51, MR-53, MR-74, MR-75.$$;

CREATE FUNCTION note_unreachable(p_generation_id text, p_tries integer, p_for_ms bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, holdfast, pg_temp AS $$
BEGIN
  PERFORM lock_generation(p_generation_id);
  PERFORM append_event(p_generation_id, 'unreachable', jsonb_build_object('tries', p_tries, 'for_ms', p_for_ms));
END $$;
COMMENT ON FUNCTION note_unreachable IS
$$Records for how long, and for how many tries, no answer of the provider could be recorded before one was. It moves nothing.
Raises HF001.
Rules: MR-15, MR-97.$$;

CREATE FUNCTION stop_following(p_generation_id text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, holdfast, pg_temp AS $$
DECLARE g generations := lock_generation(p_generation_id);
BEGIN
  IF g.state <> 'released' OR NOT g.counts_as_active OR g.settled_at > clock_timestamp() - interval '24 hours' THEN
    RETURN false;
  END IF;
  UPDATE generations SET counts_as_active = false WHERE id = p_generation_id;
  PERFORM append_event(p_generation_id, 'follow_ended', '{}');
  UPDATE accounts SET active_generations = greatest(0, active_generations - 1) WHERE id = g.account_id;
  RETURN true;
END $$;
COMMENT ON FUNCTION stop_following IS
$$Ends the day for which a released generation is followed: it no longer counts against its account's cap, whatever became of
its video. Answers with false before that day is over.
Raises HF001.
Rules: MR-51.$$;

CREATE FUNCTION begin_deletion(p_generation_id text) RETURNS TABLE (provider_video_id text, provider text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, holdfast, pg_temp AS $$
#variable_conflict use_column
DECLARE g generations := lock_generation(p_generation_id);
BEGIN
  IF g.claimable_until < clock_timestamp() AND g.provider_deleted_at IS NULL AND g.provider_id_contested_at IS NULL AND NOT EXISTS (
      SELECT FROM generations claim WHERE claim.claim_of = p_generation_id AND claim.state IN ('requested', 'held', 'charged')) THEN
    UPDATE generations gen SET deletion_begun_at = COALESCE(gen.deletion_begun_at, clock_timestamp()) WHERE gen.id = p_generation_id;
    RETURN QUERY SELECT g.provider_video_id, g.provider;
  END IF;
END $$;
COMMENT ON FUNCTION begin_deletion IS
$$Decides that a late video is not claimable any more, so that it may be deleted at the provider. Answers with the video; with
no row while it is claimable, claimed, contested, or deleted already.
Raises HF001.
Rules: MR-39, MR-53.$$;

CREATE FUNCTION end_deletion(p_generation_id text, p_provider_keeps text DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, holdfast, pg_temp AS $$
DECLARE
  g generations := lock_generation(p_generation_id);
  lost bigint;
BEGIN
  IF g.deletion_begun_at IS NULL OR g.provider_deleted_at IS NOT NULL THEN
    RETURN 0;
  END IF;
  SELECT p.provider_cost_microcredits_per_second * g.seconds INTO lost FROM prices p WHERE p.id = g.price_id;
  UPDATE generations SET provider_deleted_at = clock_timestamp() WHERE id = p_generation_id;
  PERFORM append_event(p_generation_id, CASE WHEN p_provider_keeps IS NULL THEN 'provider_video_deleted' ELSE 'provider_video_kept' END,
    jsonb_strip_nulls(jsonb_build_object('lost_microcredits', lost, 'why', p_provider_keeps)));
  RETURN lost;
END $$;
COMMENT ON FUNCTION end_deletion IS
$$Records that the provider's video is gone, or why the provider keeps it (p_provider_keeps): then it is not asked again.
Answers with what the video had cost, in microcredits; 0 for a repeat.
Raises HF001.
Rules: MR-53, MR-96.$$;

CREATE FUNCTION record_provider_event(
  p_webhook_id text, p_type text, p_provider text, p_provider_video_id text, p_provider_canonical_id text, OUT outcome text, OUT generation_id text
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, holdfast, pg_temp AS $$
#variable_conflict use_column
DECLARE
  known_state text;
BEGIN
  INSERT INTO provider_events (provider, webhook_id, type, provider_video_id) VALUES (p_provider, p_webhook_id, p_type, p_provider_video_id)
    ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    outcome := 'replayed';
    RETURN;
  END IF;
  SELECT g.id, g.state INTO record_provider_event.generation_id, known_state FROM generations g
    WHERE g.provider = p_provider AND g.provider_canonical_id = p_provider_canonical_id;
  IF NOT FOUND THEN
    outcome := 'unknown';
  ELSIF known_state <> 'held' THEN
    outcome := 'settled';
  ELSE
    INSERT INTO provider_nudges AS n (generation_id, nudges) VALUES (record_provider_event.generation_id, 1)
      ON CONFLICT (generation_id) DO UPDATE SET nudges = n.nudges + 1 WHERE n.nudges < 20;
    outcome := CASE WHEN FOUND THEN 'nudge' ELSE 'enough' END;
  END IF;
END $$;
COMMENT ON FUNCTION record_provider_event IS
$$Keeps a provider's webhook, once, and says whether its generation's workflow should look now. It moves nothing.
outcome: 'nudge', 'replayed', 'unknown' (no generation has that video, or not yet), 'settled', 'enough' (20 nudges were sent;
the workflow's timers look on).
Rules: MR-4, MR-38, MR-74, MR-87.$$;
CREATE TRIGGER provider_events_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON provider_events FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

GRANT SELECT ON provider_events, provider_nudges TO holdfast_service;
GRANT EXECUTE ON FUNCTION record_look, note_unreachable, stop_following, begin_deletion, end_deletion,
  record_provider_event TO holdfast_service;

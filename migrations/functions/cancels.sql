-- Asking a provider to end its work (MR-9): the commit before the call, and what its answer proves. What the client wished is
-- recorded by request_cancel.

CREATE FUNCTION begin_cancel(p_generation_id text) RETURNS TABLE (outcome text, provider_video_id text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, holdfast, pg_temp AS $$
#variable_conflict use_column
DECLARE
  g generations := lock_generation(p_generation_id);
  answer text := CASE
    WHEN g.cancel_ended_at IS NOT NULL THEN 'ended'
    WHEN g.cancel_sent_at IS NOT NULL THEN 'sent'
    WHEN g.state = 'held' AND g.cancel_requested_at IS NOT NULL AND g.provider_verdict = 'open'
      -- What is at that id may be another generation's.
      AND g.provider_id_contested_at IS NULL
      -- What was finished since an older look would be deleted, though it could be charged.
      AND g.last_look_at > clock_timestamp() - interval '1 minute' THEN 'begun'
    ELSE 'refused' END;
BEGIN
  IF answer = 'begun' THEN
    UPDATE generations gen SET cancel_sent_at = clock_timestamp() WHERE gen.id = p_generation_id;
    PERFORM append_event(p_generation_id, 'cancel_sent', '{}');
  END IF;
  RETURN QUERY SELECT answer, g.provider_video_id;
END $$;
COMMENT ON FUNCTION begin_cancel IS
$$Commits that a cancel is sent to the provider, before the call: from then on the video may be deleted there, so it is charged
only once its content is archived. Answers 'begun' once in a generation's life, because a second answer that says "not found"
would prove nothing.
outcome: 'begun' (send it now), 'sent' (it was sent, or its sender died before), 'ended' (the provider ended its work), 'refused'
(it is not held, nobody asked for it, its video is not known, has ended, was not looked at within a minute, or may be another
generation's).
Raises HF001.
Rules: MR-9, MR-24, MR-39, MR-81.$$;

CREATE FUNCTION record_cancel_ended(p_generation_id text, p_provider_canonical_id text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, holdfast, pg_temp AS $$
DECLARE g generations := lock_generation(p_generation_id);
BEGIN
  IF g.provider_canonical_id IS DISTINCT FROM p_provider_canonical_id THEN
    RAISE EXCEPTION 'generation % owns another video', p_generation_id USING ERRCODE = 'HF002';
  END IF;
  IF g.cancel_sent_at IS NULL THEN
    RAISE EXCEPTION 'no cancel was sent for generation %', p_generation_id USING ERRCODE = 'HF003';
  END IF;
  -- A video that was seen completed is settled by what becomes of its content.
  IF g.cancel_ended_at IS NULL AND g.provider_verdict = 'open' AND g.provider_id_contested_at IS NULL THEN
    UPDATE generations SET cancel_ended_at = clock_timestamp() WHERE id = p_generation_id RETURNING * INTO g;
    PERFORM append_event(p_generation_id, 'cancel_ended', '{}');
    PERFORM free_slot(p_generation_id);
  END IF;
  RETURN g.cancel_ended_at IS NOT NULL;
END $$;
COMMENT ON FUNCTION record_cancel_ended IS
$$Records that the provider has answered the cancel by ending its work: that releases the hold. After a release it frees the
account's slot. Answers whether that is on record: not where the video was seen to end before, or its id is contested.
Raises HF001; HF002 for another video than the generation's, by its canonical id; HF003 unless a cancel was sent.
Rules: MR-9, MR-39, MR-51.$$;

CREATE FUNCTION note_cancel_unclear(p_generation_id text, p_why text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, holdfast, pg_temp AS $$
BEGIN
  PERFORM lock_generation(p_generation_id);
  PERFORM append_event(p_generation_id, 'cancel_unclear', jsonb_build_object('why', p_why));
END $$;
COMMENT ON FUNCTION note_cancel_unclear IS
$$Records that no answer to the cancel proved that the work was ended. It moves nothing.
Raises HF001.
Rules: MR-9.$$;

GRANT EXECUTE ON FUNCTION begin_cancel, record_cancel_ended, note_cancel_unclear TO holdfast_service;

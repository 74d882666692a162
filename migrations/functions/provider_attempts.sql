-- The calls that may make a video or a text at the provider: each is committed before it is made.

CREATE FUNCTION guard_attempt() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, holdfast, pg_temp AS $$
BEGIN
  -- Of a deleted generation the provider's words are erased, for they may quote the prompt; nothing else changes.
  IF OLD.outcome IS NOT NULL AND NOT (NEW.error_message IS NULL AND is_deleted(OLD.generation_id)
     AND to_jsonb(NEW) - 'error_message' = to_jsonb(OLD) - 'error_message') THEN
    RAISE EXCEPTION 'an attempt ends once' USING ERRCODE = 'HF004';
  END IF;
  RETURN NEW;
END $$;
COMMENT ON FUNCTION guard_attempt IS
$$Trigger: an attempt ends once. Only the provider's words are erased later, with a deleted generation, because they may quote
the prompt.
Raises HF004.
Rules: MR-30, MR-39, MR-96.$$;
CREATE TRIGGER provider_attempts_guard BEFORE UPDATE ON provider_attempts FOR EACH ROW EXECUTE FUNCTION guard_attempt();
CREATE TRIGGER provider_attempts_kept BEFORE DELETE OR TRUNCATE ON provider_attempts FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION wide_text(p_text text) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, holdfast, pg_temp AS $$
  SELECT COALESCE(NULLIF(regexp_replace(lower(normalize(p_text, NFKC)), '[[:space:][:punct:][:cntrl:]]+', '', 'g'), ''), p_text)
$$;
COMMENT ON FUNCTION wide_text IS
$$Internal. The letters and digits of a text alone: what is left of it whatever a server does to its spaces, marks and case.
Rules: MR-34.$$;

CREATE FUNCTION sent_model(g generations) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, holdfast, pg_temp AS $$
  -- A remix is made by the model that made its original, whatever is sold under its name now.
  WITH RECURSIVE line (source, offer_id) AS (
    SELECT COALESCE(g.claim_of, g.remix_of), g.offer_id
    UNION ALL
    SELECT COALESCE(before.claim_of, before.remix_of), before.offer_id FROM line JOIN generations before ON before.id = line.source
  )
  SELECT COALESCE((SELECT o.provider_model FROM line JOIN offers o ON o.id = line.offer_id WHERE line.source IS NULL),
    (SELECT p.provider_model FROM texts t JOIN text_prices p ON p.id = t.text_price_id WHERE t.generation_id = g.id), g.model)
$$;
COMMENT ON FUNCTION sent_model IS
$$The model's name at the provider, by what the generation was sold by; of a remix, by what its first original was.
Rules: MR-32, MR-47.$$;

CREATE FUNCTION visible_fields(g generations) RETURNS bytea
LANGUAGE sql STABLE SET search_path = pg_catalog, holdfast, pg_temp AS $$
  SELECT sha256(convert_to(concat_ws(E'\x1f', sent_model(g), g.seconds, g.size,
    (SELECT wide_text(i.prompt) FROM inputs i WHERE i.generation_id = g.id), g.remix_of), 'UTF8'))
$$;
COMMENT ON FUNCTION visible_fields IS
$$Internal. A hash of what a provider's list shows of a request, as widely as a server may change its text.
Rules: MR-32, MR-34.$$;

CREATE FUNCTION begin_attempt(p_generation_id text, p_providers text[], p_least_ms bigint, p_requests_per_minute integer[] DEFAULT NULL)
RETURNS TABLE (
  outcome text, number integer, provider text, provider_video_id text, error_code text,
  model text, seconds integer, size text, prompt text, images bytea[], image_types text[], image_roles text[],
  remixed_from text, remixed_elsewhere boolean, length_field text, size_field text, parameters jsonb, wait_ms integer
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, holdfast, pg_temp AS $$
#variable_conflict use_column
DECLARE
  g generations := lock_generation(p_generation_id);
  last provider_attempts;
  maker text;
  answer text;
  turn_in_ms integer;
BEGIN
  IF g.claim_of IS NOT NULL THEN
    RAISE EXCEPTION 'generation % is a claim and creates nothing', p_generation_id USING ERRCODE = 'HF002';
  END IF;
  SELECT * INTO last FROM provider_attempts a WHERE a.generation_id = p_generation_id ORDER BY a.number DESC LIMIT 1;
  -- Once one was asked, another with another name never is.
  SELECT configured INTO maker FROM unnest(p_providers) WITH ORDINALITY AS p (configured, place)
    WHERE split_part(configured, '@', 1) = COALESCE(g.provider_name, split_part(g.provider, '@', 1), split_part(configured, '@', 1))
    ORDER BY place LIMIT 1;
  answer := CASE
    WHEN g.provider_verdict IS NOT NULL THEN 'known'
    WHEN g.state <> 'held' THEN 'settled'
    WHEN last.outcome = 'refused' THEN 'refused'
    WHEN last.number IS NOT NULL AND last.outcome IS NULL THEN 'open'
    WHEN last.outcome = 'conflict' THEN 'conflict'
    WHEN g.cancel_requested_at IS NOT NULL THEN 'cancelled'
    WHEN attempts_spent(p_generation_id) THEN 'spent'
    -- A call that waited in a queue would make a video whose hold is released before it is finished.
    WHEN NOT EXISTS (SELECT FROM holds h WHERE h.generation_id = p_generation_id AND h.expires_at > clock_timestamp() + p_least_ms * interval '1 millisecond') THEN 'too_late'
    WHEN maker IS NULL THEN 'no_provider'
    ELSE 'begun' END;
  IF answer = 'begun' THEN
    -- In one transaction with the attempt: what waits for its turn is no attempt, and no turn is lost by a crash between the two.
    SELECT t.wait_ms INTO turn_in_ms
      FROM take_turn(maker, p_requests_per_minute[array_position(p_providers, maker)], 'create', p_generation_id) AS t;
    IF turn_in_ms > 0 THEN
      answer := 'busy';
    END IF;
  END IF;
  IF answer = 'begun' THEN
    INSERT INTO provider_attempts (generation_id, number, visible_sha256)
      VALUES (p_generation_id, COALESCE(last.number, 0) + 1, visible_fields(g)) RETURNING * INTO last;
    UPDATE generations gen SET provider = maker WHERE gen.id = p_generation_id;
    PERFORM append_event(p_generation_id, 'attempt_begun', jsonb_build_object('attempt', last.number));
  END IF;
  RETURN QUERY SELECT answer, last.number, CASE WHEN answer IN ('begun', 'busy') THEN maker ELSE g.provider END, g.provider_video_id, last.error_code, sent_model(g), g.seconds, g.size,
      i.prompt, i.images, i.image_types, i.image_roles, made.provider_video_id,
      (made.provider IS DISTINCT FROM maker OR made.provider_id_contested_at IS NOT NULL) AND g.remix_of IS NOT NULL,
      offer.length_field, offer.size_field,
      -- By the names that the provider knows them by.
      (SELECT COALESCE(jsonb_object_agg(COALESCE(r ->> 'sent_as', r ->> 'name'), i.parameters -> (r ->> 'name')), '{}')
        FROM jsonb_array_elements(offer.parameters) AS r WHERE i.parameters ? (r ->> 'name') AND r ->> 'type' <> 'images'), turn_in_ms
    FROM (SELECT) AS one LEFT JOIN offers offer ON offer.id = g.offer_id LEFT JOIN inputs i ON i.generation_id = p_generation_id AND answer = 'begun'
      LEFT JOIN generations original ON original.id = g.remix_of LEFT JOIN generations made ON made.id = COALESCE(original.claim_of, original.id);
END $$;
COMMENT ON FUNCTION begin_attempt IS
$$Commits an attempt before its call, so that a crash during the call is seen as "may have arrived". Answers with what the call
needs, and with the one of p_providers (identities, the default one first) that it is for: of the generation's name, or of the
name that was asked before. p_requests_per_minute has their limits in the same order, NULL for none; the attempt takes the turn of
its call. A claim makes no attempt, because its video is there.
outcome: 'begun', 'known' (there is a video or a text already), 'open' (an earlier attempt may have arrived), 'refused' (for
good), 'conflict' (an attempt was answered with another's video), 'cancelled' (no video is known, and none is wanted),
'spent' (as many attempts were begun as may be), 'too_late' (less than p_least_ms of the hold's time is left), 'no_provider'
(none of p_providers may make it), 'busy' (its call has no turn yet: come again after wait_ms), 'settled'.
Raises HF001; HF002 for a claim.
Rules: MR-18, MR-24, MR-30, MR-31, MR-39, MR-46, MR-53, MR-62, MR-100.$$;

CREATE FUNCTION adopt_video(
  p_generation_id text, p_number integer, p_video_ids text[], p_canonical_ids text[], p_created_ats timestamptz[], p_exact boolean
)
RETURNS TABLE (outcome text, provider_video_id text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, holdfast, pg_temp AS $$
#variable_conflict use_column
DECLARE
  g generations := lock_generation(p_generation_id);
  mine provider_attempts;
  asked inputs;
  twins integer;
  rivals integer;
  free_places integer[];
  -- The first of the videos that nobody owns.
  adopted text;
BEGIN
  SELECT * INTO mine FROM provider_attempts a WHERE a.generation_id = p_generation_id AND a.number = p_number AND a.outcome IS NULL;
  IF NOT FOUND OR g.state NOT IN ('held', 'released') OR g.provider_video_id IS NOT NULL THEN
    RETURN QUERY SELECT 'closed', NULL::text; RETURN;
  END IF;
  SELECT * INTO asked FROM inputs i WHERE i.generation_id = p_generation_id;
  IF NOT FOUND THEN
    -- Its owner has deleted it: nobody knows any more what it asked for.
    RETURN QUERY SELECT 'closed', NULL::text; RETURN;
  END IF;
  -- An attempt of a generation that was released at its hold's end stays open: its video may still turn up, for a day. A list
  -- doesn't show an image; and what is equal only after changes to its text may be cut off another's, or off one's that its
  -- owner has deleted, of which nobody knows the text.
  SELECT count(*) FILTER (WHERE alike.twin), count(*) FILTER (WHERE alike.twin IS NOT TRUE) INTO twins, rivals FROM (
    SELECT other.account_id = g.account_id AND a.visible_sha256 = mine.visible_sha256 AND i.prompt = asked.prompt AND i.images IS NULL
        AND (i.parameters, other.offer_id) IS NOT DISTINCT FROM (asked.parameters, g.offer_id) AS twin
    FROM provider_attempts a JOIN generations other ON other.id = a.generation_id LEFT JOIN inputs i ON i.generation_id = a.generation_id
    WHERE a.outcome IS NULL AND a.generation_id <> p_generation_id AND other.kind = 'video' AND a.begun_at > clock_timestamp() - interval '24 hours'
      -- What was asked of another server is in no list of this one.
      AND split_part(other.provider, '@', 2) = split_part(g.provider, '@', 2)
      AND (a.visible_sha256 = mine.visible_sha256 OR NOT p_exact AND (i.prompt IS NULL OR starts_with(wide_text(i.prompt), wide_text(asked.prompt))))) AS alike;
  IF rivals > 0 OR asked.images IS NOT NULL THEN
    RETURN QUERY SELECT 'rival', NULL::text; RETURN;
  END IF;
  -- One video may be listed under two spellings of its id.
  free_places := ARRAY(SELECT v.place FROM unnest(p_canonical_ids) WITH ORDINALITY AS v (id, place)
    WHERE array_position(p_canonical_ids, v.id) = v.place
      AND NOT EXISTS (SELECT FROM generations gen WHERE gen.provider_canonical_id = v.id
        -- A server whose name was changed is still that server.
        AND split_part(gen.provider, '@', 2) = split_part(g.provider, '@', 2)) ORDER BY v.place);
  IF cardinality(free_places) = 0 THEN
    RETURN QUERY SELECT 'taken', NULL::text; RETURN;
  END IF;
  IF cardinality(free_places) <> 1 + twins THEN
    RETURN QUERY SELECT 'unequal', NULL::text; RETURN;
  END IF;
  adopted := p_video_ids[free_places[1]];
  BEGIN
    PERFORM end_attempt(p_generation_id, p_number, 'adopted', adopted, p_canonical_ids[free_places[1]], p_created_ats[free_places[1]], NULL, NULL);
  EXCEPTION WHEN unique_violation THEN
    RETURN QUERY SELECT 'taken', NULL::text; RETURN;
  END;
  RETURN QUERY SELECT 'adopted', adopted;
END $$;
COMMENT ON FUNCTION adopt_video IS
$$Gives a video from the provider's list to the generation whose open attempt may have made it, if nothing else can be meant:
the first of p_video_ids that no generation owns, by p_canonical_ids. After a release too: the video is then followed, and claimable when it
completes. p_exact: each of the videos is equal to what was asked for, not only after changes to its text. Attempts need no
lock between them: what begins after the list was read has made nothing in it, and the unique id lets one of two adopt.
outcome: 'adopted', 'rival' (it may be another open attempt's, or an image was given), 'unequal' (equal open attempts of
one account are interchangeable, but only if there are as many videos), 'taken' (the videos have owners), 'closed' (the
attempt is not open any more, or its generation was deleted).
Raises HF001.
Rules: MR-32, MR-33, MR-34, MR-35, MR-38, MR-74.$$;

CREATE FUNCTION end_attempt(
  p_generation_id text, p_number integer, p_outcome text, p_provider_video_id text, p_provider_canonical_id text,
  p_provider_created_at timestamptz, p_error_code text, p_error_message text
) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, holdfast, pg_temp AS $$
DECLARE
  g generations;
  attempt provider_attempts;
  ended text := p_outcome;
  contested text;
BEGIN
  IF p_outcome IS NULL OR p_outcome = 'conflict' OR (p_outcome IN ('created', 'adopted')) <> (p_provider_video_id IS NOT NULL) THEN
    RAISE EXCEPTION 'an attempt that made a video ends with its id, and no other does' USING ERRCODE = '22004';
  END IF;
  g := lock_generation(p_generation_id);
  SELECT * INTO attempt FROM provider_attempts WHERE generation_id = p_generation_id AND number = p_number;
  IF NOT FOUND OR attempt.outcome IS NOT NULL THEN
    IF attempt.outcome = 'conflict' OR attempt.outcome = p_outcome AND g.provider_canonical_id IS NOT DISTINCT FROM p_provider_canonical_id THEN
      RETURN attempt.outcome;
    END IF;
    -- The answer of a process that was halted and given up: its video has no owner, and is on record for whoever looks.
    IF p_outcome = 'created' AND NOT EXISTS (SELECT FROM generations owner
        WHERE split_part(owner.provider, '@', 2) = split_part(g.provider, '@', 2) AND owner.provider_canonical_id = p_provider_canonical_id) THEN
      PERFORM append_event(p_generation_id, 'orphan_video', jsonb_build_object('attempt', p_number, 'provider_video_id', p_provider_video_id));
    END IF;
    RETURN 'closed';
  END IF;
  IF p_outcome IN ('created', 'adopted') THEN
    BEGIN
      UPDATE generations SET provider_video_id = p_provider_video_id, provider_canonical_id = p_provider_canonical_id,
          provider_verdict = 'open', provider_created_at = COALESCE(plausible_time(p_provider_created_at), clock_timestamp())
        WHERE id = p_generation_id;
    EXCEPTION WHEN unique_violation THEN
      IF p_outcome = 'adopted' THEN RAISE; END IF;
      -- Twins are interchangeable: one found this video in the list while this answer was under way, when there were as many
      -- videos as twins. So the attempt stays open, and looks for the other one.
      IF EXISTS (SELECT FROM generations owner JOIN provider_attempts a ON a.generation_id = owner.id
          WHERE split_part(owner.provider, '@', 2) = split_part(g.provider, '@', 2)
            AND owner.provider_canonical_id = p_provider_canonical_id AND owner.account_id = g.account_id
            AND a.outcome = 'adopted' AND a.ended_at > attempt.begun_at AND a.visible_sha256 = attempt.visible_sha256
            AND (SELECT (i.prompt, i.parameters) FROM inputs i WHERE i.generation_id = owner.id)
              = (SELECT (i.prompt, i.parameters) FROM inputs i WHERE i.generation_id = g.id)) THEN
        RETURN 'closed';
      END IF;
      ended := 'conflict';
      -- From here on nobody is charged for what is at that id, or shown it, but who was before.
      UPDATE generations owner SET provider_id_contested_at = clock_timestamp()
        WHERE split_part(owner.provider, '@', 2) = split_part(g.provider, '@', 2)
          AND owner.provider_canonical_id = p_provider_canonical_id AND owner.provider_id_contested_at IS NULL
        RETURNING owner.id INTO contested;
      IF FOUND THEN
        PERFORM append_event(contested, 'id_contested', '{}');
      END IF;
    END;
  END IF;
  UPDATE provider_attempts SET outcome = ended, ended_at = clock_timestamp(), error_code = p_error_code,
      error_message = CASE WHEN ended = 'conflict' THEN 'answered with the video ' || p_provider_video_id
        WHEN NOT is_deleted(p_generation_id) THEN p_error_message END
    WHERE generation_id = p_generation_id AND number = p_number;
  PERFORM append_event(p_generation_id, CASE ended WHEN 'refused' THEN 'submission_refused' ELSE 'attempt_' || ended END,
    jsonb_build_object('attempt', p_number, 'code', p_error_code));
  PERFORM free_slot(p_generation_id);
  RETURN ended;
END $$;
COMMENT ON FUNCTION end_attempt IS
$$Closes an attempt with what the provider's answer proves; answers with how it ended. An ambiguous call stays open, because
nothing proves anything. The same close again changes nothing. 'conflict' in place of 'created': the id is that of another
generation's video, and whose it is cannot be known; from then on neither is charged for it. 'closed': the attempt had ended
otherwise, or a twin has its video.
Raises HF001; 22004 unless an attempt that made a video ends with its id, and no other does.
Rules: MR-30, MR-38, MR-39, MR-40, MR-74.$$;

CREATE FUNCTION note_ambiguous_attempt(p_generation_id text, p_number integer, p_why text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, holdfast, pg_temp AS $$
BEGIN
  PERFORM lock_generation(p_generation_id);
  UPDATE provider_attempts SET error_message = p_why WHERE generation_id = p_generation_id AND number = p_number AND outcome IS NULL;
  IF FOUND THEN
    PERFORM append_event(p_generation_id, 'attempt_ambiguous', jsonb_build_object('attempt', p_number, 'why', p_why));
  END IF;
END $$;
COMMENT ON FUNCTION note_ambiguous_attempt IS
$$Records that a call may have arrived; the attempt stays open.
Raises HF001.
Rules: MR-16, MR-31.$$;

CREATE FUNCTION note_ownerless_videos(p_provider text, p_canonical_ids text[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, holdfast, pg_temp AS $$
  DELETE FROM ownerless_videos WHERE listed_at < clock_timestamp() - interval '48 hours';
  -- In one order, so that two that note the same wait for each other only one way.
  INSERT INTO ownerless_videos (provider, provider_canonical_id) SELECT p_provider, id FROM unnest(p_canonical_ids) AS v (id) ORDER BY id
    ON CONFLICT DO NOTHING;
$$;
COMMENT ON FUNCTION note_ownerless_videos IS
$$Keeps for two days that these videos had no owner when they were listed: no attempt that begins later has made them.
Rules: MR-37, MR-74.$$;

GRANT SELECT ON provider_attempts, ownerless_videos TO holdfast_service;
GRANT EXECUTE ON FUNCTION sent_model, begin_attempt, adopt_video, end_attempt, note_ambiguous_attempt, note_ownerless_videos TO holdfast_service;

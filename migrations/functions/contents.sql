CREATE FUNCTION record_content(
  p_generation_id text, p_variant text, p_state text, p_bytes bigint, p_sha256 bytea, p_content_type text, p_location text,
  p_length_ms bigint DEFAULT NULL, p_frame_size text DEFAULT NULL, p_has_sound boolean DEFAULT NULL
) RETURNS TABLE (state text, bytes bigint, sha256 bytea, content_type text, location text, refund text, differs boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, holdfast, pg_temp AS $$
#variable_conflict use_column
DECLARE
  g generations := lock_generation(p_generation_id);
  made generations;
  deleted boolean := g.deleted_at IS NOT NULL;
  refund text;
  recorded contents;
  difference jsonb := '{}';
BEGIN
  IF NOT EXISTS (SELECT FROM contents c WHERE c.generation_id = p_generation_id AND c.variant = p_variant) THEN
    IF g.state NOT IN ('held', 'charged') THEN
      RAISE EXCEPTION 'generation % is %: its content is not kept', p_generation_id, g.state USING ERRCODE = 'HF002';
    END IF;
    SELECT * INTO STRICT made FROM generations gen WHERE gen.id = COALESCE(g.claim_of, g.id);
    IF made.provider_verdict IS DISTINCT FROM 'completed' OR p_state = 'archived' AND made.provider_id_contested_at IS NOT NULL
       OR p_state = 'gone' AND NOT deleted AND made.last_look_at > clock_timestamp() -
         -- A provider that was asked to end its work deletes what it had made.
         (CASE WHEN g.cancel_sent_at IS NULL THEN interval '1 hour' ELSE interval '1 minute' END) THEN
      RAISE EXCEPTION 'nothing proves that the content of generation % is %', p_generation_id, p_state USING ERRCODE = 'HF003';
    END IF;
    IF deleted THEN
      INSERT INTO contents (generation_id, variant, state) VALUES (p_generation_id, p_variant, 'gone') RETURNING * INTO recorded;
    ELSE
      -- What is no length is not known, and must not keep the content from being recorded.
      INSERT INTO contents (generation_id, variant, state, bytes, sha256, content_type, location, length_ms, frame_size, has_sound, before_capture)
        VALUES (p_generation_id, p_variant, p_state, p_bytes, p_sha256, p_content_type, p_location,
          CASE WHEN p_length_ms BETWEEN 1 AND 86400000 THEN p_length_ms END,
          left(p_frame_size, 100), p_has_sound, g.state = 'held')
        RETURNING * INTO recorded;
    END IF;
    IF p_variant = 'video' THEN
      PERFORM append_event(p_generation_id, CASE WHEN deleted OR p_state = 'gone' THEN 'content_gone' ELSE 'archived' END,
        jsonb_strip_nulls(jsonb_build_object('bytes', recorded.bytes, 'length_ms', recorded.length_ms, 'frame_size', recorded.frame_size,
          'has_sound', recorded.has_sound)));
    END IF;
    IF p_variant = 'video' AND p_state = 'gone' AND NOT deleted AND g.state = 'charged' AND NOT has_event(p_generation_id, 'content_served')
       AND g.deletion_begun_at IS NULL THEN
      SELECT NULLIF(r.outcome, 'nothing_left') INTO refund
        -- A key that no header can carry: an operator's refund never takes its place.
        FROM refund_generation(p_generation_id, NULL, 'content_gone', 'content gone', 'holdfast') r;
    ELSIF p_variant = 'video' AND recorded.state = 'archived' THEN
      difference := made_difference(made, counted_seconds(recorded.length_ms / 1000.0), recorded.frame_size, NULL, recorded.has_sound);
      IF difference <> '{}' THEN
        PERFORM append_event(p_generation_id, 'content_otherwise', difference);
      END IF;
      refund := refund_made(g, recorded);
    END IF;
    IF refund <> 'refunded' THEN
      PERFORM append_event(p_generation_id, 'content_refund_refused', jsonb_build_object('outcome', refund));
    END IF;
  END IF;
  RETURN QUERY SELECT c.state, c.bytes, c.sha256, c.content_type, c.location, refund, difference <> '{}' FROM contents c
    WHERE c.generation_id = p_generation_id AND c.variant = p_variant;
END $$;
COMMENT ON FUNCTION record_content IS
$$Records where a content is, once; answers with what is on record. 'gone' needs an hour since the video was seen completed,
a minute where the provider was asked to cancel it; except for a video that its owner deleted, of which nothing else is recorded whatever the caller says. What is at a
contested id is not archived, because it may be another generation's. A claim records what its original made.
A charged video that is on record as gone before anybody had it is refunded here, in full and once; refund tells what came
of that, NULL where none is due. The record is made even if the refund is refused, which is an event of its own.
Of an archived video it keeps what the file shows (p_length_ms, p_frame_size, p_has_sound; NULL where that can't be read). What
differs from what was sold is an event, and differs says so the first time; what was charged above what the file shows is
refunded here as well, where the offer says as_made.
Raises HF001; HF002 for a generation that is not held or charged; HF003 without proof.
Rules: MR-9, MR-22, MR-39, MR-52, MR-59, MR-75, MR-96, MR-101.$$;

CREATE FUNCTION content_is(p_generation_id text, p_state text) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, holdfast, pg_temp AS $$
  SELECT EXISTS (SELECT FROM contents c WHERE c.generation_id = p_generation_id AND c.variant = 'video' AND c.state = p_state)
$$;
COMMENT ON FUNCTION content_is IS
$$Internal. Whether a video's content is on record as 'archived', or as 'gone'.$$;

CREATE FUNCTION has_event(p_generation_id text, p_kind text) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, holdfast, pg_temp AS $$
  SELECT EXISTS (SELECT FROM generation_events e WHERE e.generation_id = p_generation_id AND e.kind = p_kind)
$$;
COMMENT ON FUNCTION has_event IS
$$Internal. Whether an event of this kind is on record.$$;

CREATE FUNCTION record_unusable_content(p_generation_id text, p_why text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, holdfast, pg_temp AS $$
BEGIN
  PERFORM lock_generation(p_generation_id);
  IF has_event(p_generation_id, 'content_unusable') THEN
    RETURN false;
  END IF;
  PERFORM append_event(p_generation_id, 'content_unusable', jsonb_build_object('why', left(p_why, 200)));
  RETURN true;
END $$;
COMMENT ON FUNCTION record_unusable_content IS
$$Records, once, that what the provider sent is not a whole video. Answers with true the first time.
Raises HF001.
Rules: MR-58.$$;

CREATE FUNCTION record_content_served(p_generation_id text, p_from bigint, p_to bigint, p_total bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, holdfast, pg_temp AS $$
DECLARE
  g generations := lock_generation(p_generation_id);
  served int8multirange;
BEGIN
  IF g.state = 'charged' AND NOT has_event(p_generation_id, 'content_served') THEN
    INSERT INTO served_parts AS s (generation_id, parts) VALUES (p_generation_id, int8multirange(int8range(p_from, p_to)))
      ON CONFLICT (generation_id) DO UPDATE SET parts = s.parts + EXCLUDED.parts RETURNING s.parts INTO served;
    IF served @> int8range(0, p_total) OR (SELECT count(*) > 1000 FROM unnest(served)) THEN
      PERFORM append_event(p_generation_id, 'content_served', '{}');
    END IF;
  END IF;
END $$;
COMMENT ON FUNCTION record_content_served IS
$$Adds to what a video's owner was sent: the bytes from p_from up to p_to of p_total (NULL while that is unknown). Once that is
the whole, in one piece or in parts, it is on record as served: no proof that it arrived, but of every chance to have it.
More than a thousand separate parts count as the whole, so that what is kept here stays small.
Raises HF001.
Rules: MR-22.$$;

-- What its owner deletes is noted on the generation.
CREATE TRIGGER contents_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON contents
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

GRANT SELECT ON contents, served_parts TO holdfast_service;
GRANT EXECUTE ON FUNCTION record_content, record_unusable_content, record_content_served TO holdfast_service;

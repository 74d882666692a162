-- Webhooks of the provider: verified by the API, and never more than "look now" (RULES, "What moves credits").

CREATE TABLE provider_events (
  -- As the provider signed it: what comes again under the same id is a replay.
  webhook_id text PRIMARY KEY CHECK (length(webhook_id) BETWEEN 1 AND 255),
  type text NOT NULL CHECK (length(type) BETWEEN 1 AND 100),
  provider_video_id text NOT NULL CHECK (length(provider_video_id) BETWEEN 1 AND 255),
  received_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- How often a workflow was told to look: a signal is an event of its history, so there is an end to them.
CREATE TABLE provider_nudges (
  generation_id text PRIMARY KEY REFERENCES generations,
  nudges integer NOT NULL
);

CREATE TRIGGER provider_events_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON provider_events FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Keeps an event, once, and says whether its generation's workflow is to be told: `nudge`, `replayed`, `unknown` (no
-- generation has that video here, or not yet), `settled`, `enough` (told often enough; its timers look on).
CREATE FUNCTION record_provider_event(
  p_webhook_id text, p_type text, p_provider_base_url text, p_provider_video_id text, OUT outcome text, OUT generation_id text
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
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
END $$;

GRANT EXECUTE ON FUNCTION record_provider_event TO holdfast_service;
GRANT SELECT ON provider_events, provider_nudges TO holdfast_service;

-- What an operator lists at 3 a.m. is not found by reading everything.
CREATE INDEX generations_emergencies ON generations (charged_at) WHERE settlement_reason = 'emergency';

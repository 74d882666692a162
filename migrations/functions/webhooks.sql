-- Webhooks to tenants and to the operator. Nothing here moves credits, and nothing that moves credits waits for it.

-- A deleted one keeps its row: a settlement that notes a message for it at that moment finds what it refers to, and waits
-- for nobody.
CREATE TRIGGER webhook_endpoints_kept BEFORE DELETE OR TRUNCATE ON webhook_endpoints
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER webhook_deliveries_kept BEFORE DELETE OR TRUNCATE ON webhook_deliveries
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION note_webhooks() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, holdfast, pg_temp AS $$
DECLARE
  told text := CASE NEW.state WHEN 'charged' THEN 'video.completed' ELSE 'video.failed' END;
BEGIN
  BEGIN
    INSERT INTO webhook_deliveries (owner, account_id, endpoint_id, event_id, generation_id, type, occurred_at)
      SELECT e.owner, NEW.account_id, e.id, 'evt_' || split_part(NEW.id, '_', 2), NEW.id, told, NEW.settled_at FROM webhook_endpoints e
      WHERE e.owner IN (NEW.account_id, 'operator') AND e.disabled_at IS NULL AND e.deleted_at IS NULL AND told = ANY (e.events)
      ON CONFLICT DO NOTHING;
  EXCEPTION
    -- A deadlock: all of it is tried again, and the message is noted then.
    WHEN transaction_rollback THEN RAISE;
    WHEN OTHERS THEN
      -- Credits come first: a message that can't be noted must not keep them in the air.
      RAISE WARNING 'webhooks of generation % could not be noted: %', NEW.id, SQLERRM;
  END;
  RETURN NULL;
END $$;
COMMENT ON FUNCTION note_webhooks IS
$$Trigger: notes what the endpoints of the account and of the operator are to be sent, in the settlement's own transaction, so
that no crash between the two loses it. It locks no endpoint, so settlements of different accounts do not meet here. It refuses
nothing but a deadlock, which is tried again: a message that cannot be noted is a warning, and the credits settle.
Rules: MR-6, MR-97.$$;
CREATE TRIGGER generations_note_webhooks AFTER UPDATE ON generations FOR EACH ROW
  WHEN (OLD.state = 'held' AND NEW.state IN ('charged', 'released') AND starts_with(NEW.id, 'video_'))
  EXECUTE FUNCTION note_webhooks();

CREATE FUNCTION create_webhook_endpoint(p_owner text, p_id text, p_url text, p_events text[], p_secret text)
RETURNS TABLE (outcome text, created_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, holdfast, pg_temp AS $$
#variable_conflict use_column
BEGIN
  -- One after the other, so that ten are ten; not by the account's row, which movements of credits wait for.
  PERFORM pg_advisory_xact_lock(hashtextextended('webhook endpoints of ' || p_owner, 0));
  IF (SELECT count(*) FROM webhook_endpoints e WHERE e.owner = p_owner AND e.deleted_at IS NULL) >= 10 THEN
    RETURN QUERY SELECT 'too_many', NULL::timestamptz; RETURN;
  END IF;
  INSERT INTO webhook_endpoints (owner, id, url, events) VALUES (p_owner, p_id, p_url, p_events);
  INSERT INTO webhook_secrets (owner, endpoint_id, secret) VALUES (p_owner, p_id, p_secret);
  RETURN QUERY SELECT 'created', e.created_at FROM webhook_endpoints e WHERE e.owner = p_owner AND e.id = p_id;
END $$;
COMMENT ON FUNCTION create_webhook_endpoint IS
$$Creates a webhook endpoint with its secret.
p_owner: an account's id, or 'operator'. outcome: 'created', 'too_many' (the owner has ten).$$;

CREATE FUNCTION lock_webhook_endpoint(p_owner text, p_id text) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, holdfast, pg_temp AS $$
BEGIN
  PERFORM FROM webhook_endpoints WHERE owner = p_owner AND id = p_id AND deleted_at IS NULL FOR NO KEY UPDATE;
  RETURN FOUND;
END $$;
COMMENT ON FUNCTION lock_webhook_endpoint IS
$$Internal. Locks an endpoint that is not deleted; answers with false when there is none.$$;

CREATE FUNCTION delete_webhook_endpoint(p_owner text, p_id text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, holdfast, pg_temp AS $$
BEGIN
  IF NOT lock_webhook_endpoint(p_owner, p_id) THEN
    RETURN false;
  END IF;
  UPDATE webhook_endpoints SET deleted_at = clock_timestamp(), url = NULL WHERE owner = p_owner AND id = p_id;
  DELETE FROM webhook_secrets WHERE owner = p_owner AND endpoint_id = p_id;
  RETURN true;
END $$;
COMMENT ON FUNCTION delete_webhook_endpoint IS
$$Deletes an endpoint: nothing more is sent to it, and its URL and secrets are erased. Answers with false when there is none.$$;

CREATE FUNCTION rotate_webhook_secret(p_owner text, p_id text, p_secret text) RETURNS timestamptz
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, holdfast, pg_temp AS $$
DECLARE
  valid_until timestamptz;
BEGIN
  IF lock_webhook_endpoint(p_owner, p_id) THEN
    UPDATE webhook_secrets SET secret = p_secret, previous_secret = secret, previous_valid_until = clock_timestamp() + interval '24 hours'
      WHERE owner = p_owner AND endpoint_id = p_id RETURNING previous_valid_until INTO valid_until;
  END IF;
  RETURN valid_until;
END $$;
COMMENT ON FUNCTION rotate_webhook_secret IS
$$Sets a new secret; the one before signs beside it for 24 hours, any older one no more. Answers with the end of that; NULL when
there is no such endpoint.$$;

CREATE FUNCTION enable_webhook_endpoint(p_owner text, p_id text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, holdfast, pg_temp AS $$
BEGIN
  IF NOT lock_webhook_endpoint(p_owner, p_id) THEN
    RETURN false;
  END IF;
  UPDATE webhook_endpoints SET disabled_at = NULL, disabled_reason = NULL, failing_since = NULL WHERE owner = p_owner AND id = p_id;
  RETURN true;
END $$;
COMMENT ON FUNCTION enable_webhook_endpoint IS
$$Sends to an endpoint again, from the next settlement on. Answers with false when there is none.$$;

CREATE FUNCTION webhook_to_send(p_owner text, p_endpoint_id text, p_event_id text)
RETURNS TABLE (url text, secrets text[], type text, generation_id text, account_id text, occurred_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, holdfast, pg_temp AS $$
#variable_conflict use_column
DECLARE
  delivery webhook_deliveries;
  endpoint webhook_endpoints;
BEGIN
  SELECT * INTO delivery FROM webhook_deliveries d
    WHERE d.owner = p_owner AND d.endpoint_id = p_endpoint_id AND d.event_id = p_event_id AND d.state = 'pending';
  IF NOT FOUND THEN
    RETURN;
  END IF;
  SELECT * INTO STRICT endpoint FROM webhook_endpoints e WHERE e.owner = p_owner AND e.id = p_endpoint_id;
  IF endpoint.deleted_at IS NOT NULL OR endpoint.disabled_at IS NOT NULL THEN
    UPDATE webhook_deliveries d SET state = 'failed', next_attempt_at = NULL, last_status = NULL,
        last_error = CASE WHEN endpoint.deleted_at IS NULL THEN 'the endpoint is disabled' ELSE 'the endpoint was deleted' END
      WHERE d.owner = p_owner AND d.endpoint_id = p_endpoint_id AND d.event_id = p_event_id AND d.state = 'pending';
    RETURN;
  END IF;
  RETURN QUERY SELECT endpoint.url,
      CASE WHEN s.previous_valid_until > clock_timestamp() THEN ARRAY[s.secret, s.previous_secret] ELSE ARRAY[s.secret] END,
      delivery.type, delivery.generation_id, delivery.account_id, delivery.occurred_at
    FROM webhook_secrets s WHERE s.owner = p_owner AND s.endpoint_id = p_endpoint_id;
END $$;
COMMENT ON FUNCTION webhook_to_send IS
$$What to send, and where to. No row when there is nothing to send any more; a delivery to an endpoint that was deleted or
disabled meanwhile has then failed.$$;

CREATE FUNCTION record_webhook_attempt(
  p_owner text, p_endpoint_id text, p_event_id text, p_status integer, p_error text, p_retry_in_ms bigint, OUT state text, OUT disabled boolean
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, holdfast, pg_temp AS $$
#variable_conflict use_column
DECLARE
  moment timestamptz := clock_timestamp();
  gone boolean := p_status IS NOT DISTINCT FROM 410;
BEGIN
  disabled := false;
  UPDATE webhook_deliveries d SET attempts = d.attempts + 1, tries = d.tries + 1, last_attempt_at = moment, last_status = p_status, last_error = p_error,
      state = CASE WHEN p_error IS NULL THEN 'delivered' WHEN gone OR p_retry_in_ms IS NULL THEN 'failed' ELSE 'pending' END,
      next_attempt_at = CASE WHEN p_error IS NOT NULL AND NOT gone THEN moment + p_retry_in_ms * interval '1 millisecond' END
    WHERE d.owner = p_owner AND d.endpoint_id = p_endpoint_id AND d.event_id = p_event_id AND d.state = 'pending'
    RETURNING d.state INTO record_webhook_attempt.state;
  IF NOT FOUND THEN
    SELECT d.state INTO record_webhook_attempt.state FROM webhook_deliveries d
      WHERE d.owner = p_owner AND d.endpoint_id = p_endpoint_id AND d.event_id = p_event_id;
    RETURN;
  END IF;
  IF p_error IS NULL THEN
    UPDATE webhook_endpoints e SET failing_since = NULL
      WHERE e.owner = p_owner AND e.id = p_endpoint_id AND e.failing_since IS NOT NULL;
    RETURN;
  END IF;
  UPDATE webhook_endpoints e SET failing_since = moment
    WHERE e.owner = p_owner AND e.id = p_endpoint_id AND e.failing_since IS NULL;
  UPDATE webhook_endpoints e SET disabled_at = moment, disabled_reason = CASE WHEN gone THEN 'gone' ELSE 'failing' END
    WHERE e.owner = p_owner AND e.id = p_endpoint_id AND e.disabled_at IS NULL AND e.deleted_at IS NULL
      AND (gone OR record_webhook_attempt.state = 'failed' AND e.failing_since <= moment - interval '3 days');
  disabled := FOUND;
END $$;
COMMENT ON FUNCTION record_webhook_attempt IS
$$Records a try: accepted when p_error is NULL; else the next one comes in p_retry_in_ms, or the delivery is given up when that
is NULL. An endpoint that answers 410 is disabled at once; one that has accepted nothing for three days is disabled when a
delivery to it is given up. Answers with the delivery's state and whether this call disabled the endpoint; a delivery that is
not pending stays as it is.$$;

CREATE FUNCTION redeliver_webhook(p_owner text, p_endpoint_id text, p_event_id text, OUT outcome text, OUT account_id text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, holdfast, pg_temp AS $$
#variable_conflict use_column
DECLARE
  endpoint webhook_endpoints;
BEGIN
  SELECT * INTO endpoint FROM webhook_endpoints e WHERE e.owner = p_owner AND e.id = p_endpoint_id AND e.deleted_at IS NULL;
  SELECT d.account_id INTO redeliver_webhook.account_id FROM webhook_deliveries d
    WHERE d.owner = p_owner AND d.endpoint_id = p_endpoint_id AND d.event_id = p_event_id;
  IF endpoint.id IS NULL OR NOT FOUND THEN
    outcome := 'unknown'; RETURN;
  END IF;
  IF endpoint.disabled_at IS NOT NULL THEN
    outcome := 'disabled'; RETURN;
  END IF;
  -- The clock is read for the row as it stands once its lock is had: a time read earlier would ask twice.
  UPDATE webhook_deliveries d SET next_attempt_at = clock_timestamp(), tries = CASE d.state WHEN 'pending' THEN d.tries ELSE 0 END, state = 'pending'
    WHERE d.owner = p_owner AND d.endpoint_id = p_endpoint_id AND d.event_id = p_event_id
      AND (d.state <> 'pending' OR d.next_attempt_at > clock_timestamp());
  outcome := CASE WHEN FOUND THEN 'asked' ELSE 'pending' END;
END $$;
COMMENT ON FUNCTION redeliver_webhook IS
$$Asks for a delivery once more, whatever became of it. Answers with 'asked' (its workflow is to be told), 'pending' (it is about
to be tried anyway; ten thousand of these tell nobody), 'disabled' (its endpoint is), 'unknown'. account_id: the event's.
Rules: MR-87.$$;

GRANT SELECT ON webhook_endpoints, webhook_deliveries TO holdfast_service;
GRANT EXECUTE ON FUNCTION create_webhook_endpoint, delete_webhook_endpoint, rotate_webhook_secret,
  enable_webhook_endpoint, webhook_to_send, record_webhook_attempt, redeliver_webhook TO holdfast_service;

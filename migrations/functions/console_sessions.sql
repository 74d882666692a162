-- Sessions of the console. A session is used by joining the row of its key, so it ends when its key does.

CREATE FUNCTION open_console_session(p_token_hash bytea, p_kind text, p_api_key_id text, p_lifetime_seconds integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, holdfast, pg_temp AS $$
BEGIN
  -- One at a time, so that two of one key can't both take its last place. Sessions are read meanwhile.
  LOCK TABLE console_sessions IN SHARE ROW EXCLUSIVE MODE;
  DELETE FROM console_sessions WHERE expires_at <= clock_timestamp();
  DELETE FROM console_sessions WHERE token_hash IN (
    SELECT s.token_hash FROM console_sessions s WHERE s.kind = p_kind AND s.api_key_id IS NOT DISTINCT FROM p_api_key_id
    ORDER BY s.opened_at DESC, s.token_hash OFFSET 19);
  INSERT INTO console_sessions (token_hash, kind, api_key_id, expires_at)
    VALUES (p_token_hash, p_kind, p_api_key_id, clock_timestamp() + make_interval(secs => p_lifetime_seconds));
END $$;
COMMENT ON FUNCTION open_console_session IS
$$Opens a session of the console, or adds a link that opens one, for a key; for the admin key if p_api_key_id is NULL. A key has
at most twenty of each: the oldest one makes room. Those that have expired are deleted.$$;

CREATE FUNCTION redeem_console_link(p_link_hash bytea, p_session_hash bytea, p_lifetime_seconds integer) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, holdfast, pg_temp AS $$
DECLARE
  key_id text;
BEGIN
  -- Who only guesses takes no lock.
  IF NOT EXISTS (SELECT FROM console_sessions WHERE token_hash = p_link_hash) THEN RETURN false; END IF;
  -- The lock that opening takes, and takes first: two who redeem would else wait for each other.
  LOCK TABLE console_sessions IN SHARE ROW EXCLUSIVE MODE;
  DELETE FROM console_sessions WHERE token_hash = p_link_hash AND kind = 'link' AND expires_at > clock_timestamp()
    RETURNING api_key_id INTO key_id;
  IF key_id IS NULL THEN RETURN false; END IF;
  PERFORM open_console_session(p_session_hash, 'session', key_id, p_lifetime_seconds);
  RETURN true;
END $$;
COMMENT ON FUNCTION redeem_console_link IS
$$Opens a session with a link, which is used up. False: there is no such link, it was used, or it has expired.$$;

CREATE FUNCTION close_console_session(p_token_hash bytea) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, holdfast, pg_temp AS $$
  DELETE FROM console_sessions WHERE token_hash = p_token_hash
$$;
COMMENT ON FUNCTION close_console_session IS $$Ends a session of the console; one that has ended already stays so.$$;

GRANT SELECT ON console_sessions TO holdfast_service;
GRANT EXECUTE ON FUNCTION open_console_session, redeem_console_link, close_console_session TO holdfast_service;

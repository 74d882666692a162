-- Requests of a key within its requests a minute, by the clock of the database and for all processes of the API together.

CREATE FUNCTION lease_requests(p_key text, p_per_minute integer, p_wanted integer)
RETURNS TABLE (leased integer, ends_in_ms integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, holdfast, pg_temp AS $$
DECLARE
  asked timestamptz;
  ends timestamptz;
  spent integer;
  granted integer;
BEGIN
  INSERT INTO request_windows (api_key_id, ends_at, leased) VALUES (p_key, '-infinity', 0) ON CONFLICT DO NOTHING;
  -- Two processes don't lease the last request both.
  SELECT w.ends_at, w.leased INTO ends, spent FROM request_windows w WHERE w.api_key_id = p_key FOR UPDATE;
  asked := clock_timestamp();
  -- A window that ends later than a minute from now is of a clock that was set back.
  IF ends <= asked OR ends > asked + interval '1 minute' THEN
    ends := asked + interval '1 minute';
    spent := 0;
  END IF;
  granted := greatest(0, least(p_wanted, p_per_minute - spent));
  UPDATE request_windows w SET ends_at = ends, leased = spent + granted WHERE w.api_key_id = p_key;
  -- Rounded down: no process may use its lease after the window has ended.
  RETURN QUERY SELECT granted, floor(extract(epoch FROM ends - asked) * 1000)::integer;
END $$;
COMMENT ON FUNCTION lease_requests IS
$$Leases requests of a key (the first of its rotations) to a process of the API: p_wanted or what is left of p_per_minute in
the key's window, which is the minute from its first lease. The lease may be used until ends_in_ms from the call; what is not
used by then is lost.$$;

GRANT EXECUTE ON FUNCTION lease_requests TO holdfast_service;

-- Calls of a provider within its requests a minute, by the clock of the database and in one line for all processes.

CREATE FUNCTION take_turn(p_provider text, p_per_minute integer, p_call text, p_waiter text)
RETURNS TABLE (wait_ms integer, waiting integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, holdfast, pg_temp AS $$
DECLARE
  burst integer := greatest(1, p_per_minute / 10);
  -- A burst and then a call in each step: never more than p_per_minute in any 60 seconds.
  step double precision := 60.0 / (p_per_minute - burst + 1);
  asked timestamptz;
  -- In seconds until all calls of a burst may be made again.
  debt double precision;
  rank timestamptz;
  ahead integer;
  others integer;
  wait double precision;
BEGIN
  IF p_per_minute IS NULL THEN
    RETURN QUERY SELECT 0, 0; RETURN;
  END IF;
  INSERT INTO provider_paces (provider, whole_at) VALUES (p_provider, clock_timestamp()) ON CONFLICT DO NOTHING;
  -- Two callers don't take the last turn both.
  SELECT extract(epoch FROM p.whole_at) INTO debt FROM provider_paces p WHERE p.provider = p_provider FOR UPDATE;
  asked := clock_timestamp();
  debt := greatest(0, debt - extract(epoch FROM asked));
  IF debt > burst * step THEN
    -- Never more than a burst is owed: the clock was set back, or the limit raised. Kept, because each call would find it anew.
    debt := burst * step;
    UPDATE provider_paces p SET whole_at = asked + debt * interval '1 second' WHERE p.provider = p_provider;
  END IF;
  rank := least(
    asked + CASE p_call WHEN 'urgent' THEN interval '-1 hour' WHEN 'create' THEN interval '0'
      WHEN 'look' THEN interval '15 minutes' ELSE interval '20 minutes' END,
    (SELECT w.rank_at FROM provider_waits w WHERE w.provider = p_provider AND w.waiter = p_waiter));
  SELECT count(*) FILTER (WHERE (w.rank_at, w.waiter) < (rank, COALESCE(p_waiter, ''))), count(*) INTO ahead, others
    FROM provider_waits w WHERE w.provider = p_provider AND w.waiter IS DISTINCT FROM p_waiter
      -- Who does not come in time, because its process died, keeps nobody from a turn; its place is kept.
      AND w.again_at > asked - interval '3 seconds';
  IF debt + (ahead + 1 - burst) * step <= 0 THEN
    UPDATE provider_paces p SET whole_at = asked + (debt + step) * interval '1 second' WHERE p.provider = p_provider;
    DELETE FROM provider_waits w WHERE w.provider = p_provider AND w.waiter = p_waiter;
    RETURN QUERY SELECT 0, others; RETURN;
  END IF;
  -- Until those ahead have had theirs. What went ahead meanwhile is seen the next time; an urgent call has few tries.
  wait := least(debt + (ahead + 1 - burst) * step, CASE p_call WHEN 'urgent' THEN 600 ELSE 30 END);
  IF p_waiter IS NOT NULL THEN
    DELETE FROM provider_waits w WHERE w.provider = p_provider AND w.again_at < asked - interval '10 minutes';
    INSERT INTO provider_waits (provider, waiter, rank_at, again_at) VALUES (p_provider, p_waiter, rank, asked + wait * interval '1 second')
      ON CONFLICT (provider, waiter) DO UPDATE SET rank_at = EXCLUDED.rank_at, again_at = EXCLUDED.again_at;
    others := others + 1;
  END IF;
  RETURN QUERY SELECT greatest(1, ceil(wait * 1000)::integer), others;
END $$;
COMMENT ON FUNCTION take_turn IS
$$Takes one of the calls that may be made of a provider (an identity): p_per_minute in any 60 seconds, NULL for no limit. wait_ms 0:
the call may be made now. Else it may not, and comes again after so long; p_waiter keeps its place in the line, NULL takes none.
waiting: how many wait there now. p_call: 'urgent' (a hold's last look, or the rest of what is begun), then 'create', 'look', and
all others. A look that has waited for 15 minutes goes before a new create, any other call after 20: nothing starves.
Rules: MR-100.$$;

GRANT EXECUTE ON FUNCTION take_turn TO holdfast_service;

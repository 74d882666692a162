-- The sweep of a provider's list: it makes workflows look sooner, and decides nothing.

CREATE FUNCTION keep_sweep(p_provider text, p_sweeper text, p_lease_ms integer, p_shown integer, p_missed integer) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, holdfast, pg_temp AS $$
DECLARE
  asked timestamptz := clock_timestamp();
BEGIN
  INSERT INTO provider_sweeps AS s (provider, sweeper, lease_until, shown, missed)
    VALUES (p_provider, p_sweeper, asked + p_lease_ms * interval '1 millisecond', COALESCE(p_shown, 0), COALESCE(p_missed, 0))
    ON CONFLICT (provider) DO UPDATE SET sweeper = EXCLUDED.sweeper, lease_until = EXCLUDED.lease_until,
      shown = COALESCE(p_shown, s.shown), missed = COALESCE(p_missed, s.missed)
    WHERE s.sweeper = p_sweeper OR s.lease_until < asked
      -- The clock was set back; no lease is that long.
      OR s.lease_until > asked + interval '5 minutes';
  RETURN FOUND;
END $$;
COMMENT ON FUNCTION keep_sweep IS
$$Takes or renews the right to sweep a provider's list, which one activity (p_sweeper) has at a time; a lease of 0 gives it back.
Records what its last round saw, NULL: as before. Answers with whether p_sweeper has it.$$;

CREATE FUNCTION sweep_tells(p_provider text) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, holdfast, pg_temp AS $$
  SELECT EXISTS (SELECT FROM provider_sweeps s
    WHERE s.provider = p_provider AND s.lease_until > clock_timestamp() AND s.shown > 0 AND s.missed * 10 <= s.shown)
$$;
COMMENT ON FUNCTION sweep_tells IS
$$Whether a sweep is at work at a provider (an identity), and the list has shown what was open there: all but a tenth. Then
workflows look less often themselves. A list that shows one replica's videos, or none, is not relied on.$$;

CREATE FUNCTION take_sweep_nudges(p_generation_ids text[], p_why text) RETURNS SETOF text
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, holdfast, pg_temp AS $$
  INSERT INTO provider_nudges AS n (generation_id, listed_ended, listed_vanished)
    SELECT g.id, (p_why = 'ended')::integer, (p_why = 'vanished')::integer FROM generations g
      WHERE g.id = ANY(p_generation_ids) AND g.state = 'held' AND g.provider_verdict = 'open' ORDER BY g.id
    ON CONFLICT (generation_id) DO UPDATE
      SET listed_ended = n.listed_ended + EXCLUDED.listed_ended, listed_vanished = n.listed_vanished + EXCLUDED.listed_vanished
      WHERE n.listed_ended + EXCLUDED.listed_ended <= 1 AND n.listed_vanished + EXCLUDED.listed_vanished <= 3
    RETURNING n.generation_id
$$;
COMMENT ON FUNCTION take_sweep_nudges IS
$$Answers with those of these generations whose workflow should look now, and counts that: once because a list shows the video
ended (p_why 'ended'), three times because it does not show it any more ('vanished'). Only an open video of an active hold is
looked at. It moves nothing.
Rules: MR-4, MR-87.$$;

GRANT SELECT ON provider_sweeps TO holdfast_service;
GRANT EXECUTE ON FUNCTION keep_sweep, sweep_tells, take_sweep_nudges TO holdfast_service;

-- Whether a provider answers, by probes of our own, and has room: where not, nothing new is begun there, and what runs goes on.

CREATE FUNCTION provider_is_down(p_provider text) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, holdfast, pg_temp AS $$
  -- Some process is sure that it fails, and every process fails: one whose own network is broken closes nothing.
  SELECT COALESCE(bool_and(p.failures > 0) AND bool_or(p.failures >= 3 AND p.last_at - p.failing_since >= interval '10 seconds'), false)
    FROM provider_probes p
    WHERE p.last_at > clock_timestamp() - interval '1 minute'
      AND CASE WHEN p_provider IS NULL THEN p.is_default ELSE p_provider IN (p.provider, split_part(p.provider, '@', 1)) END
$$;
COMMENT ON FUNCTION provider_is_down IS
$$Whether nothing new may be begun at a provider, given by its name, by what generations are bound to, or as NULL for the default
one. It is down when every process that probed it in the last minute failed, one of them three times in a row over ten seconds.
A provider that nobody probes is not down.
Rules: MR-76.$$;

CREATE FUNCTION record_provider_probe(p_prober text, p_provider text, p_is_default boolean, p_why text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, holdfast, pg_temp AS $$
DECLARE
  probed timestamptz := clock_timestamp();
BEGIN
  INSERT INTO provider_probes AS p (provider, prober, is_default, last_at, failures, failing_since, why)
    VALUES (p_provider, p_prober, p_is_default, probed, CASE WHEN p_why IS NULL THEN 0 ELSE 1 END,
            CASE WHEN p_why IS NOT NULL THEN probed END, left(p_why, 300))
    ON CONFLICT (provider, prober) DO UPDATE SET is_default = EXCLUDED.is_default, last_at = EXCLUDED.last_at, why = EXCLUDED.why,
      failures = CASE WHEN p_why IS NULL THEN 0 ELSE least(p.failures, 1000000) + 1 END,
      -- The earlier one: the clock may have been set back.
      failing_since = CASE WHEN p_why IS NOT NULL THEN least(p.failing_since, probed) END;
  -- Two processes that wake after an hour don't wait for each other's rows.
  DELETE FROM provider_probes WHERE (provider, prober) IN (
    SELECT p.provider, p.prober FROM provider_probes p WHERE p.last_at < probed - interval '1 hour' FOR UPDATE SKIP LOCKED);
  RETURN provider_is_down(p_provider);
END $$;
COMMENT ON FUNCTION record_provider_probe IS
$$Records what a process saw when it probed a provider; p_why says why that failed, NULL: it was answered. Returns whether the
provider is down, by the probes of all processes.
Rules: MR-76.$$;

CREATE FUNCTION provider_is_full(
  p_provider_name text, p_providers text[], p_videos_at_once integer[], p_account_id text, p_amount_microcredits bigint
) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, holdfast, pg_temp AS $$
DECLARE
  name text := COALESCE(p_provider_name, p_providers[1]);
  places integer := p_videos_at_once[array_position(p_providers, name)];
BEGIN
  IF places IS NULL THEN
    RETURN false;
  END IF;
  -- Two callers don't take the last place both: the second counts what the first has written.
  PERFORM pg_advisory_xact_lock(hashtextextended(name, 3));
  -- Requests that an account can't all pay would keep others from the places until they are refused.
  IF EXISTS (SELECT FROM accounts a WHERE a.id = p_account_id AND a.available_microcredits < p_amount_microcredits + (
      SELECT sum(g.amount_microcredits) FROM generations g WHERE g.account_id = a.id AND g.state = 'requested' AND g.admit_by > clock_timestamp())) THEN
    RETURN true;
  END IF;
  RETURN (SELECT count(*) >= places FROM (
    SELECT FROM (
      SELECT g.provider, g.provider_name, g.kind, g.claim_of FROM generations g WHERE g.counts_as_active
        -- A server that was restarted has forgotten its videos and makes nothing, though the account's cap still counts them.
        AND (g.state = 'held' OR g.provider_verdict = 'open' AND g.last_look_at > clock_timestamp() - interval '10 minutes')
      UNION ALL
      SELECT g.provider, g.provider_name, g.kind, g.claim_of FROM generations g WHERE g.state = 'requested' AND g.admit_by > clock_timestamp()
    ) AS g
    WHERE g.kind = 'video' AND g.claim_of IS NULL AND COALESCE(split_part(g.provider, '@', 1), g.provider_name, p_providers[1]) = name
    LIMIT places) AS open);
END $$;
COMMENT ON FUNCTION provider_is_full IS
$$Internal. Whether a provider, given by its name or as NULL for the first of p_providers, makes as many videos as it may have at
once: p_videos_at_once has the limits of p_providers in their order, NULL for none. It counts what may be made there: requests
that wait for their hold, what is held, and what was released unfinished and a look of the last ten minutes saw there; no claims.
For p_account_id there is no place either while its requests that wait for their hold leave less than p_amount_microcredits of its
balance; NULL in a quote. It locks the provider's places until the transaction ends.
Rules: MR-99.$$;

GRANT SELECT ON provider_probes TO holdfast_service;
GRANT EXECUTE ON FUNCTION provider_is_down, provider_is_full, record_provider_probe TO holdfast_service;

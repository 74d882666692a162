-- What each worker process saw when it last probed each provider. The rows of processes that ended are removed after an hour.
CREATE TABLE provider_probes (
  -- As generations are bound to it: name and origin.
  provider text NOT NULL CONSTRAINT provider_probes_provider_length CHECK (length(provider) BETWEEN 1 AND 1000),
  -- Of one process, made at its start.
  prober text NOT NULL CONSTRAINT provider_probes_prober_length CHECK (length(prober) BETWEEN 1 AND 100),
  -- Whether it makes what is sold without naming a provider.
  is_default boolean NOT NULL,
  last_at timestamptz NOT NULL,
  -- In a row; zero when the last probe was answered.
  failures integer NOT NULL CONSTRAINT provider_probes_failures_range CHECK (failures >= 0),
  -- When the first of those was recorded, and why the last one failed, in an operator's words.
  failing_since timestamptz,
  why text,
  PRIMARY KEY (provider, prober),
  CONSTRAINT provider_probes_failing CHECK ((failures = 0) = (failing_since IS NULL) AND (failures = 0) = (why IS NULL))
);

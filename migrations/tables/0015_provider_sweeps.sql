-- The sweep of each provider's list: who does it now, and whether the list shows what is open. It moves nothing.
CREATE TABLE provider_sweeps (
  -- As generations are bound to it: name and origin.
  provider text PRIMARY KEY CONSTRAINT provider_sweeps_provider_length CHECK (length(provider) BETWEEN 1 AND 1000),
  -- Of one run of the activity, made at its start.
  sweeper text NOT NULL CONSTRAINT provider_sweeps_sweeper_length CHECK (length(sweeper) BETWEEN 1 AND 100),
  -- Renewed while it works, whether or not anything is open; until then nobody else sweeps that list.
  lease_until timestamptz NOT NULL,
  -- Of the videos that were open in its last round: how many the list showed, and how many it did not show in two rounds.
  shown integer NOT NULL DEFAULT 0 CONSTRAINT provider_sweeps_shown_range CHECK (shown >= 0),
  missed integer NOT NULL DEFAULT 0 CONSTRAINT provider_sweeps_missed_range CHECK (missed >= 0)
);

-- The calls of providers that may be called so many times a minute: what is left of it, and who waits. One row for each provider.
CREATE TABLE provider_paces (
  -- As generations are bound to it: name and origin.
  provider text PRIMARY KEY CONSTRAINT provider_paces_provider_length CHECK (length(provider) BETWEEN 1 AND 1000),
  -- When all calls of a burst may be made again; each call moves it on by one step.
  whole_at timestamptz NOT NULL
);

-- Calls that found no turn, and come again. What stays away is removed after ten minutes.
CREATE TABLE provider_waits (
  provider text NOT NULL CONSTRAINT provider_waits_provider_length CHECK (length(provider) BETWEEN 1 AND 1000),
  -- A generation that waits for its create, or an activity of a workflow.
  waiter text NOT NULL CONSTRAINT provider_waits_waiter_length CHECK (length(waiter) BETWEEN 1 AND 1000),
  -- The earlier goes first: when it first asked, and later by as much as it can wait.
  rank_at timestamptz NOT NULL,
  -- When it was told to ask again. It keeps others from its turn until shortly after that.
  again_at timestamptz NOT NULL,
  PRIMARY KEY (provider, waiter)
);

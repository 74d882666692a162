-- Which accounts the reconciler compares next: some at each run, all in turn.
CREATE TABLE reconciler_progress (
  task text PRIMARY KEY,
  position text NOT NULL,
  advanced_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

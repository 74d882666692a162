-- Which build of the workers was current last, as Temporal's loss of its database must not decide it anew. At most one row.
CREATE TABLE current_build (
  is_only boolean PRIMARY KEY DEFAULT true CONSTRAINT current_build_is_only CHECK (is_only),
  build_id text NOT NULL CONSTRAINT current_build_length CHECK (length(build_id) BETWEEN 1 AND 100),
  recorded_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

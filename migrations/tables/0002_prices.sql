-- The price book. A price is never edited: a new row with a later `effective_from` takes its place, and each generation
-- keeps a snapshot of the row it was priced by.
CREATE TABLE prices (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  model text NOT NULL,
  size text NOT NULL,
  provider_cost_microcredits_per_second bigint NOT NULL
    CONSTRAINT prices_provider_cost_microcredits_per_second_range CHECK (provider_cost_microcredits_per_second BETWEEN 1 AND 1000000000000),
  -- Hundredths of a percent of the price that are not the provider's: 3000 = 0.30.
  margin_basis_points integer NOT NULL CONSTRAINT prices_margin_basis_points_range CHECK (margin_basis_points BETWEEN 0 AND 9999),
  effective_from timestamptz NOT NULL DEFAULT now(),
  key text CONSTRAINT prices_key UNIQUE CONSTRAINT prices_key_length CHECK (length(key) BETWEEN 1 AND 255),
  recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  recorded_by text NOT NULL DEFAULT session_user,
  UNIQUE (model, size, effective_from),
  -- A minute of video, longer than any that is offered, still has an exact price (price_microcredits).
  CONSTRAINT prices_exact CHECK (
    provider_cost_microcredits_per_second::numeric * 60 * 10000 / (10000 - margin_basis_points) <= 9007199254740991)
);

INSERT INTO prices (model, size, provider_cost_microcredits_per_second, margin_basis_points, effective_from)
SELECT model, size, cost, 3000, 'epoch'
FROM (VALUES
  ('sora-2', '720x1280', 100000), ('sora-2', '1280x720', 100000),
  ('sora-2-pro', '720x1280', 300000), ('sora-2-pro', '1280x720', 300000),
  ('sora-2-pro', '1024x1792', 500000), ('sora-2-pro', '1792x1024', 500000),
  ('sora-2-pro', '1080x1920', 700000), ('sora-2-pro', '1920x1080', 700000)
) AS defaults (model, size, cost);

-- Versioned like prices: never edited, a later `effective_from` takes the place, each text keeps the row it was priced by.
CREATE TABLE text_prices (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  model text NOT NULL,
  input_cost_microcredits_per_million_tokens bigint NOT NULL
    CONSTRAINT text_prices_input_cost_microcredits_per_million_tokens_range CHECK (input_cost_microcredits_per_million_tokens BETWEEN 0 AND 1000000000000),
  output_cost_microcredits_per_million_tokens bigint NOT NULL
    CONSTRAINT text_prices_output_cost_microcredits_per_million_tokens_range CHECK (output_cost_microcredits_per_million_tokens BETWEEN 1 AND 1000000000000),
  margin_basis_points integer NOT NULL CONSTRAINT text_prices_margin_basis_points_range CHECK (margin_basis_points BETWEEN 0 AND 9999),
  effective_from timestamptz NOT NULL DEFAULT now(),
  key text CONSTRAINT text_prices_key UNIQUE CONSTRAINT text_prices_key_length CHECK (length(key) BETWEEN 1 AND 255),
  recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  recorded_by text NOT NULL DEFAULT session_user,
  UNIQUE (model, effective_from)
);

INSERT INTO text_prices (model, input_cost_microcredits_per_million_tokens, output_cost_microcredits_per_million_tokens, margin_basis_points, effective_from)
VALUES ('gpt-4.1-mini', 400000, 1600000, 3000, 'epoch');

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

-- What is sold of a video model besides its sizes, whose prices are above: who makes it, in which lengths, and with which
-- parameters. Versioned like prices; each generation keeps the row it was sold by.
CREATE TABLE offers (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  model text NOT NULL CONSTRAINT offers_model_length CHECK (length(model) BETWEEN 1 AND 100),
  -- A version that is not for sale withdraws the model.
  for_sale boolean NOT NULL DEFAULT true,
  -- The provider's name; NULL: the default one.
  provider text CONSTRAINT offers_provider_is_a_name CHECK (provider ~ '^[a-z][a-z0-9-]{0,31}$'),
  -- The model's name there; NULL: the same.
  provider_model text CONSTRAINT offers_provider_model_length CHECK (length(provider_model) BETWEEN 1 AND 200),
  -- In whole seconds, ascending.
  lengths integer[] NOT NULL DEFAULT '{4,8,12,16,20}'
    CONSTRAINT offers_lengths_range CHECK (cardinality(lengths) BETWEEN 1 AND 60 AND 1 <= ALL (lengths) AND 60 >= ALL (lengths)),
  -- Which of the model's priced sizes are sold; NULL: all of them.
  sizes text[] CONSTRAINT offers_sizes_count CHECK (cardinality(sizes) BETWEEN 1 AND 100),
  -- The names under which length and size are sent to the provider.
  length_field text NOT NULL DEFAULT 'seconds' CONSTRAINT offers_length_field_known CHECK (length_field IN ('seconds', 'duration')),
  size_field text NOT NULL DEFAULT 'size' CONSTRAINT offers_size_field_known CHECK (size_field IN ('size', 'resolution')),
  -- What else a request may say, and what that does to the price; offer_fault (functions/offers.sql) has their form.
  parameters jsonb NOT NULL DEFAULT '[]',
  -- Whether options such as `--rs 1080p` are refused in the prompt: some models read them there.
  prompt_flags text NOT NULL DEFAULT 'allow' CONSTRAINT offers_prompt_flags_known CHECK (prompt_flags IN ('allow', 'refuse')),
  -- What is charged where less was made than was sold.
  charge_rule text NOT NULL DEFAULT 'as_sold' CONSTRAINT offers_charge_rule_known CHECK (charge_rule IN ('as_made', 'as_sold')),
  effective_from timestamptz NOT NULL DEFAULT now(),
  key text CONSTRAINT offers_key UNIQUE CONSTRAINT offers_key_length CHECK (length(key) BETWEEN 1 AND 255),
  recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  recorded_by text NOT NULL DEFAULT session_user,
  UNIQUE (model, effective_from)
);

INSERT INTO offers (model, effective_from) VALUES ('sora-2', 'epoch'), ('sora-2-pro', 'epoch');

-- Versioned like prices: never edited, a later `effective_from` takes the place, each text keeps the row it was priced by.
CREATE TABLE text_prices (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  model text NOT NULL,
  -- False withdraws the model, as in `offers`.
  for_sale boolean NOT NULL DEFAULT true,
  -- Who writes it, and the model's name there, as in `offers`.
  provider text CONSTRAINT text_prices_provider_is_a_name CHECK (provider ~ '^[a-z][a-z0-9-]{0,31}$'),
  provider_model text CONSTRAINT text_prices_provider_model_length CHECK (length(provider_model) BETWEEN 1 AND 200),
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

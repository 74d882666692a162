-- Provider's cost a second ÷ (1 − margin), × seconds, rounded up to the microcredit; exact throughout.
CREATE FUNCTION price_microcredits(p_cost_per_second bigint, p_margin_basis_points integer, p_seconds integer)
RETURNS bigint LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT ceil(p_cost_per_second::numeric * p_seconds * 10000 / (10000 - p_margin_basis_points))::bigint
$$;

-- The price book. A price is never edited: a new row with a later `effective_from` takes its place, and each generation
-- keeps a snapshot of the row it was priced by.
CREATE TABLE prices (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  model text NOT NULL,
  size text NOT NULL,
  provider_cost_microcredits_per_second bigint NOT NULL CHECK (provider_cost_microcredits_per_second BETWEEN 1 AND 1000000000000),
  -- Hundredths of a percent of the price that are not the provider's: 3000 = 0.30.
  margin_basis_points integer NOT NULL CHECK (margin_basis_points BETWEEN 0 AND 9999),
  effective_from timestamptz NOT NULL DEFAULT now(),
  UNIQUE (model, size, effective_from),
  -- A minute of video, longer than any that is offered, still has an exact price.
  CHECK (price_microcredits(provider_cost_microcredits_per_second, margin_basis_points, 60) <= 9007199254740991)
);
CREATE TRIGGER prices_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON prices
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE VIEW current_prices AS
  SELECT DISTINCT ON (model, size) id, model, size, provider_cost_microcredits_per_second, margin_basis_points, effective_from
  FROM prices WHERE effective_from <= now()
  ORDER BY model, size, effective_from DESC;

INSERT INTO prices (model, size, provider_cost_microcredits_per_second, margin_basis_points, effective_from)
SELECT model, size, cost, 3000, 'epoch'
FROM (VALUES
  ('sora-2', '720x1280', 100000), ('sora-2', '1280x720', 100000),
  ('sora-2-pro', '720x1280', 300000), ('sora-2-pro', '1280x720', 300000),
  ('sora-2-pro', '1024x1792', 500000), ('sora-2-pro', '1792x1024', 500000),
  ('sora-2-pro', '1080x1920', 700000), ('sora-2-pro', '1920x1080', 700000)
) AS defaults (model, size, cost);

GRANT SELECT ON prices, current_prices TO holdfast_service;
GRANT EXECUTE ON FUNCTION price_microcredits TO holdfast_service;

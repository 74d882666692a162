-- New versions of prices. A version begins at a moment that is still to come, so what was quoted before stays what it was;
-- a generation keeps the version that it was admitted by.

ALTER TABLE prices
  ADD COLUMN key text CONSTRAINT prices_key UNIQUE CHECK (length(key) BETWEEN 1 AND 255),
  ADD COLUMN recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  ADD COLUMN recorded_by text NOT NULL DEFAULT session_user;

-- Sets the price of a model and size from a moment on, from now on when that is NULL; once a key.
-- outcome: 'set', 'key_reused', 'in_the_past', 'already_set' (another version begins at that very moment).
CREATE FUNCTION set_price(
  p_model text, p_size text, p_cost_per_second bigint, p_margin_basis_points integer, p_effective_from timestamptz, p_key text
) RETURNS TABLE (outcome text, price_id bigint, effective_from timestamptz, replayed boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
#variable_conflict use_column
DECLARE
  price prices;
  recorded timestamptz := clock_timestamp();
BEGIN
  -- Two callers with one key: the second waits here, and then finds the first one's row.
  PERFORM pg_advisory_xact_lock(hashtextextended('price ' || p_key, 0));
  SELECT * INTO price FROM prices p WHERE p.key = p_key;
  IF FOUND THEN
    IF (price.model, price.size, price.provider_cost_microcredits_per_second, price.margin_basis_points, price.effective_from)
       IS DISTINCT FROM (p_model, p_size, p_cost_per_second, p_margin_basis_points, COALESCE(p_effective_from, price.recorded_at)) THEN
      RETURN QUERY SELECT 'key_reused', NULL::bigint, NULL::timestamptz, false; RETURN;
    END IF;
    RETURN QUERY SELECT 'set', price.id, price.effective_from, true; RETURN;
  END IF;
  IF p_effective_from < recorded THEN
    RETURN QUERY SELECT 'in_the_past', NULL::bigint, NULL::timestamptz, false; RETURN;
  END IF;
  INSERT INTO prices AS p (model, size, provider_cost_microcredits_per_second, margin_basis_points, effective_from, key, recorded_at)
    VALUES (p_model, p_size, p_cost_per_second, p_margin_basis_points, COALESCE(p_effective_from, recorded), p_key, recorded)
    ON CONFLICT (model, size, effective_from) DO NOTHING RETURNING * INTO price;
  IF NOT FOUND THEN
    RETURN QUERY SELECT 'already_set', NULL::bigint, NULL::timestamptz, false; RETURN;
  END IF;
  RETURN QUERY SELECT 'set', price.id, price.effective_from, false;
END $$;
GRANT EXECUTE ON FUNCTION set_price TO holdfast_service;

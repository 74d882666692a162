-- New versions of the prices of texts, as set_price for videos: a version begins at a moment that is still to come, and a
-- text keeps the version that it was admitted by.
-- outcome: 'set', 'key_reused', 'in_the_past', 'already_set' (another version begins at that very moment).
CREATE FUNCTION set_text_price(
  p_model text, p_input_cost bigint, p_output_cost bigint, p_margin_basis_points integer, p_effective_from timestamptz, p_key text
) RETURNS TABLE (outcome text, price_id bigint, effective_from timestamptz, replayed boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
#variable_conflict use_column
DECLARE
  price text_prices;
  recorded timestamptz := clock_timestamp();
BEGIN
  -- Two callers with one key: the second waits here, and then finds the first one's row.
  PERFORM pg_advisory_xact_lock(hashtextextended('text price ' || p_key, 0));
  SELECT * INTO price FROM text_prices p WHERE p.key = p_key;
  IF FOUND THEN
    IF (price.model, price.input_cost_microcredits_per_million_tokens, price.output_cost_microcredits_per_million_tokens, price.margin_basis_points, price.effective_from)
       IS DISTINCT FROM (p_model, p_input_cost, p_output_cost, p_margin_basis_points, COALESCE(p_effective_from, price.recorded_at)) THEN
      RETURN QUERY SELECT 'key_reused', NULL::bigint, NULL::timestamptz, false; RETURN;
    END IF;
    RETURN QUERY SELECT 'set', price.id, price.effective_from, true; RETURN;
  END IF;
  IF p_effective_from < recorded THEN
    RETURN QUERY SELECT 'in_the_past', NULL::bigint, NULL::timestamptz, false; RETURN;
  END IF;
  INSERT INTO text_prices AS p (model, input_cost_microcredits_per_million_tokens, output_cost_microcredits_per_million_tokens,
      margin_basis_points, effective_from, key, recorded_at)
    VALUES (p_model, p_input_cost, p_output_cost, p_margin_basis_points, COALESCE(p_effective_from, recorded), p_key, recorded)
    ON CONFLICT (model, effective_from) DO NOTHING RETURNING * INTO price;
  IF NOT FOUND THEN
    RETURN QUERY SELECT 'already_set', NULL::bigint, NULL::timestamptz, false; RETURN;
  END IF;
  RETURN QUERY SELECT 'set', price.id, price.effective_from, false;
END $$;
GRANT EXECUTE ON FUNCTION set_text_price TO holdfast_service;

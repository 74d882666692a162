-- The operators' switch: closed, nothing new is admitted, and what was admitted goes on as ever.

CREATE TRIGGER sales_changes_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON sales_changes FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION set_sales(p_is_open boolean, p_reason text, p_key text)
RETURNS TABLE (outcome text, is_open boolean, reason text, changed_at timestamptz, replayed boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, holdfast, pg_temp AS $$
#variable_conflict use_column
DECLARE
  change sales_changes;
  before boolean;
BEGIN
  -- Two callers with one key are served one after the other.
  PERFORM pg_advisory_xact_lock(hashtextextended('sales', 0));
  SELECT * INTO change FROM sales_changes s WHERE s.key = p_key;
  before := FOUND;
  IF before AND (change.is_open, change.reason) IS DISTINCT FROM (p_is_open, p_reason) THEN
    RETURN QUERY SELECT 'key_reused', NULL::boolean, NULL::text, NULL::timestamptz, false; RETURN;
  END IF;
  IF NOT before THEN
    INSERT INTO sales_changes (key, is_open, reason) VALUES (p_key, p_is_open, p_reason) RETURNING * INTO change;
  END IF;
  RETURN QUERY SELECT 'set', change.is_open, change.reason, change.changed_at, before;
END $$;
COMMENT ON FUNCTION set_sales IS
$$Opens or closes sales, once per key. Closed, nothing new is admitted, and what was admitted goes on as before.
outcome: 'set' (a repeat answers with the first one's), 'key_reused'.
Rules: MR-26, MR-90.$$;

CREATE FUNCTION sales_are_closed() RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, holdfast, pg_temp AS $$
  SELECT COALESCE((SELECT NOT s.is_open FROM sales_changes s ORDER BY s.id DESC LIMIT 1), false)
$$;
COMMENT ON FUNCTION sales_are_closed IS
$$Internal. Whether nothing new may be admitted.
Rules: MR-26.$$;

GRANT SELECT ON sales_changes TO holdfast_service;
GRANT EXECUTE ON FUNCTION set_sales TO holdfast_service;

-- Which build of the workers was current last.

CREATE FUNCTION record_current_build(p_build_id text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, holdfast, pg_temp AS $$
  INSERT INTO current_build AS c (build_id) VALUES (p_build_id)
    ON CONFLICT (is_only) DO UPDATE SET build_id = EXCLUDED.build_id, recorded_at = EXCLUDED.recorded_at
    WHERE c.build_id <> EXCLUDED.build_id
$$;
COMMENT ON FUNCTION record_current_build IS
$$Records which build of the workers is current in Temporal. It is made current again if Temporal loses its database.$$;

GRANT SELECT ON current_build TO holdfast_service;
GRANT EXECUTE ON FUNCTION record_current_build TO holdfast_service;

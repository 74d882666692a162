-- For the customer who asks why it took so long: how often, and for how long, no answer of the provider could be recorded
-- before one was. It moves nothing.
CREATE FUNCTION note_unreachable(p_generation_id text, p_tries integer, p_for_ms bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  PERFORM lock_generation(p_generation_id);
  PERFORM append_event(p_generation_id, 'unreachable', jsonb_build_object('tries', p_tries, 'for_ms', p_for_ms));
END $$;
GRANT EXECUTE ON FUNCTION note_unreachable TO holdfast_service;

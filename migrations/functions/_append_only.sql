-- Tables whose rows stay as they were written. The first of these files, for the triggers of the others use it.

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, holdfast, pg_temp AS $$
BEGIN
  RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'HF004';
END $$;
COMMENT ON FUNCTION refuse_change IS
$$Trigger: refuses the statement, for a table whose rows stay as they were written.
Raises HF004, always.
Rules: MR-42, MR-70, MR-85.$$;

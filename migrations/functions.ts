import type pg from 'pg';

/** Not what belongs to an extension, or to another role. */
const ours = (catalog: string, owner: string) => `${owner} = current_user::regrole AND NOT EXISTS (
  SELECT FROM pg_depend d WHERE d.classid = '${catalog}'::regclass AND d.objid = ${catalog}.oid AND d.deptype = 'e')`;

const OUR_FUNCTIONS = `SELECT oid, oid::regprocedure AS signature, prolang FROM pg_proc
  WHERE pronamespace = 'public'::regnamespace AND prokind = 'f' AND ${ours('pg_proc', 'proowner')}`;

const OUR_RELATIONS = `SELECT oid, oid::regclass AS name, relkind FROM pg_class
  WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v') AND ${ours('pg_class', 'relowner')}`;

// The newest first: what was made later may need what was made before, never the other way round.
const DROPS = `WITH functions AS (${OUR_FUNCTIONS}), relations AS (${OUR_RELATIONS})
  SELECT 1 AS step, t.oid, format('DROP TRIGGER %I ON %s', t.tgname, r.name) AS sql
    FROM pg_trigger t JOIN functions f ON f.oid = t.tgfoid JOIN relations r ON r.oid = t.tgrelid WHERE NOT t.tgisinternal
  UNION ALL SELECT 2, oid, format('DROP VIEW %s', name) FROM relations WHERE relkind = 'v'
  UNION ALL SELECT 3, oid, format('DROP FUNCTION %s', signature) FROM functions
  UNION ALL SELECT 4, oid, format('REVOKE ALL ON %s FROM PUBLIC, holdfast_service', name) FROM relations WHERE relkind = 'r'
  ORDER BY step, oid DESC`;

/**
 * Drops our triggers, views and functions, and takes the service's rights on the tables: the files make all of them again.
 * Never cascades: what somebody else made of them keeps the schema as it is, with an error that names it.
 */
export async function dropFunctions(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ sql: string }>(DROPS);
  for (const { sql } of rows) await client.query(sql);
}

const REVOKES = `WITH functions AS (${OUR_FUNCTIONS})
  SELECT format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', signature) AS sql FROM functions`;

const CHECKS = `WITH functions AS (${OUR_FUNCTIONS})
  SELECT CASE l.lanname WHEN 'sql' THEN fmgr_sql_validator(f.oid) ELSE plpgsql_validator(f.oid) END
  FROM functions f JOIN pg_language l ON l.oid = f.prolang WHERE l.lanname IN ('sql', 'plpgsql')`;

/**
 * Takes the right to execute that PostgreSQL gives PUBLIC with every new function, whichever role made it; checks the
 * bodies, which may name what was made after them; and notes which rights there are now, for the doctor to compare.
 */
export async function finishFunctions(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ sql: string }>(REVOKES);
  for (const { sql } of rows) await client.query(sql);
  await client.query('SET LOCAL check_function_bodies = on');
  await client.query(CHECKS);
  await client.query('DELETE FROM expected_rights; INSERT INTO expected_rights SELECT line FROM rights');
}

import type pg from 'pg';

/** Not what belongs to an extension, or to another role. */
const ours = (catalog: string, owner: string) => `${owner} = current_user::regrole AND NOT EXISTS (
  SELECT FROM pg_depend d WHERE d.classid = '${catalog}'::regclass AND d.objid = ${catalog}.oid AND d.deptype = 'e')`;

const OUR_FUNCTIONS = `SELECT oid, oid::regprocedure AS signature, prolang FROM pg_proc
  WHERE pronamespace = 'holdfast'::regnamespace AND prokind = 'f' AND ${ours('pg_proc', 'proowner')}`;

const OUR_RELATIONS = `SELECT oid, oid::regclass AS name, relkind FROM pg_class
  WHERE relnamespace = 'holdfast'::regnamespace AND relkind IN ('r', 'v') AND ${ours('pg_class', 'relowner')}`;

// The newest first: what was made later may need what was made before, never the other way round.
const DROPS = `WITH functions AS (${OUR_FUNCTIONS}), relations AS (${OUR_RELATIONS})
  SELECT 1 AS step, t.oid, format('DROP TRIGGER %I ON %s', t.tgname, r.name) AS sql
    FROM pg_trigger t JOIN functions f ON f.oid = t.tgfoid JOIN relations r ON r.oid = t.tgrelid WHERE NOT t.tgisinternal
  UNION ALL SELECT 2, oid, format('DROP VIEW %s', name) FROM relations WHERE relkind = 'v'
  UNION ALL SELECT 3, oid, format('DROP FUNCTION %s', signature) FROM functions
  UNION ALL SELECT 4, oid, format('REVOKE ALL ON %s FROM PUBLIC, holdfast_service', name) FROM relations WHERE relkind = 'r'
  UNION ALL SELECT 5, 0, 'REVOKE ALL ON SCHEMA holdfast FROM PUBLIC, holdfast_service'
  ORDER BY step, oid DESC`;

/** Raises where the schema has something before the first migration, which would be dropped with what is ours. */
export async function refuseOccupiedSchema(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{
    what: string;
  }>(`WITH functions AS (${OUR_FUNCTIONS}), relations AS (${OUR_RELATIONS})
    SELECT signature::text AS what FROM functions UNION ALL SELECT name::text FROM relations ORDER BY what LIMIT 1`);
  for (const { what } of rows) {
    throw new Error(`The schema holdfast has ${what}, which is not of Holdfast: move it to another schema first.`);
  }
}

/**
 * Drops our triggers, views and functions, and takes the service's rights on the schema and its tables: the files make all
 * of them again.
 * Never cascades: what somebody else made of them keeps the schema as it is, with an error that names it.
 */
export async function dropFunctions(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ sql: string }>(DROPS);
  for (const { sql } of rows) await client.query(sql);
}

// All but reading by the operator's own roles, and EXECUTE for PUBLIC, which is taken from each function.
const GIVEN_BY_DEFAULT = `SELECT format('ALTER DEFAULT PRIVILEGES FOR ROLE %s%s REVOKE %s ON %s FROM %s;', d.defaclrole::regrole,
    ' IN SCHEMA ' || NULLIF(d.defaclnamespace, 0)::regnamespace, string_agg(a.privilege_type, ', ' ORDER BY a.privilege_type),
    CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' ELSE 'FUNCTIONS' END,
    CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END) AS sql
  FROM pg_default_acl d, aclexplode(d.defaclacl) a
  WHERE d.defaclrole = current_user::regrole AND d.defaclnamespace IN (0, 'holdfast'::regnamespace)
    AND d.defaclobjtype IN ('r', 'S', 'f') AND a.grantee <> d.defaclrole AND NOT (d.defaclobjtype = 'f' AND a.grantee = 0)
    AND (a.privilege_type <> 'SELECT' OR a.grantee = 0 OR a.grantee = to_regrole('holdfast_service'))
  GROUP BY d.defaclrole, d.defaclnamespace, d.defaclobjtype, a.grantee`;

/** Raises where this role's default privileges would give others rights to what the files make, which those don't give. */
export async function refuseDefaultRights(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ sql: string }>(GIVEN_BY_DEFAULT);
  if (rows.length === 0) return;
  const statements = rows.map(({ sql }) => sql).join(' ');
  throw new Error(`Default privileges would open what is made here to others. Take them back first: ${statements}`);
}

const REVOKES = `WITH functions AS (${OUR_FUNCTIONS})
  SELECT format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', signature) AS sql FROM functions`;

// What the service had of the schema, its tables, views and functions was taken before the files gave it.
const OF_THE_FILES = `line ~ '^GRANT .* ON .* TO holdfast_service;$' AND line !~ ' ON PARAMETER '`;

const CHECKS = `WITH functions AS (${OUR_FUNCTIONS})
  SELECT CASE l.lanname WHEN 'sql' THEN fmgr_sql_validator(f.oid) ELSE plpgsql_validator(f.oid) END
  FROM functions f JOIN pg_language l ON l.oid = f.prolang WHERE l.lanname IN ('sql', 'plpgsql')`;

/**
 * Takes the right to execute that PostgreSQL gives PUBLIC with every new function, whichever role made it; checks the
 * bodies, which may name what was made after them; and notes the service's rights, for the doctor to compare. Nobody else gets
 * any here, so what others have was given beside the migration, and stays told.
 */
export async function finishFunctions(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ sql: string }>(REVOKES);
  for (const { sql } of rows) await client.query(sql);
  await client.query('SET LOCAL check_function_bodies = on');
  await client.query(CHECKS);
  await client.query(
    `DELETE FROM expected_rights; INSERT INTO expected_rights SELECT line FROM rights WHERE ${OF_THE_FILES}`,
  );
}

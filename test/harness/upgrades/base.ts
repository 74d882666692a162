import type pg from 'pg';
import { readSchemaFiles } from '../../../migrations/files.ts';
import { CREATE_SCHEMA_MIGRATIONS } from '../../../migrations/runner.ts';

/**
 * Dumps a database of this version as SQL: the files of `migrations/` as they are now and every row.
 * PostgreSQL's own pg_dump does not come with the embedded server. Its owner runs it, in one transaction.
 */
export async function dumpDatabase(client: pg.ClientBase): Promise<string> {
  const { tables, functions } = await readSchemaFiles();
  const names = await tablesInOrder(client);
  const rows: string[] = [];
  for (const name of names) rows.push(await rowsOf(client, name));
  return [
    'CREATE SCHEMA holdfast;\nSET LOCAL search_path = holdfast, pg_temp;',
    ...tables.map(({ sql }) => sql),
    `${CREATE_SCHEMA_MIGRATIONS};`,
    // What the files insert is among the rows.
    ...names.toReversed().map((name) => `DELETE FROM ${name};`),
    ...rows.filter((each) => each !== ''),
    ...(await sequences(client)),
    'SET LOCAL check_function_bodies = off;',
    ...functions.map(({ sql }) => sql),
    'GRANT SELECT ON schema_migrations TO holdfast_service;',
    'REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA holdfast FROM PUBLIC;',
  ].join('\n');
}

/** Each table after those that it refers to. */
async function tablesInOrder(client: pg.ClientBase): Promise<string[]> {
  const { rows } = await client.query<{ name: string; needs: string[] }>(`SELECT relname AS name, ARRAY(
      SELECT confrelid::regclass::text FROM pg_constraint n WHERE n.conrelid = c.oid AND n.contype = 'f' AND confrelid <> conrelid) AS needs
    FROM pg_class c WHERE relnamespace = 'holdfast'::regnamespace AND relkind = 'r' ORDER BY 1`);
  const ordered: string[] = [];
  while (ordered.length < rows.length) {
    const ready = rows.find(
      ({ name, needs }) => !ordered.includes(name) && needs.every((needed) => ordered.includes(needed)),
    );
    if (ready === undefined) throw new Error('tables refer to each other in a circle');
    ordered.push(ready.name);
  }
  return ordered;
}

async function rowsOf(client: pg.ClientBase, table: string): Promise<string> {
  const columns = await columnsOf(client, table);
  const { rows } = await client.query<{ row: string }>(
    `SELECT row_to_json(t)::text AS row FROM (SELECT ${columns} FROM ${table}) t`,
  );
  if (rows.length === 0) return '';
  const list = rows.map(({ row }) => row).join(',\n');
  if (list.includes('$rows$')) throw new Error(`a row of ${table} ends its own quotation`);
  return `INSERT INTO ${table} (${columns}) OVERRIDING SYSTEM VALUE SELECT ${columns} FROM json_populate_recordset(NULL::${table}, $rows$[${list}]$rows$);`;
}

/** All but those that the database computes. */
async function columnsOf(client: pg.ClientBase, table: string): Promise<string> {
  const { rows } = await client.query<{ columns: string }>(
    `SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) AS columns FROM pg_attribute
      WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''`,
    [table],
  );
  return rows[0]!.columns;
}

async function sequences(client: pg.ClientBase): Promise<string[]> {
  const { rows } = await client.query<{
    set: string;
  }>(`SELECT format('SELECT setval(%L, %s);', sequencename, last_value) AS set
    FROM pg_sequences WHERE schemaname = 'holdfast' AND last_value IS NOT NULL ORDER BY 1`);
  return rows.map(({ set }) => set);
}

import type { Pool } from 'pg';

/** Which tables have these words anywhere, in a text, in JSON or in bytes. */
export async function tablesWith(admin: Pick<Pool, 'query'>, words: string): Promise<string[]> {
  const { rows } = await admin.query<{ name: string }>(
    "SELECT relname AS name FROM pg_class WHERE relnamespace = 'holdfast'::regnamespace AND relkind = 'r' ORDER BY 1",
  );
  const found: string[] = [];
  for (const { name } of rows) {
    const sql = `SELECT FROM ${name} t WHERE position($1 IN t::text) > 0 OR position(encode(convert_to($1, 'UTF8'), 'hex') IN t::text) > 0`;
    if (((await admin.query(sql, [words])).rowCount ?? 0) > 0) found.push(name);
  }
  return found;
}

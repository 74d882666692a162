import type { ClientBase } from 'pg';

/** One guard taken out of the database. */
export interface Mutant {
  readonly name: string;
  /** What can happen without the guard. */
  readonly breaks: string;
  readonly change: Edit | Statement;
}

/** Replaces one place of a function's or a view's text as PostgreSQL prints it. */
interface Edit {
  readonly of: string;
  readonly find: string;
  readonly replace: string;
}

interface Statement {
  readonly sql: string;
  /** It changes the server, not only one database. */
  readonly serverWide?: true;
}

type Edits = Record<string, { breaks: string } & Omit<Edit, 'of'>>;

/** Mutants of one function or view. */
export function edits(of: string, list: Edits): Mutant[] {
  return Object.entries(list).map(([name, { breaks, find, replace }]) => ({
    name,
    breaks,
    change: { of, find, replace },
  }));
}

/** Mutants made by a statement of their own; the schema's constraints, triggers and rights. */
export function statements(list: Record<string, { breaks: string } & Statement>): Mutant[] {
  return Object.entries(list).map(([name, { breaks, ...change }]) => ({ name, breaks, change }));
}

/**
 * Takes the guard out. Raises unless the text to replace exists exactly once: a mutant that changes nothing would survive
 * for no reason, and a stale one would go unnoticed.
 */
export async function applyMutant(client: ClientBase, { name, change }: Mutant): Promise<void> {
  if ('sql' in change) {
    await client.query(change.sql);
    return;
  }
  const text = await definition(client, change.of);
  const found = text.split(change.find).length - 1;
  if (found !== 1) throw new Error(`${name}: found ${found} times in ${change.of}, not once`);
  await client.query(text.replace(change.find, () => change.replace));
}

/** The one function or view of that name, as a statement that replaces it. */
async function definition(client: ClientBase, name: string): Promise<string> {
  const { rows } = await client.query<{ text: string }>(
    `SELECT pg_get_functiondef(oid) AS text FROM pg_proc WHERE proname = $1 AND pronamespace = 'holdfast'::regnamespace
     UNION ALL
     SELECT 'CREATE OR REPLACE VIEW ' || relname || ' AS ' || pg_get_viewdef(oid) FROM pg_class
       WHERE relname = $1 AND relkind = 'v' AND relnamespace = 'holdfast'::regnamespace`,
    [name],
  );
  const [only, another] = rows;
  if (only === undefined || another !== undefined) throw new Error(`no single function or view ${name}`);
  return only.text;
}

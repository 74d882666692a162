import type { QueryResultRow } from 'pg';
import { translateError } from './errors.ts';
import type { Database } from './database.ts';

export interface Statement {
  /** Prepared once a connection under this name. */
  readonly name: string;
  readonly text: string;
}

/** Runs one statement and answers with its rows. Raises `LedgerError` for what the ledger refuses. */
export async function rows<Row extends QueryResultRow>(
  db: Database,
  statement: Statement,
  values: unknown[],
): Promise<Row[]> {
  try {
    const result = await db.query<Row>({ ...statement, values });
    return result.rows;
  } catch (error) {
    throw translateError(error);
  }
}

/** Like `rows`, for a statement that answers with exactly one row. */
export async function row<Row extends QueryResultRow>(
  db: Database,
  statement: Statement,
  values: unknown[],
): Promise<Row> {
  const [first] = await rows<Row>(db, statement, values);
  if (first === undefined) throw new Error(`${statement.name} answered with no row`);
  return first;
}

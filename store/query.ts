import type { QueryResultRow } from 'pg';
import { translateError } from './errors.ts';
import type { Pool } from './pool.ts';

export interface Statement {
  /** Prepared once a connection under this name. */
  readonly name: string;
  readonly text: string;
}

/** Runs one statement and answers with its rows. Raises `LedgerError` for what the ledger refuses. */
export async function rows<Row extends QueryResultRow>(
  pool: Pool,
  statement: Statement,
  values: unknown[],
): Promise<Row[]> {
  try {
    const result = await pool.query<Row>({ ...statement, values });
    return result.rows;
  } catch (error) {
    throw translateError(error);
  }
}

/** Like `rows`, for a statement that answers with exactly one row. */
export async function row<Row extends QueryResultRow>(
  pool: Pool,
  statement: Statement,
  values: unknown[],
): Promise<Row> {
  const [first] = await rows<Row>(pool, statement, values);
  if (first === undefined) throw new Error(`${statement.name} answered with no row`);
  return first;
}

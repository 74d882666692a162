import type { QueryResultRow } from 'pg';
import { translateError } from './errors.ts';
import type { Database } from './database.ts';

/** While the statements are being defined by their columns, those that are not yet come without. */
interface Statement<Row> {
  readonly name: string;
  readonly text: string;
  readonly answer?: Row;
}

/** Runs one statement and answers with its rows. Raises `LedgerError` for what the ledger refuses. */
export async function rows<Row>(db: Database, { name, text }: Statement<Row>, values: unknown[]): Promise<Row[]> {
  try {
    const result = await db.query<QueryResultRow>({ name, text, values });
    // What the statement says of its columns is compared with the database by `test/integration/statements.test.ts`.
    return result.rows as Row[];
  } catch (error) {
    throw translateError(error);
  }
}

/** Like `rows`, for a statement that answers with exactly one row. */
export async function row<Row>(db: Database, statement: Statement<Row>, values: unknown[]): Promise<Row> {
  const [first] = await rows(db, statement, values);
  if (first === undefined) throw new Error(`${statement.name} answered with no row`);
  return first;
}

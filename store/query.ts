import type { QueryResultRow } from 'pg';
import type { Database } from './database.ts';
import { translateError } from './errors.ts';
import { toRow, type Statement } from './statement.ts';

type Queryable = Pick<Database, 'query'>;

/** Runs one statement and returns its rows. Raises `LedgerError` if the ledger refuses it. */
export async function rows<Row>(db: Queryable, statement: Statement<Row>, values: unknown[]): Promise<Row[]> {
  const { name, text } = statement;
  const result = await db.query<QueryResultRow>({ name, text, values }).catch((error: unknown) => {
    throw translateError(error);
  });
  return result.rows.map((columns) => toRow(statement, columns));
}

/** Like `rows`, for a statement that returns exactly one row. */
export async function row<Row>(db: Queryable, statement: Statement<Row>, values: unknown[]): Promise<Row> {
  const [first] = await rows(db, statement, values);
  if (first === undefined) throw new Error(`${statement.name} answered with no row`);
  return first;
}

import type { QueryResultRow } from 'pg';
import type { Database } from './database.ts';
import { translateError } from './errors.ts';
import { toRow, type Statement } from './statement.ts';

type Transitional<Row> = Omit<Statement<Row>, 'row'> & { readonly row?: Statement<Row>['row'] };

/** Runs one statement and answers with its rows. Raises `LedgerError` for what the ledger refuses. */
export async function rows<Row>(db: Database, statement: Transitional<Row>, values: unknown[]): Promise<Row[]> {
  const { name, text, row: shape } = statement;
  const result = await db.query<QueryResultRow>({ name, text, values }).catch((error: unknown) => {
    throw translateError(error);
  });
  return shape === undefined
    ? (result.rows as Row[])
    : result.rows.map((columns) => toRow<Row>({ name, text, row: shape }, columns));
}

/** Like `rows`, for a statement that answers with exactly one row. */
export async function row<Row>(db: Database, statement: Transitional<Row>, values: unknown[]): Promise<Row> {
  const [first] = await rows(db, statement, values);
  if (first === undefined) throw new Error(`${statement.name} answered with no row`);
  return first;
}

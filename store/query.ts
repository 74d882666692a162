import type { QueryResultRow } from 'pg';
import type { Database } from './database.ts';
import { isOutdatedPlan, translateError } from './errors.ts';
import { prepareAnew, preparedName, toRow, type Statement } from './statement.ts';

type Queryable = Pick<Database, 'query' | 'isTransaction'>;

/**
 * Runs one statement and returns its rows. Raises `LedgerError` if the ledger refuses it. A prepared statement that an upgrade
 * of the database made outdated is prepared anew and sent once more; it has done nothing.
 */
export async function rows<Row>(db: Queryable, statement: Statement<Row>, values: unknown[]): Promise<Row[]> {
  const name = preparedName(statement);
  try {
    return await send(db, statement, name, values);
  } catch (error) {
    if (!isOutdatedPlan(error)) throw translateError(error);
    prepareAnew(statement, name);
    // The failure has ended the transaction.
    if (db.isTransaction === true) throw translateError(error);
  }
  return send(db, statement, preparedName(statement), values).catch((error: unknown) => {
    throw translateError(error);
  });
}

async function send<Row>(db: Queryable, statement: Statement<Row>, name: string, values: unknown[]): Promise<Row[]> {
  const result = await db.query<QueryResultRow>({ name, text: statement.text, values });
  return result.rows.map((columns) => toRow(statement, columns));
}

/** Like `rows`, for a statement that returns exactly one row. */
export async function row<Row>(db: Queryable, statement: Statement<Row>, values: unknown[]): Promise<Row> {
  const [first] = await rows(db, statement, values);
  if (first === undefined) throw new Error(`${statement.name} answered with no row`);
  return first;
}

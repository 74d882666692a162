import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import '../../ledger/index.ts';
import '../../store/index.ts';
import { type Column, type Columns, STATEMENTS, type Statement, cases, t } from '../../store/statement.ts';
import type { TestDatabase } from '../harness/support/database.ts';
import { createTestDatabase } from '../harness/support/database.ts';

/** Each statement answers with the columns that its TypeScript says, of the types that it says. */

interface Described {
  readonly name: string;
  readonly type: string;
  /** Whether the column may be NULL in its table; undefined where it is not a column of a table. */
  readonly nullableInTable: boolean | undefined;
}

let db: TestDatabase;
let client: pg.Client;
beforeAll(async () => {
  db = await createTestDatabase(1);
  client = new pg.Client({ connectionString: db.url });
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await db.drop();
});

/** What the server says of a statement without running it. */
async function describeFields(text: string): Promise<pg.FieldDef[]> {
  return new Promise((resolve, reject) => {
    let fields: pg.FieldDef[] = [];
    let refused: Error | undefined;
    client.query({
      submit: (connection: pg.Connection) => {
        connection.parse({ name: '', text, types: [] }, true);
        connection.describe({ type: 'S', name: '' }, true);
        connection.sync();
      },
      handleRowDescription: (description: { fields: pg.FieldDef[] }) => {
        fields = description.fields;
      },
      handleError: (error: Error) => {
        refused = error;
        reject(error);
      },
      handleReadyForQuery: () => {
        if (refused === undefined) resolve(fields);
      },
    });
  });
}

async function describeStatement(text: string): Promise<Described[]> {
  const fields = await describeFields(text);
  const { rows } = await client.query<Described>(
    `SELECT f.name, f.type::regtype::text AS type, CASE WHEN c.relkind = 'r' THEN NOT a.attnotnull END AS "nullableInTable"
      FROM unnest($1::text[], $2::oid[], $3::oid[], $4::int[]) WITH ORDINALITY AS f (name, type, of, number, place)
        LEFT JOIN pg_class c ON c.oid = f.of LEFT JOIN pg_attribute a ON a.attrelid = f.of AND a.attnum = f.number
      ORDER BY f.place`,
    [
      fields.map(({ name }) => name),
      fields.map(({ dataTypeID }) => dataTypeID),
      fields.map(({ tableID }) => tableID),
      fields.map(({ columnID }) => columnID),
    ],
  );
  return rows.map((described) => ({ ...described, nullableInTable: described.nullableInTable ?? undefined }));
}

/** The columns that a statement declares, those of each of its cases. */
function declaredColumns({
  row,
}: Pick<Statement<unknown>, 'row'>): { name: string; column: Column<unknown>; ofCase: boolean }[] {
  if (!('by' in row && typeof row.by === 'string')) return columnsOf(row as Columns, false);
  const by = { name: row.by, column: { type: 'text', null: 'never' } as const, ofCase: true };
  return [by, ...Object.values(row.cases as Record<string, Columns>).flatMap((columns) => columnsOf(columns, true))];
}

function columnsOf(columns: Columns, ofCase: boolean) {
  return Object.entries(columns).map(([name, column]) => ({ name, column, ofCase }));
}

/** In words, what TypeScript and PostgreSQL say differently of a statement. */
async function differences(statement: Pick<Statement<unknown>, 'text' | 'row'>): Promise<string[]> {
  // A function that returns nothing answers with a column all the same.
  const described = (await describeStatement(statement.text)).filter(({ type }) => type !== 'void');
  const declared = declaredColumns(statement);
  const missing = declared
    .filter(({ name }) => !described.some((column) => column.name === name))
    .map(({ name }) => `${name} is not in the answer`);
  const wrong = described.flatMap(({ name, type, nullableInTable }) => {
    const mine = declared.filter((column) => column.name === name);
    if (mine.length === 0) return [`${name} is not declared`];
    return mine.flatMap(({ column, ofCase }) => [
      ...(column.type === type ? [] : [`${name} is ${type}, declared ${column.type}`]),
      ...(nullableInTable === true && column.null === 'never' && !ofCase ? [`${name} may be NULL`] : []),
      ...(nullableInTable !== true && column.null === 'excluded' ? [`${name} is never NULL in a table`] : []),
    ]);
  });
  const names = described.map(({ name }) => name);
  const twice = names.filter((name, index) => names.indexOf(name) !== index).map((name) => `${name} is there twice`);
  return [...missing, ...wrong, ...twice];
}

describe('what a statement answers with is what its TypeScript says:', () => {
  it.each([...STATEMENTS.keys()])('%s', async (name) => {
    const statement = STATEMENTS.get(name);
    if (statement === undefined) throw new Error(`${name} is not defined`);
    expect(await differences(statement)).toEqual([]);
  });
});

describe('a statement that does not agree with the database is named:', () => {
  const text = 'SELECT id, amount_microcredits AS "amountMicrocredits", settled_at AS "settledAt" FROM generations';
  const row = { id: t.text, amountMicrocredits: t.bigint, settledAt: t.nullable(t.timestamptz) };

  it('this one agrees', async () => {
    expect(await differences({ text, row })).toEqual([]);
  });

  it.each<[what: string, columns: Columns, difference: string]>([
    [
      'a column of another type',
      { ...row, amountMicrocredits: t.integer },
      'amountMicrocredits is bigint, declared integer',
    ],
    ['a column that may be NULL', { ...row, settledAt: t.timestamptz }, 'settledAt may be NULL'],
    ['a column that never is NULL anyway', { ...row, id: t.notNull(t.text) }, 'id is never NULL in a table'],
    ['a column that is missing', { ...row, price: t.bigint }, 'price is not in the answer'],
    ['a column too many', { id: t.text, amountMicrocredits: t.bigint }, 'settledAt is not declared'],
  ])('%s', async (_what, columns, difference) => {
    expect(await differences({ text, row: columns })).toEqual([difference]);
  });

  it('a column of another type in one of its cases', async () => {
    const ofCases = cases('state', { held: {}, charged: { amount: t.integer }, released: { amount: t.bigint } });
    const sql = 'SELECT state, amount_microcredits AS amount FROM generations';
    expect(await differences({ text: sql, row: ofCases })).toEqual(['amount is bigint, declared integer']);
  });

  it('a column that the database does not have', async () => {
    await expect(differences({ text: 'SELECT released_at FROM generations', row: {} })).rejects.toThrow(/released_at/);
  });
});

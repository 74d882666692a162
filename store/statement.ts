/**
 * A statement declares the columns that it returns, and the type of its rows is derived from them. The test
 * `test/integration/statements.test.ts` compares each with the migrated database.
 */

/** A column as PostgreSQL describes it, and the TypeScript type of its values. */
export interface Column<Value> {
  /** As `regtype` spells it. */
  readonly type: string;
  /** `excluded`: the column may be NULL in its table, and the statement's conditions rule that out. */
  readonly null: 'never' | 'possible' | 'excluded';
  /** For the compiler alone. */
  readonly value?: Value;
}

export type Columns = Readonly<Record<string, Column<unknown>>>;

const column = <Value>(type: string): Column<Value> => ({ type, null: 'never' });

export const t = {
  text: column<string>('text'),
  /** One of a few words. */
  word: <Word extends string>() => column<Word>('text'),
  boolean: column<boolean>('boolean'),
  integer: column<number>('integer'),
  /** One of a few numbers. */
  integerOf: <Value extends number>() => column<Value>('integer'),
  /** Exact: see `createPool`. */
  bigint: column<number>('bigint'),
  timestamptz: column<Date>('timestamp with time zone'),
  bytea: column<Buffer>('bytea'),
  byteas: column<readonly Buffer[]>('bytea[]'),
  json: <Value>() => column<Value>('json'),
  jsonb: <Value>() => column<Value>('jsonb'),
  integers: column<readonly number[]>('integer[]'),
  texts: <Word extends string = string>() => column<readonly Word[]>('text[]'),
  nullable: <Value>(of: Column<Value>): Column<Value | null> => ({ type: of.type, null: 'possible' }),
  notNull: <Value>(of: Column<Value>): Column<Value> => ({ ...of, null: 'excluded' }),
};

type RowOfColumns<Of extends Columns> = {
  readonly [Name in keyof Of]: Of[Name] extends Column<infer Value> ? Value : never;
};

type RowOfCases<By extends string, Of extends Readonly<Record<string, Columns>>> = {
  [Case in keyof Of & string]: { readonly [Name in By]: Case } & RowOfColumns<Of[Case]>;
}[keyof Of & string];

/** Rows of several kinds. */
export interface Cases<Row> {
  readonly by: string;
  readonly cases: Readonly<Record<string, Columns>>;
  /** For the compiler alone. */
  readonly row?: Row;
}

/** The column `by` is a word that says which other columns a row has. */
export function cases<By extends string, Of extends Readonly<Record<string, Columns>>>(
  by: By,
  of: Of,
): Cases<RowOfCases<By, Of>> {
  return { by, cases: of };
}

/** The shape of a statement's rows. */
export type Shape = Columns | Cases<unknown>;

export type RowOfShape<Of extends Shape> =
  Of extends Cases<infer Row> ? Row : Of extends Columns ? RowOfColumns<Of> : never;

interface Definition<Of extends Shape> {
  readonly name: string;
  readonly text: string;
  /** Empty if the statement calls a function that returns nothing. */
  readonly row: Of;
}

export interface Statement<Row> extends Definition<Shape> {
  /** For the compiler alone. */
  readonly answer?: Row;
}

export type RowOf<Of> = Of extends Statement<infer Row> | Cases<infer Row> ? Row : never;

const defined = new Map<string, Statement<unknown>>();

/** All statements, by name. */
export const STATEMENTS: ReadonlyMap<string, Statement<unknown>> = defined;

/** Each connection prepares the statement once, by its name. */
export function defineStatement<const Of extends Shape>(definition: Definition<Of>): Statement<RowOfShape<Of>> {
  // A connection refuses a second statement with the same name.
  if (defined.has(definition.name)) throw new Error(`two statements are named ${definition.name}`);
  defined.set(definition.name, definition);
  return definition;
}

/** How often a statement was prepared anew, by its name. */
const renewals = new Map<string, number>();

/** The name by which connections prepare the statement now. */
export function preparedName({ name }: Pick<Statement<unknown>, 'name'>): string {
  const renewed = renewals.get(name);
  return renewed === undefined ? name : `${name}#${renewed}`;
}

/**
 * Gives the statement another prepared name, unless somebody has since it had this one: what connections have prepared by the old
 * name is outdated on all of them.
 */
export function prepareAnew(statement: Pick<Statement<unknown>, 'name'>, outdated: string): void {
  if (preparedName(statement) !== outdated) return;
  renewals.set(statement.name, (renewals.get(statement.name) ?? 0) + 1);
}

/** The row as its type says: of a statement with cases, without the columns of the other cases. */
export function toRow<Row>({ name, row }: Statement<Row>, columns: Readonly<Record<string, unknown>>): Row {
  if (!isCases(row)) return columns as Row;
  const word = columns[row.by];
  const ofCase = typeof word === 'string' ? row.cases[word] : undefined;
  if (ofCase === undefined) throw new Error(`${name} answered with an unknown ${row.by}`);
  return Object.fromEntries([row.by, ...Object.keys(ofCase)].map((column) => [column, columns[column]])) as Row;
}

function isCases(row: Shape): row is Cases<unknown> {
  return typeof row['by'] === 'string';
}

import type pg from 'pg';

/** The database of an operation: a pool, or the connection of a transaction. */
export interface Database {
  readonly query: pg.Pool['query'];
  readonly connect: pg.Pool['connect'];
  readonly isTransaction?: boolean;
  /** Called after each change to what the owner sees of the generation; announced after the commit. */
  readonly changed: (generationId: string) => void;
}

/** Wraps a pool. `changed` is called with each changed generation, after the commit. */
export function openDatabase(pool: pg.Pool, changed: (generationId: string) => void = () => undefined): Database {
  return { query: pool.query.bind<pg.Pool['query']>(pool), connect: pool.connect.bind(pool), changed };
}

type Operations = Record<string, (db: Database, ...rest: never[]) => unknown>;

/** Operations without their first argument. */
export type Bound<All extends Operations> = {
  readonly [Name in keyof All]: All[Name] extends (db: Database, ...rest: infer Rest) => infer Result
    ? (...rest: Rest) => Result
    : never;
};

/** Binds each operation to the database. Each is one statement, so each is atomic by itself. */
export function bind<All extends Operations>(db: Database, operations: All): Bound<All> {
  const bound = Object.entries(operations).map(([name, operation]) => [name, operation.bind(undefined, db)]);
  return Object.fromEntries(bound) as Bound<All>;
}

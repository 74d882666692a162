import pg from 'pg';

export type Pool = pg.Pool;

export interface PoolOptions {
  readonly databaseUrl: string;
  /** The largest number of connections at once. */
  readonly size: number;
  /** Shown to operators in pg_stat_activity. */
  readonly applicationName: string;
  readonly onError: (error: Error) => void;
  /** The server cancels a statement after this time; 10 s by default. */
  readonly statementTimeoutMs?: number;
  /** A free connection is waited for this long; 5 s by default. */
  readonly connectTimeoutMs?: number;
}

const STATEMENT_GRACE_MS = 500;

/**
 * A bounded pool of connections. `bigint` is returned as a number, which is exact: a CHECK keeps every amount within
 * 2^53 − 1 (MR-72). Raises if no connection is free in time or a statement takes too long.
 */
export function createPool(options: PoolOptions): Pool {
  const { databaseUrl, size, applicationName, onError, statementTimeoutMs = 10_000, connectTimeoutMs = 5000 } = options;
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    max: size,
    application_name: applicationName,
    connectionTimeoutMillis: connectTimeoutMs,
    // The server's limit is shorter than the client's, so that no abandoned statement goes on.
    statement_timeout: statementTimeoutMs,
    query_timeout: statementTimeoutMs + STATEMENT_GRACE_MS,
    // Nor do the locks of a process that falls silent in the middle of a transaction stay until TCP notices, which takes hours.
    idle_in_transaction_session_timeout: statementTimeoutMs,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    types: { getTypeParser: typeParser },
  });
  // An idle connection that breaks (a restart of the database) must not end the process.
  pool.on('error', onError);
  // Nor must one that breaks in the middle of a transaction: its next statement raises that.
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

const typeParser: typeof pg.types.getTypeParser = (oid, format) =>
  oid === pg.types.builtins.INT8 ? exactNumber : (pg.types.getTypeParser(oid, format) as (value: string) => unknown);

function exactNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError('a bigint of the database is beyond 2^53 - 1');
  return value;
}

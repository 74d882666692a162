import type pg from 'pg';
import { vi } from 'vitest';
import { openDatabase } from '../../../store/index.ts';
import { type Books, openBooks, type TestDatabase } from './database.ts';

/** A connection with the ledger bound to it, so that its calls can share an open transaction. */
export interface Connection {
  readonly client: pg.PoolClient;
  readonly ledger: Books;
  readonly pid: number;
}

export async function connect({ pool }: TestDatabase): Promise<Connection> {
  const client = await pool.connect();
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  // The ledger uses a pool only to query it.
  return { client, ledger: openBooks(openDatabase(client as unknown as pg.Pool)), pid: rows[0]?.pid ?? 0 };
}

/** Waits until each of these connections waits for a lock that the holder has. */
export async function untilBlocked({ admin }: TestDatabase, pids: readonly number[], holder: number): Promise<void> {
  const blocked = `SELECT count(*)::integer AS waiting FROM pg_stat_activity
    WHERE pid = ANY($1) AND wait_event_type = 'Lock' AND state = 'active'
      AND ($2 = ANY(pg_blocking_pids(pid)) OR pg_blocking_pids(pid) && $1)`;
  await vi.waitFor(
    async () => {
      const { rows } = await admin.query<{ waiting: number }>(blocked, [pids, holder]);
      if (rows[0]?.waiting !== pids.length) throw new Error(`${rows[0]?.waiting} of ${pids.length} wait for a lock`);
    },
    { timeout: 20_000, interval: 5 },
  );
}

/**
 * Runs `first` in an open transaction, then `second` from another connection until it waits for a lock of the first; ends
 * the transaction and returns both results.
 */
export async function collide<First, Second>(
  db: TestDatabase,
  first: (ledger: Books) => Promise<First>,
  second: (ledger: Books) => Promise<Second>,
  end: 'COMMIT' | 'ROLLBACK',
): Promise<{ first: First; second: Second }> {
  const [one, other] = await Promise.all([connect(db), connect(db)]);
  try {
    await one.client.query('BEGIN');
    const answered = await first(one.ledger);
    const answering = second(other.ledger);
    // A failure before the lock must not be reported as an unhandled rejection meanwhile.
    answering.catch(() => undefined);
    await untilBlocked(db, [other.pid], one.pid);
    await one.client.query(end);
    return { first: answered, second: await answering };
  } finally {
    // Closes the connections: after a failure either may still be in a transaction.
    one.client.release(true);
    other.client.release(true);
  }
}

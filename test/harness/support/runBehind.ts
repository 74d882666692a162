import { setTimeout as sleep } from 'node:timers/promises';
import type { TestDatabase } from './database.ts';

export interface FirstStatement {
  readonly sql: string;
  readonly values: unknown[];
  /** A condition that must hold in the database before the commit. */
  readonly until?: string;
}

/**
 * Runs the second call while the first one's transaction is open. The first commits once the second waits for it or has
 * returned. So two concurrent calls don't depend on chance.
 */
export async function runBehind<Answer>(
  db: TestDatabase,
  first: FirstStatement,
  second: () => Promise<Answer>,
): Promise<Answer> {
  const client = await db.admin.connect();
  try {
    await client.query('BEGIN');
    await client.query(first.sql, first.values);
    let answered = false;
    const answer = second().finally(() => (answered = true));
    // A failure is handled below, where the call is awaited.
    answer.catch(() => undefined);
    const waits = async () => {
      const { rows } = await client.query<{ waits: boolean }>(
        'SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))) AS waits',
      );
      return rows[0]?.waits === true;
    };
    const isTrue = async () =>
      (await client.query<{ yes: boolean }>(`SELECT ${first.until ?? 'true'} AS yes`)).rows[0]?.yes === true;
    while (!answered && !(await waits())) await sleep(5);
    while (!(await isTrue())) await sleep(5);
    await client.query('COMMIT');
    return await answer;
  } finally {
    client.release();
  }
}

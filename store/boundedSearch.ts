import pLimit from 'p-limit';
import pg from 'pg';
import type { Database } from './database.ts';
import { LedgerUnavailable } from './errors.ts';
import { inTransaction } from './transaction.ts';

/** The search would read more than it may: no index fits its filters. */
export class SearchTooBroad extends Error {
  override readonly name = 'SearchTooBroad';
  constructor(readonly timeoutMs: number) {
    super('the search reads too many generations');
  }
}

/** Of this process, whoever asks: holds need the other connections of the pool (MR-92). */
const atOnce = pLimit(4);

/** Runs a search whose filters may fit no index. It writes nothing. Raises `SearchTooBroad` when a statement takes longer than `timeoutMs`. */
export function boundedSearch<Found>(
  db: Database,
  timeoutMs: number,
  search: (inside: Database) => Promise<Found>,
): Promise<Found> {
  const begin = ['BEGIN READ ONLY', `SET LOCAL statement_timeout = ${timeoutMs}`];
  const bounded = (inside: Database) =>
    search(inside).catch((error: unknown) => {
      throw isCancelled(error) ? new SearchTooBroad(timeoutMs) : error;
    });
  return atOnce(() => inTransaction(db, begin, () => undefined, bounded));
}

/** As `translateError` has it, for which a statement that ran out of time is a database that did not answer. */
function isCancelled(error: unknown): boolean {
  const { cause } = error instanceof LedgerUnavailable ? error : { cause: undefined };
  return cause instanceof pg.DatabaseError && cause.code === '57014';
}

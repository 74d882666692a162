import pLimit, { type LimitFunction } from 'p-limit';
import type { Database } from '../store/database.ts';

/**
 * All movements of an account contend for its row and run one after another. Many that wait inside the database slow each
 * other down (each waiting statement keeps old versions of the row alive) and take connections that other tenants need
 * (MR-92). So a process sends only this many at once.
 */
const AT_ONCE = 6;

const turnsOf = new WeakMap<Database, Map<string, LimitFunction>>();

/** Runs the movement at this account's turn in this process; immediately if the account isn't known. */
export async function inTurn<Result>(
  db: Database,
  accountId: string | undefined,
  move: () => Promise<Result>,
): Promise<Result> {
  if (accountId === undefined) return move();
  const turns = turnsOf.get(db) ?? new Map<string, LimitFunction>();
  turnsOf.set(db, turns);
  const turn = turns.get(accountId) ?? pLimit(AT_ONCE);
  turns.set(accountId, turn);
  try {
    return await turn(move);
  } finally {
    if (turn.activeCount + turn.pendingCount === 0) turns.delete(accountId);
  }
}

import pLimit, { type LimitFunction } from 'p-limit';
import type { Database } from '../store/database.ts';

/**
 * Movements of one account meet at its row, one after the other, whatever we do. More of them waiting inside of the
 * database make each slower (every waiting statement keeps old versions of that very row from being cleaned up) and take
 * connections that another tenant's movement needs (MR-92). So a process sends only this many at once.
 */
const AT_ONCE = 6;

const turnsOf = new WeakMap<Database, Map<string, LimitFunction>>();

/** Runs the movement when it is this account's turn in this process; at once when the account isn't known. */
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

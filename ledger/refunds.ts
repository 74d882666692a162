import { inTurn } from './accountTurns.ts';
import type { Database } from '../store/database.ts';
import { row } from '../store/query.ts';

const REFUND = {
  name: 'refund_generation',
  text: `SELECT outcome, transaction_id AS "transactionId", moved_microcredits AS "movedMicrocredits",
      refundable_microcredits AS "refundableMicrocredits", replayed FROM refund_generation($1, $2, $3, $4)`,
};

export type Refund =
  | {
      readonly outcome: 'refunded';
      readonly transactionId: number;
      readonly movedMicrocredits: number;
      /** What is left of the capture. */
      readonly refundableMicrocredits: number;
      readonly replayed: boolean;
    }
  /** More than is left of the capture, nothing left of it, a balance beyond 2^53 − 1, or the key with other arguments. */
  | {
      readonly outcome: 'exceeds_captured' | 'nothing_left' | 'too_large' | 'key_reused';
      readonly refundableMicrocredits: number;
    }
  | { readonly outcome: 'not_charged' };

/**
 * Gives credits of a captured hold back, all that is left without an amount; once a key, never more than was captured.
 * Raises `LedgerError` `unknown_generation`.
 */
export async function refundGeneration(
  db: Database,
  refund: {
    generationId: string;
    accountId?: string;
    amountMicrocredits: number | null;
    reason: string;
    idempotencyKey: string;
  },
): Promise<Refund> {
  const { generationId, accountId, amountMicrocredits, reason, idempotencyKey } = refund;
  return inTurn(db, accountId, () => row(db, REFUND, [generationId, amountMicrocredits, reason, idempotencyKey]));
}

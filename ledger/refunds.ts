import { inTurn } from './accountTurns.ts';
import type { Database } from '../store/database.ts';
import { row } from '../store/query.ts';
import { cases, defineStatement, t, type RowOf } from '../store/statement.ts';

/** The part of the capture that is not refunded. */
const LEFT = { refundableMicrocredits: t.bigint };

const REFUND = defineStatement({
  name: 'refund_generation',
  text: `SELECT outcome, transaction_id AS "transactionId", moved_microcredits AS "movedMicrocredits",
      refundable_microcredits AS "refundableMicrocredits", replayed FROM refund_generation($1, $2, $3, $4)`,
  row: cases('outcome', {
    refunded: { ...LEFT, transactionId: t.bigint, movedMicrocredits: t.bigint, replayed: t.boolean },
    exceeds_captured: LEFT,
    nothing_left: LEFT,
    /** The balance would exceed 2^53 − 1. */
    too_large: LEFT,
    /** The key was used with other arguments. */
    key_reused: LEFT,
    not_charged: {},
  }),
});

export type Refund = RowOf<typeof REFUND>;

/**
 * Refunds credits of a captured hold: the amount, or all that is left. Never more than was captured (MR-8). Idempotent by key.
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

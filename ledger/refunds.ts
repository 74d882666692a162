import { inTurn } from './accountTurns.ts';
import type { Database } from '../store/database.ts';
import { row } from '../store/query.ts';
import { cases, defineStatement, t, type RowOf } from '../store/statement.ts';

/** What is left of the capture. */
const LEFT = { refundableMicrocredits: t.bigint };

const REFUND = defineStatement({
  name: 'refund_generation',
  text: `SELECT outcome, transaction_id AS "transactionId", moved_microcredits AS "movedMicrocredits",
      refundable_microcredits AS "refundableMicrocredits", replayed FROM refund_generation($1, $2, $3, $4)`,
  row: cases('outcome', {
    refunded: { ...LEFT, transactionId: t.bigint, movedMicrocredits: t.bigint, replayed: t.boolean },
    exceeds_captured: LEFT,
    nothing_left: LEFT,
    /** The balance would go beyond 2^53 − 1. */
    too_large: LEFT,
    /** The key came with other arguments before. */
    key_reused: LEFT,
    not_charged: {},
  }),
});

export type Refund = RowOf<typeof REFUND>;

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

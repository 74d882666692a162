import { t, type RowOf, cases } from '../store/statement.ts';

/** A movement of credits, as `StatementLine`. The reason of a release is the error code that the customer sees in the generation. */
export const STATEMENT_LINE = `SELECT id AS "transactionId", recorded_at AS "recordedAt", kind, generation_id AS "generationId",
      CASE WHEN kind = 'release' THEN (SELECT g.error_code FROM generations g WHERE g.id = journal_transactions.generation_id)
        ELSE reason END AS reason,
      available_microcredits AS "availableMicrocredits", held_microcredits AS "heldMicrocredits",
      available_after_microcredits AS "availableAfterMicrocredits", held_after_microcredits AS "heldAfterMicrocredits"
    FROM journal_transactions`;

/** The account's balances after the movement. */
export const AFTERWARDS = { availableAfterMicrocredits: t.bigint, heldAfterMicrocredits: t.bigint };

const LINE = {
  transactionId: t.bigint,
  recordedAt: t.timestamptz,
  generationId: t.nullable(t.text),
  reason: t.nullable(t.text),
  /** The amounts that it moved. */
  availableMicrocredits: t.bigint,
  heldMicrocredits: t.bigint,
  ...AFTERWARDS,
};

export const LINES = { grant: LINE, claw_back: LINE, hold: LINE, capture: LINE, release: LINE, refund: LINE };

export const ANY_LINE = cases('kind', LINES);

export type StatementLine = RowOf<typeof ANY_LINE>;

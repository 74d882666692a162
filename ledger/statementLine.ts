import { LABELS, LABELS_COLUMNS } from '../store/labels.ts';
import { t, type RowOf, cases } from '../store/statement.ts';

/** A movement of credits, as `StatementLine`. The reason of a release is the error code that the customer sees in the generation. */
export const LINE_COLUMNS = `id AS "transactionId", recorded_at AS "recordedAt", kind, generation_id AS "generationId",
      CASE WHEN kind = 'release' THEN (SELECT g.error_code FROM generations g WHERE g.id = journal_transactions.generation_id)
        ELSE reason END AS reason,
      available_microcredits AS "availableMicrocredits", held_microcredits AS "heldMicrocredits",
      revenue_microcredits AS "chargedMicrocredits",
      available_after_microcredits AS "availableAfterMicrocredits", held_after_microcredits AS "heldAfterMicrocredits",
      ${LABELS('journal_transactions.generation_id')}`;

export const STATEMENT_LINE = `SELECT ${LINE_COLUMNS} FROM journal_transactions`;

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
  /** What it charged, below zero for a refund: their sum is what was paid. */
  chargedMicrocredits: t.bigint,
  ...AFTERWARDS,
  ...LABELS_COLUMNS,
};

export const LINES = { grant: LINE, claw_back: LINE, hold: LINE, capture: LINE, release: LINE, refund: LINE };

export const ANY_LINE = cases('kind', LINES);

export type StatementLine = RowOf<typeof ANY_LINE>;

/** A movement of credits, as `StatementLine`. */
export const STATEMENT_LINE = `SELECT id AS "transactionId", recorded_at AS "recordedAt", kind, generation_id AS "generationId", reason,
      available_microcredits AS "availableMicrocredits", held_microcredits AS "heldMicrocredits",
      available_after_microcredits AS "availableAfterMicrocredits", held_after_microcredits AS "heldAfterMicrocredits"
    FROM journal_transactions`;

/** What several statements select, without their conditions. */

/** What its owner may see of a generation, `g`. */
export const SHOWN_GENERATION = `SELECT g.id, g.account_id AS "accountId", g.state, g.model, g.seconds, g.size, i.prompt,
      g.amount_microcredits AS "amountMicrocredits", g.requested_at AS "requestedAt",
      h.id AS "holdId", h.expires_at AS "holdExpiresAt", g.provider_video_id AS "providerVideoId",
      g.provider, g.provider_progress AS "progress", g.provider_completed_at AS "providerCompletedAt",
      g.cancel_requested_at IS NOT NULL AS "cancelRequested", g.event_sequence AS "eventSequence",
      CASE WHEN g.claimable_until > now() AND g.deletion_begun_at IS NULL THEN g.claimable_until END AS "claimableUntil", g.claim_of AS "claimOf", g.remix_of AS "remixOf", g.charged_at AS "settledAt", g.error_code AS "errorCode", g.error_message AS "errorMessage"
    FROM generations g JOIN holds h ON h.generation_id = g.id LEFT JOIN inputs i ON i.generation_id = g.id`;

/** A movement of credits, as `StatementLine`. */
export const STATEMENT_LINE = `SELECT id AS "transactionId", recorded_at AS "recordedAt", kind, generation_id AS "generationId", reason,
      available_microcredits AS "availableMicrocredits", held_microcredits AS "heldMicrocredits",
      available_after_microcredits AS "availableAfterMicrocredits", held_after_microcredits AS "heldAfterMicrocredits"
    FROM journal_transactions`;

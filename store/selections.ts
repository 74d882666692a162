/** What several statements select, without their conditions. */

/** What was given back of the charge of a generation, `g`, by whom, and when last. */
export const REFUNDED = `(SELECT COALESCE(sum(r.amount_microcredits), 0)::bigint FROM refunds r WHERE r.generation_id = g.id) AS "refundedMicrocredits",
      ARRAY(SELECT DISTINCT r.actor FROM refunds r WHERE r.generation_id = g.id ORDER BY r.actor DESC) AS "refundedBy",
      (SELECT max(r.recorded_at) FROM refunds r WHERE r.generation_id = g.id) AS "refundedAt"`;

/** What its owner may see of a generation, `g`. */
export const SHOWN_GENERATION = `SELECT g.id, g.account_id AS "accountId", g.api_key_id AS "apiKeyId", g.known_at IS NOT NULL AS "isKnown", g.state, g.model, g.seconds, g.size, i.prompt,
      g.amount_microcredits AS "amountMicrocredits", g.charged_amount_microcredits AS "chargedMicrocredits", g.requested_at AS "requestedAt",
      h.id AS "holdId", h.expires_at AS "holdExpiresAt", CASE WHEN g.provider_id_contested_at IS NULL THEN g.provider_video_id END AS "providerVideoId",
      g.provider, g.provider_progress AS "progress", g.provider_completed_at AS "providerCompletedAt",
      g.cancel_requested_at IS NOT NULL AS "cancelRequested", g.event_sequence AS "eventSequence",
      CASE WHEN g.claimable_until > now() AND g.deletion_begun_at IS NULL AND NOT EXISTS (
        SELECT FROM generations c WHERE c.claim_of = g.id AND c.state IN ('requested', 'held', 'charged')) THEN g.claimable_until END AS "claimableUntil", ${REFUNDED}, g.claim_of AS "claimOf", g.remix_of AS "remixOf", g.settled_at AS "settledAt", g.error_code AS "errorCode", g.error_message AS "errorMessage"
    FROM generations g JOIN holds h ON h.generation_id = g.id LEFT JOIN inputs i ON i.generation_id = g.id`;

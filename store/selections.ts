import type { RefundActor } from '../contracts/money.ts';
import type { PaidState } from '../contracts/states.ts';
import { t } from './statement.ts';

/** Columns that several statements select, without their conditions. */

/** The refunds of a generation `g`: their sum, who made them, and the last time. */
export const REFUNDED = `(SELECT COALESCE(sum(r.amount_microcredits), 0)::bigint FROM refunds r WHERE r.generation_id = g.id) AS "refundedMicrocredits",
      ARRAY(SELECT DISTINCT r.actor FROM refunds r WHERE r.generation_id = g.id ORDER BY r.actor DESC) AS "refundedBy",
      (SELECT max(r.recorded_at) FROM refunds r WHERE r.generation_id = g.id) AS "refundedAt"`;

export const REFUNDED_COLUMNS = {
  refundedMicrocredits: t.bigint,
  refundedBy: t.texts<RefundActor>(),
  refundedAt: t.nullable(t.timestamptz),
};

/** The columns of a generation `g` that its owner may see. */
export const SHOWN_GENERATION = `SELECT g.id, g.account_id AS "accountId", g.api_key_id AS "apiKeyId", g.known_at IS NOT NULL AS "isKnown", g.state, g.model, g.seconds, g.size, i.prompt,
      g.amount_microcredits AS "amountMicrocredits", g.charged_amount_microcredits AS "chargedMicrocredits", g.requested_at AS "requestedAt",
      h.id AS "holdId", h.expires_at AS "holdExpiresAt", CASE WHEN g.provider_id_contested_at IS NULL THEN g.provider_video_id END AS "providerVideoId",
      g.provider, g.provider_progress AS "progress", g.provider_completed_at AS "providerCompletedAt",
      g.cancel_requested_at IS NOT NULL AS "cancelRequested", g.event_sequence AS "eventSequence",
      CASE WHEN g.claimable_until > now() AND g.deletion_begun_at IS NULL AND NOT EXISTS (
        SELECT FROM generations c WHERE c.claim_of = g.id AND c.state IN ('requested', 'held', 'charged')) THEN g.claimable_until END AS "claimableUntil", ${REFUNDED}, g.claim_of AS "claimOf", g.remix_of AS "remixOf", g.settled_at AS "settledAt", g.error_code AS "errorCode", g.error_message AS "errorMessage"
    FROM generations g JOIN holds h ON h.generation_id = g.id LEFT JOIN inputs i ON i.generation_id = g.id`;

export const SHOWN_GENERATION_COLUMNS = {
  id: t.text,
  accountId: t.text,
  /** The API key that requested it, and whether that key has named it since. */
  apiKeyId: t.text,
  isKnown: t.boolean,
  state: t.word<PaidState>(),
  model: t.text,
  seconds: t.notNull(t.integer),
  size: t.notNull(t.text),
  /** Null after its erasure. */
  prompt: t.nullable(t.text),
  amountMicrocredits: t.bigint,
  /** Null unless it was charged. */
  chargedMicrocredits: t.nullable(t.bigint),
  requestedAt: t.timestamptz,
  holdId: t.text,
  holdExpiresAt: t.timestamptz,
  providerVideoId: t.nullable(t.text),
  /** The provider of its last attempt. */
  provider: t.nullable(t.text),
  progress: t.nullable(t.integer),
  providerCompletedAt: t.nullable(t.timestamptz),
  cancelRequested: t.boolean,
  /** The time of its last event. */
  eventSequence: t.integer,
  /** Until when it can be claimed; null unless it completed after its release and was not claimed (MR-53). */
  claimableUntil: t.nullable(t.timestamptz),
  ...REFUNDED_COLUMNS,
  claimOf: t.nullable(t.text),
  /** The video that it remixes. */
  remixOf: t.nullable(t.text),
  settledAt: t.nullable(t.timestamptz),
  errorCode: t.nullable(t.text),
  errorMessage: t.nullable(t.text),
};

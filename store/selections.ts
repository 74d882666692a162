import type { RefundActor } from '../contracts/money.ts';
import type { PaidState } from '../contracts/states.ts';
import { LABELS, LABELS_COLUMNS } from './labels.ts';
import { t } from './statement.ts';

/**
 * The columns of a generation `g` and its hold `h` that its owner may see. A statement adds those that only a video or a text
 * has.
 */
export const SHOWN = `g.id, g.api_key_id AS "apiKeyId", g.known_at IS NOT NULL AS "isKnown", g.state, g.model,
      g.amount_microcredits AS "amountMicrocredits", g.charged_amount_microcredits AS "chargedMicrocredits",
      g.requested_at AS "requestedAt", h.id AS "holdId", h.expires_at AS "holdExpiresAt",
      (SELECT COALESCE(sum(r.amount_microcredits), 0)::bigint FROM refunds r WHERE r.generation_id = g.id) AS "refundedMicrocredits",
      ARRAY(SELECT DISTINCT r.actor FROM refunds r WHERE r.generation_id = g.id ORDER BY r.actor DESC) AS "refundedBy",
      (SELECT max(r.recorded_at) FROM refunds r WHERE r.generation_id = g.id) AS "refundedAt",
      g.settled_at AS "settledAt", g.error_code AS "errorCode", g.error_message AS "errorMessage",
      ${LABELS('g.id')}`;

export const SHOWN_COLUMNS = {
  id: t.text,
  /** The API key that requested it, and whether that key has named it since. */
  apiKeyId: t.text,
  isKnown: t.boolean,
  state: t.word<PaidState>(),
  model: t.text,
  /** The amount of its hold. */
  amountMicrocredits: t.bigint,
  /** Null unless it was charged. */
  chargedMicrocredits: t.nullable(t.bigint),
  requestedAt: t.timestamptz,
  holdId: t.text,
  holdExpiresAt: t.timestamptz,
  /** The refunds of its charge: their sum, who made them, and the last time. */
  refundedMicrocredits: t.bigint,
  refundedBy: t.texts<RefundActor>(),
  refundedAt: t.nullable(t.timestamptz),
  settledAt: t.nullable(t.timestamptz),
  errorCode: t.nullable(t.text),
  errorMessage: t.nullable(t.text),
  ...LABELS_COLUMNS,
};

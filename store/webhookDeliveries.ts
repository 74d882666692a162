import type { DeliverWebhookInput, WebhookDelivery, WebhookEvent } from '../contracts/webhooks.ts';
import type { Database } from './database.ts';
import { LABELS, LABELS_COLUMNS } from './labels.ts';
import { row, rows } from './query.ts';
import { cases, defineStatement, t, type RowOf } from './statement.ts';

/** Webhooks to tenants and to the operator. The settlement records them in its own transaction; nothing here moves credits. */

const PENDING = { owner: t.text, accountId: t.text, endpointId: t.text, eventId: t.text, tries: t.integer };

const LIST_WEBHOOKS = defineStatement({
  name: 'list_webhooks',
  text: `SELECT owner, account_id AS "accountId", endpoint_id AS "endpointId", event_id AS "eventId", tries
    FROM webhook_deliveries WHERE generation_id = $1 AND state = 'pending' ORDER BY endpoint_id`,
  row: PENDING,
});

/** The pending deliveries of a generation's settlement. */
export async function listWebhooks(db: Database, generationId: string): Promise<DeliverWebhookInput[]> {
  return rows(db, LIST_WEBHOOKS, [generationId]);
}

const LIST_OVERDUE = defineStatement({
  name: 'list_overdue_webhooks',
  text: `SELECT owner, account_id AS "accountId", endpoint_id AS "endpointId", event_id AS "eventId", tries FROM (
      SELECT *, row_number() OVER (PARTITION BY owner, account_id ORDER BY md5(endpoint_id || event_id || $1)) AS turn
      FROM webhook_deliveries WHERE state = 'pending' AND next_attempt_at < clock_timestamp() - interval '1 minute') overdue
    ORDER BY row_number() OVER (PARTITION BY owner ORDER BY turn, md5(account_id || $1)) LIMIT $2`,
  row: PENDING,
});

/**
 * Pending deliveries that are overdue by a minute. Owners take turns, and accounts within the operator's; the order is shuffled
 * by `seed`. So no delivery stays behind those of an owner whose receivers hang, or of an account with very many (MR-92).
 */
export async function listOverdueWebhooks(db: Database, seed: string, limit: number): Promise<DeliverWebhookInput[]> {
  return rows(db, LIST_OVERDUE, [seed, limit]);
}

const TO_SEND = defineStatement({
  name: 'webhook_to_send',
  text: `SELECT url, secrets, type, generation_id AS "generationId", account_id AS "accountId", occurred_at AS "occurredAt",
      ${LABELS('told.generation_id')}
    FROM webhook_to_send($1, $2, $3) AS told`,
  row: {
    url: t.text,
    /** The current secret first. */
    secrets: t.texts(),
    type: t.word<WebhookEvent>(),
    generationId: t.text,
    accountId: t.text,
    occurredAt: t.timestamptz,
    // As they stand now: those of a deleted generation are gone.
    ...LABELS_COLUMNS,
  },
});

/** A message, its address, and the secrets that sign it. */
export type WebhookToSend = RowOf<typeof TO_SEND>;

/** Undefined if nothing more is to be sent. If its endpoint was deleted or disabled, this marks the delivery as failed. */
export async function getWebhookToSend(db: Database, delivery: WebhookDelivery): Promise<WebhookToSend | undefined> {
  const { owner, endpointId, eventId } = delivery;
  const [message] = await rows(db, TO_SEND, [owner, endpointId, eventId]);
  return message;
}

/** One try of a delivery. */
export interface WebhookAttempt {
  /** Null if there was no answer. */
  readonly status: number | null;
  /** Why it failed, in words; null if it was accepted. */
  readonly error: string | null;
  /** The time of the next try; null: the delivery is given up. */
  readonly retryInMs: number | null;
}

type DeliveryState = 'pending' | 'delivered' | 'failed';

const RECORD = defineStatement({
  name: 'record_webhook_attempt',
  text: 'SELECT state, disabled FROM record_webhook_attempt($1, $2, $3, $4, $5, $6)',
  row: {
    state: t.word<DeliveryState>(),
    /** This try disabled the endpoint: it accepted nothing for three days, or answered 410. */
    disabled: t.boolean,
  },
});

export type RecordedAttempt = RowOf<typeof RECORD>;

/** Records a try and its consequences. A delivery that is no longer pending stays as it is. */
export async function recordWebhookAttempt(
  db: Database,
  { owner, endpointId, eventId }: WebhookDelivery,
  { status, error, retryInMs }: WebhookAttempt,
): Promise<RecordedAttempt> {
  return row(db, RECORD, [owner, endpointId, eventId, status, error, retryInMs]);
}

const LOG = defineStatement({
  name: 'list_webhook_deliveries',
  text: `SELECT event_id AS "eventId", type, account_id AS "accountId", generation_id AS "generationId", state, attempts, last_status AS "lastStatus",
      last_error AS "lastError", occurred_at AS "occurredAt", last_attempt_at AS "lastAttemptAt", next_attempt_at AS "nextAttemptAt"
    FROM webhook_deliveries WHERE owner = $1 AND endpoint_id = $2 AND ($3::text IS NULL OR event_id < $3)
    ORDER BY event_id DESC LIMIT $4`,
  row: {
    eventId: t.text,
    type: t.word<WebhookEvent>(),
    accountId: t.text,
    generationId: t.text,
    state: t.word<DeliveryState>(),
    attempts: t.integer,
    lastStatus: t.nullable(t.integer),
    lastError: t.nullable(t.text),
    occurredAt: t.timestamptz,
    lastAttemptAt: t.nullable(t.timestamptz),
    nextAttemptAt: t.nullable(t.timestamptz),
  },
});

/** A delivery, with the fields that its owner sees. */
export type LoggedDelivery = RowOf<typeof LOG>;

/** A page of an endpoint's deliveries, those of the newest generations first. */
export async function listWebhookDeliveries(
  db: Database,
  { owner, endpointId }: Pick<WebhookDelivery, 'owner' | 'endpointId'>,
  after: string | null,
  limit: number,
): Promise<LoggedDelivery[]> {
  return rows(db, LOG, [owner, endpointId, after, limit]);
}

const REDELIVER = defineStatement({
  name: 'redeliver_webhook',
  text: 'SELECT outcome, account_id AS "accountId" FROM redeliver_webhook($1, $2, $3)',
  row: cases('outcome', { asked: { accountId: t.text }, pending: {}, disabled: {}, unknown: {} }),
});

/**
 * Requests a delivery again. `asked`: its workflow must be signalled. `pending`: its next try comes soon anyway, and a signal
 * would only grow the history.
 */
export async function redeliverWebhook(
  db: Database,
  { owner, endpointId, eventId }: WebhookDelivery,
): Promise<RowOf<typeof REDELIVER>> {
  return row(db, REDELIVER, [owner, endpointId, eventId]);
}

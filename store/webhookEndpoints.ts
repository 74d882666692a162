import type { WebhookEvent } from '../contracts/webhooks.ts';
import type { Database } from './database.ts';
import { row, rows } from './query.ts';
import { cases, defineStatement, t, type RowOf } from './statement.ts';

/** Webhook endpoints, whose owner is an account, by its id, or the operator. A secret is stored here and read only together with a message to sign. */

const CREATE = defineStatement({
  name: 'create_webhook_endpoint',
  text: 'SELECT outcome, created_at AS "createdAt" FROM create_webhook_endpoint($1, $2, $3, $4, $5)',
  row: cases('outcome', { created: { createdAt: t.timestamptz }, too_many: {} }),
});

export type CreatedEndpoint = RowOf<typeof CREATE>;

/** Creates an endpoint with its secret; an owner has at most ten. */
export async function createWebhookEndpoint(
  db: Database,
  endpoint: { owner: string; id: string; url: string; events: readonly WebhookEvent[]; secret: string },
): Promise<CreatedEndpoint> {
  const { owner, id, url, events, secret } = endpoint;
  return row(db, CREATE, [owner, id, url, events, secret]);
}

const LIST = defineStatement({
  name: 'list_webhook_endpoints',
  text: `SELECT id, url, events, created_at AS "createdAt", failing_since AS "failingSince", disabled_at AS "disabledAt",
      disabled_reason AS "disabledReason"
    FROM webhook_endpoints WHERE owner = $1 AND deleted_at IS NULL AND ($2::text IS NULL OR id = $2) ORDER BY id DESC`,
  row: {
    id: t.text,
    url: t.notNull(t.text),
    events: t.texts<WebhookEvent>(),
    createdAt: t.timestamptz,
    /** Since when it has accepted nothing; null if its last answer was a success. */
    failingSince: t.nullable(t.timestamptz),
    disabledAt: t.nullable(t.timestamptz),
    /** `gone`: it answered 410. `failing`: it accepted nothing for three days. */
    disabledReason: t.nullable(t.word<'gone' | 'failing'>()),
  },
});

export type WebhookEndpoint = RowOf<typeof LIST>;

/** All endpoints of an owner, the newest first. */
export async function listWebhookEndpoints(db: Database, owner: string): Promise<WebhookEndpoint[]> {
  return rows(db, LIST, [owner, null]);
}

/** Undefined unless it belongs to this owner. */
export async function getWebhookEndpoint(
  db: Database,
  owner: string,
  id: string,
): Promise<WebhookEndpoint | undefined> {
  const [endpoint] = await rows(db, LIST, [owner, id]);
  return endpoint;
}

const DELETE = defineStatement({
  name: 'delete_webhook_endpoint',
  text: 'SELECT delete_webhook_endpoint($1, $2) AS done',
  row: { done: t.boolean },
});

/** Deletes the endpoint; nothing more is sent to it. False if the owner has no such endpoint. */
export async function deleteWebhookEndpoint(db: Database, owner: string, id: string): Promise<boolean> {
  return (await row(db, DELETE, [owner, id])).done;
}

const ENABLE = defineStatement({
  name: 'enable_webhook_endpoint',
  text: 'SELECT enable_webhook_endpoint($1, $2) AS done',
  row: { done: t.boolean },
});

/** Enables the endpoint again, from the next settlement on; false if the owner has no such endpoint. */
export async function enableWebhookEndpoint(db: Database, owner: string, id: string): Promise<boolean> {
  return (await row(db, ENABLE, [owner, id])).done;
}

const ROTATE = defineStatement({
  name: 'rotate_webhook_secret',
  text: 'SELECT rotate_webhook_secret($1, $2, $3) AS "validUntil"',
  row: { validUntil: t.nullable(t.timestamptz) },
});

/**
 * Adds a new secret. Until the returned time, messages are signed with the old one too. Undefined if the owner has no such
 * endpoint.
 */
export async function rotateWebhookSecret(
  db: Database,
  owner: string,
  id: string,
  secret: string,
): Promise<Date | undefined> {
  return (await row(db, ROTATE, [owner, id, secret])).validUntil ?? undefined;
}

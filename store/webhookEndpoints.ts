import type { WebhookEvent } from '../contracts/webhooks.ts';
import type { Database } from './database.ts';
import { row, rows } from './query.ts';
import { cases, defineStatement, t, type RowOf } from './statement.ts';

/** Where a tenant wants to hear of the end of its videos. Secrets go in, and come out only with what they sign. */

const CREATE = defineStatement({
  name: 'create_webhook_endpoint',
  text: 'SELECT outcome, created_at AS "createdAt" FROM create_webhook_endpoint($1, $2, $3, $4, $5)',
  row: cases('outcome', { created: { createdAt: t.timestamptz }, too_many: {} }),
});

export type CreatedEndpoint = RowOf<typeof CREATE>;

/** Keeps an endpoint and its secret; an account has ten at most. */
export async function createWebhookEndpoint(
  db: Database,
  endpoint: { accountId: string; id: string; url: string; events: readonly WebhookEvent[]; secret: string },
): Promise<CreatedEndpoint> {
  const { accountId, id, url, events, secret } = endpoint;
  return row(db, CREATE, [accountId, id, url, events, secret]);
}

const LIST = defineStatement({
  name: 'list_webhook_endpoints',
  text: `SELECT id, url, events, created_at AS "createdAt", failing_since AS "failingSince", disabled_at AS "disabledAt",
      disabled_reason AS "disabledReason"
    FROM webhook_endpoints WHERE account_id = $1 AND deleted_at IS NULL AND ($2::text IS NULL OR id = $2) ORDER BY id DESC`,
  row: {
    id: t.text,
    url: t.notNull(t.text),
    events: t.texts<WebhookEvent>(),
    createdAt: t.timestamptz,
    /** Since when it has accepted nothing; null when its last answer was a success. */
    failingSince: t.nullable(t.timestamptz),
    disabledAt: t.nullable(t.timestamptz),
    /** `gone`: it answered 410. `failing`: it accepted nothing for three days. */
    disabledReason: t.nullable(t.word<'gone' | 'failing'>()),
  },
});

export type WebhookEndpoint = RowOf<typeof LIST>;

/** All of an account's, the newest first. */
export async function listWebhookEndpoints(db: Database, accountId: string): Promise<WebhookEndpoint[]> {
  return rows(db, LIST, [accountId, null]);
}

/** Undefined unless it is this very account's. */
export async function getWebhookEndpoint(
  db: Database,
  accountId: string,
  id: string,
): Promise<WebhookEndpoint | undefined> {
  const [endpoint] = await rows(db, LIST, [accountId, id]);
  return endpoint;
}

const DELETE = defineStatement({
  name: 'delete_webhook_endpoint',
  text: 'SELECT delete_webhook_endpoint($1, $2) AS done',
  row: { done: t.boolean },
});

/** Nothing more is sent to it; false when the account has no such endpoint. */
export async function deleteWebhookEndpoint(db: Database, accountId: string, id: string): Promise<boolean> {
  return (await row(db, DELETE, [accountId, id])).done;
}

const ENABLE = defineStatement({
  name: 'enable_webhook_endpoint',
  text: 'SELECT enable_webhook_endpoint($1, $2) AS done',
  row: { done: t.boolean },
});

/** Messages go to it again, from the next settlement on; false when the account has no such endpoint. */
export async function enableWebhookEndpoint(db: Database, accountId: string, id: string): Promise<boolean> {
  return (await row(db, ENABLE, [accountId, id])).done;
}

const ROTATE = defineStatement({
  name: 'rotate_webhook_secret',
  text: 'SELECT rotate_webhook_secret($1, $2, $3) AS "validUntil"',
  row: { validUntil: t.nullable(t.timestamptz) },
});

/**
 * From here on the new secret signs, and the one before beside it until the answer's time; undefined when the account has no
 * such endpoint.
 */
export async function rotateWebhookSecret(
  db: Database,
  accountId: string,
  id: string,
  secret: string,
): Promise<Date | undefined> {
  return (await row(db, ROTATE, [accountId, id, secret])).validUntil ?? undefined;
}

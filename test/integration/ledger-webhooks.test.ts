import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { webhookEndpointId } from '../../contracts/ids.ts';
import type { WebhookDelivery, WebhookEvent, WebhookToDeliver } from '../../contracts/webhooks.ts';
import { WEBHOOK_EVENTS } from '../../contracts/webhooks.ts';
import type { TestDatabase, Tenant } from '../harness/support/database.ts';
import { admit, createTestDatabase, openTenant, PRICE } from '../harness/support/database.ts';
import { forEachOf } from '../harness/support/generations.ts';
import { FINISHED, PROVIDER } from '../harness/support/ledgerSteps.ts';

/** What the database notes to be told to tenants, what it keeps to itself, and that no settlement waits for any of it. */

const URL = 'https://receiver.test/hook?token=a-secret-of-the-tenant';
const FAILED = { status: 500, error: 'answered HTTP 500' };
const ACCEPTED = { status: 200, error: null, retryInMs: null };
const GIVEN_UP = { ...FAILED, retryInMs: null };
const AGAIN = { ...FAILED, retryInMs: 5000 };
const PENDING = { state: 'pending', disabled: false };

let db: TestDatabase;
let tenant: Tenant;
beforeAll(async () => {
  db = await createTestDatabase(12);
});
afterAll(async () => {
  await db.drop();
});
afterEach(async () => {
  expect((await db.pool.query('SELECT * FROM ledger_drift')).rows).toEqual([]);
});

const newSecret = () => `whsec_${Buffer.from(randomUUID()).toString('base64')}`;

async function listen(
  { accountId }: Pick<Tenant, 'accountId'> = tenant,
  events: readonly WebhookEvent[] = WEBHOOK_EVENTS,
) {
  const id = webhookEndpointId(randomUUID());
  const secret = newSecret();
  const made = await db.ledger.createWebhookEndpoint({ owner: accountId, id, url: URL, events, secret });
  expect(made.outcome).toBe('created');
  return { accountId, id, secret };
}
type Listening = Awaited<ReturnType<typeof listen>>;

/** Admits, holds and settles a generation; answers with its id. */
async function settle(of = tenant, reason: 'completed' | 'cancelled' = 'cancelled'): Promise<string> {
  const { ledger } = db;
  const id = await admit(db, of, `a fox ${randomUUID()}`);
  await ledger.placeHold(id, 3600);
  if (reason === 'completed') {
    const video = `video ${id}`;
    await ledger.beginAttempt(id, [PROVIDER]);
    await ledger.endAttempt(id, 1, { outcome: 'created', providerVideoId: video, providerCreatedAt: null });
    await ledger.recordLook(id, video, FINISHED);
  } else {
    await ledger.requestCancel(id, 'client');
  }
  expect(await ledger.settleGeneration(id, reason)).toMatchObject({ result: 'settled' });
  return id;
}

const deliveryTo = ({ accountId, id }: Listening, video: string): WebhookToDeliver => ({
  accountId,
  owner: accountId,
  endpointId: id,
  eventId: `evt_${video.slice('video_'.length)}`,
});
const toBeTold = async (listening: Listening) => deliveryTo(listening, await settle());

async function standing({ endpointId, eventId }: WebhookDelivery) {
  const sql =
    'SELECT state, type, last_error AS error FROM webhook_deliveries WHERE endpoint_id = $1 AND event_id = $2';
  const { rows } = await db.pool.query<{ state: string; type: string; error: string | null }>(sql, [
    endpointId,
    eventId,
  ]);
  return rows[0];
}

const shown = ({ accountId, id }: Listening) => db.ledger.getWebhookEndpoint(accountId, id);
const failsFor = ({ id }: Listening, interval: string) =>
  db.admin.query('UPDATE webhook_endpoints SET failing_since = now() - $2::interval WHERE id = $1', [id, interval]);

describe('a settlement', () => {
  beforeAll(async () => {
    tenant = await openTenant(db, 100 * PRICE);
  });

  it('is noted once for each endpoint of its account that listens to how it ended', async () => {
    const [all, failures] = [await listen(), await listen(tenant, ['video.failed'])];
    const other = await openTenant(db, PRICE);
    const elsewhere = await listen(other);
    const [charged, released] = [await settle(tenant, 'completed'), await settle()];
    await db.ledger.settleGeneration(released, 'cancelled');
    const told = { state: 'pending', error: null };
    expect(await standing(deliveryTo(all, charged))).toEqual({ ...told, type: 'video.completed' });
    expect(await standing(deliveryTo(all, released))).toEqual({ ...told, type: 'video.failed' });
    expect(await standing(deliveryTo(failures, charged))).toBeUndefined();
    expect(await standing(deliveryTo(failures, released))).toEqual({ ...told, type: 'video.failed' });
    expect(await standing(deliveryTo(elsewhere, charged))).toBeUndefined();
    expect(await db.ledger.listWebhooks(released)).toHaveLength(2);
    expect(await db.ledger.listWebhooks(charged)).toEqual([{ ...deliveryTo(all, charged), tries: 0 }]);
  });

  it('waits for no endpoint that is being changed', async () => {
    const listening = await listen();
    const client = await db.pool.connect();
    try {
      await client.query('BEGIN');
      await client.query('SELECT delete_webhook_endpoint($1, $2)', [tenant.accountId, listening.id]);
      await settle();
    } finally {
      await client.query('COMMIT');
      client.release();
    }
  });

  it('does not fail because a message of it can not be noted', async () => {
    await listen();
    await db.admin.query('ALTER TABLE webhook_deliveries ADD CONSTRAINT broken CHECK (false) NOT VALID');
    try {
      expect(await db.ledger.listWebhooks(await settle())).toEqual([]);
    } finally {
      await db.admin.query('ALTER TABLE webhook_deliveries DROP CONSTRAINT broken');
    }
  });
});

describe('an endpoint', () => {
  beforeAll(async () => {
    tenant = await openTenant(db, 100 * PRICE);
  });

  it('is the tenth of its account at most, also while another one is being made', async () => {
    const { accountId } = await openTenant(db, 0);
    for (let n = 0; n < 9; n += 1) await listen({ accountId });
    const one = () => ({ owner: accountId, id: webhookEndpointId(randomUUID()), url: URL, secret: newSecret() });
    const client = await db.pool.connect();
    try {
      const { id, secret } = one();
      await client.query('BEGIN');
      await client.query('SELECT create_webhook_endpoint($1, $2, $3, $4, $5)', [
        accountId,
        id,
        URL,
        WEBHOOK_EVENTS,
        secret,
      ]);
      const second = db.ledger.createWebhookEndpoint({ ...one(), events: WEBHOOK_EVENTS });
      await vi.waitFor(async () => {
        const waiting = `SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
          AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;
        expect((await db.pool.query(waiting)).rowCount).toBe(1);
      });
      await client.query('COMMIT');
      expect(await second).toMatchObject({ outcome: 'too_many' });
    } finally {
      await client.query('ROLLBACK');
      client.release();
    }
    expect(await db.ledger.listWebhookEndpoints(accountId)).toHaveLength(10);
  });

  it('that is deleted leaves neither URL nor secret behind, and what was to be told has failed', async () => {
    const listening = await listen();
    const delivery = await toBeTold(listening);
    const { accountId, id } = listening;
    expect(await db.ledger.deleteWebhookEndpoint(accountId, id)).toBe(true);
    expect(await db.ledger.deleteWebhookEndpoint(accountId, id)).toBe(false);
    const { rows } = await db.admin.query(
      `SELECT url, (SELECT count(*)::integer FROM webhook_secrets s WHERE s.endpoint_id = e.id) AS secrets FROM webhook_endpoints e WHERE id = $1`,
      [id],
    );
    expect(rows).toEqual([{ url: null, secrets: 0 }]);
    expect(await db.ledger.getWebhookToSend(delivery)).toBeUndefined();
    expect(await standing(delivery)).toMatchObject({ state: 'failed', error: 'the endpoint was deleted' });
    expect(await db.ledger.redeliverWebhook(delivery)).toMatchObject({ outcome: 'unknown' });
    expect(await db.ledger.enableWebhookEndpoint(accountId, id)).toBe(false);
    expect(await db.ledger.rotateWebhookSecret(accountId, id, newSecret())).toBeUndefined();
  });

  it("of another account can not be had, changed, or sent to by that account's id", async () => {
    const listening = await listen();
    const delivery = { ...(await toBeTold(listening)), owner: (await openTenant(db, 0)).accountId };
    const { owner, endpointId } = delivery;
    const { ledger } = db;
    expect(await ledger.getWebhookEndpoint(owner, endpointId)).toBeUndefined();
    expect(await ledger.deleteWebhookEndpoint(owner, endpointId)).toBe(false);
    expect(await ledger.enableWebhookEndpoint(owner, endpointId)).toBe(false);
    expect(await ledger.rotateWebhookSecret(owner, endpointId, newSecret())).toBeUndefined();
    expect(await ledger.redeliverWebhook(delivery)).toMatchObject({ outcome: 'unknown' });
    expect(await ledger.getWebhookToSend(delivery)).toBeUndefined();
    expect(await ledger.listWebhookDeliveries(delivery, null, 10)).toEqual([]);
    expect(await shown(listening)).toMatchObject({ url: URL });
  });

  it('that was given a new secret signs with both, until the end of a day; never with an older one', async () => {
    const listening = await listen();
    const delivery = await toBeTold(listening);
    const { accountId, id, secret } = listening;
    const secretsNow = async () => (await db.ledger.getWebhookToSend(delivery))?.secrets;
    const [second, third] = [newSecret(), newSecret()];
    const until = await db.ledger.rotateWebhookSecret(accountId, id, second);
    expect((until?.getTime() ?? 0) - Date.now()).toBeGreaterThan(86_300_000);
    expect(await secretsNow()).toEqual([second, secret]);
    await db.ledger.rotateWebhookSecret(accountId, id, third);
    expect(await secretsNow()).toEqual([third, second]);
    await db.admin.query('UPDATE webhook_secrets SET previous_valid_until = now() WHERE endpoint_id = $1', [id]);
    expect(await secretsNow()).toEqual([third]);
  });

  it('that accepts nothing for three days is disabled when a delivery is given up', async () => {
    const { ledger } = db;
    const listening = await listen();
    const [first, second] = [await toBeTold(listening), await toBeTold(listening)];
    expect(await ledger.recordWebhookAttempt(first, AGAIN)).toEqual(PENDING);
    await failsFor(listening, '71 hours');
    expect(await ledger.recordWebhookAttempt(first, GIVEN_UP)).toEqual({ state: 'failed', disabled: false });
    await failsFor(listening, '73 hours');
    expect(await ledger.recordWebhookAttempt(second, AGAIN)).toEqual(PENDING);
    expect(await shown(listening)).toMatchObject({ disabledAt: null });
    expect(await ledger.redeliverWebhook(first)).toMatchObject({ outcome: 'asked' });
    expect(await ledger.recordWebhookAttempt(first, GIVEN_UP)).toEqual({ state: 'failed', disabled: true });
    expect(await shown(listening)).toMatchObject({ disabledReason: 'failing' });
  });

  it('that is disabled is told nothing, and what waits for it has failed, until it is enabled', async () => {
    const { ledger } = db;
    const listening = await listen();
    const [first, second] = [await toBeTold(listening), await toBeTold(listening)];
    expect(await ledger.recordWebhookAttempt(first, { ...AGAIN, status: 410 })).toEqual({
      state: 'failed',
      disabled: true,
    });
    expect(await shown(listening)).toMatchObject({ disabledReason: 'gone' });
    expect(await ledger.redeliverWebhook(first)).toMatchObject({ outcome: 'disabled' });
    expect(await ledger.getWebhookToSend(second)).toBeUndefined();
    expect(await standing(second)).toMatchObject({ state: 'failed', error: 'the endpoint is disabled' });
    expect(await standing(await toBeTold(listening))).toBeUndefined();
    expect(await ledger.enableWebhookEndpoint(listening.accountId, listening.id)).toBe(true);
    expect(await ledger.redeliverWebhook(second)).toMatchObject({ outcome: 'asked' });
    expect(await ledger.getWebhookToSend(second)).toMatchObject({ url: URL, secrets: [listening.secret] });
    expect(await standing(await toBeTold(listening))).toMatchObject({ state: 'pending' });
  });

  it('begins anew after a message that was accepted', async () => {
    const { ledger } = db;
    const listening = await listen();
    const delivery = await toBeTold(listening);
    await failsFor(listening, '10 days');
    expect(await ledger.recordWebhookAttempt(delivery, ACCEPTED)).toEqual({ state: 'delivered', disabled: false });
    expect(await ledger.recordWebhookAttempt(delivery, GIVEN_UP)).toMatchObject({ state: 'delivered' });
    expect(await shown(listening)).toMatchObject({ failingSince: null });
    await ledger.redeliverWebhook(delivery);
    expect(await ledger.recordWebhookAttempt(delivery, GIVEN_UP)).toEqual({ state: 'failed', disabled: false });
  });
});

describe('a delivery', () => {
  beforeAll(async () => {
    tenant = await openTenant(db, 100 * PRICE);
  });

  it('that is requested again and again signals its workflow once', async () => {
    const delivery = await toBeTold(await listen());
    await db.ledger.recordWebhookAttempt(delivery, { ...FAILED, retryInMs: 3_600_000 });
    const outcomes = await forEachOf(Array.from({ length: 50 }), 10, () => db.ledger.redeliverWebhook(delivery));
    expect(outcomes.filter(({ outcome }) => outcome === 'asked')).toHaveLength(1);
    expect(new Set(outcomes.map(({ outcome }) => outcome))).toEqual(new Set(['asked', 'pending']));
  });

  it('is left alone by the reconciler until a minute past its time; then every account has its turn', async () => {
    const busy = await listen();
    for (let n = 0; n < 5; n += 1) await settle();
    const other = await openTenant(db, PRICE);
    const quiet = deliveryTo(await listen(other), await settle(other));
    const overdue = () => db.ledger.listOverdueWebhooks(randomUUID(), 3);
    expect(await overdue()).toEqual([]);
    await db.admin.query(
      "UPDATE webhook_deliveries SET next_attempt_at = now() - interval '61 seconds' WHERE endpoint_id = ANY($1) AND state = 'pending'",
      [[busy.id, quiet.endpointId]],
    );
    const some = await overdue();
    expect(some).toHaveLength(3);
    expect(some).toContainEqual({ ...quiet, tries: 0 });
  });
});

describe("the service's role", () => {
  it.each([
    'SELECT * FROM webhook_secrets',
    'UPDATE webhook_endpoints SET disabled_at = NULL',
    'DELETE FROM webhook_endpoints',
    'INSERT INTO webhook_deliveries SELECT * FROM webhook_deliveries',
    "UPDATE webhook_deliveries SET state = 'delivered'",
    "SELECT lock_webhook_endpoint('a', 'b')",
  ])('is refused: %s', async (sql) => {
    await expect(db.pool.query(sql)).rejects.toMatchObject({ code: '42501' });
  });
});

import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { WebhookDelivery } from '../../contracts/webhooks.ts';
import { admit } from '../support/database.ts';
import { forEachOf } from '../support/generations.ts';
import type { TestAccount, TestStack } from '../support/stack.ts';
import { openAccount, startStack } from '../support/stack.ts';
import type { MadeEndpoint } from '../support/webhooks.ts';
import { logOf, makeEndpoint, post } from '../support/webhooks.ts';

/** Whose endpoints are whose, what the database keeps to itself, and that no settlement waits for any of it. */

const NOWHERE = { url: 'https://receiver.test/hook?token=a-secret-of-the-tenant' };
let stack: TestStack;
beforeAll(async () => {
  stack = await startStack({ guardWebhooks: true });
  // Nothing is to be sent here: the deliveries stay as the database has them.
  await stack.stopWorkers();
});
afterAll(async () => {
  await stack.stop();
});

const errorOf = async (answer: Response) => ({ status: answer.status, ...((await answer.json()) as object) });

/** Settles a new generation of this account, with nobody's workflow; answers with its id. */
async function settle(account: TestAccount): Promise<string> {
  const { pool, ledger } = stack.database;
  const keys = await pool.query<{ id: string }>('SELECT id FROM api_keys WHERE account_id = $1', [account.id]);
  const tenant = { accountId: account.id, apiKeyId: keys.rows[0]?.id ?? '' };
  const id = await admit(stack.database, tenant, `a fox ${randomUUID()}`);
  await ledger.placeHold(id, 3600);
  await ledger.requestCancel(id, 'client');
  expect(await ledger.settleGeneration(id, 'cancelled')).toMatchObject({ result: 'settled' });
  return id;
}

const deliveryOf = (account: TestAccount, { id }: MadeEndpoint, video: string): WebhookDelivery => ({
  accountId: account.id,
  endpointId: id,
  eventId: `evt_${video.slice('video_'.length)}`,
});

describe('an endpoint', () => {
  let account: TestAccount;
  beforeAll(async () => {
    account = await openAccount(stack, 100_000_000);
  });

  it('shows its secret once', async () => {
    const made = await makeEndpoint(account, NOWHERE);
    expect(made.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    const shown = await (await account.fetch(`/v1/webhook_endpoints/${made.id}`)).json();
    expect(shown).toEqual({
      id: made.id,
      object: 'webhook_endpoint',
      url: NOWHERE.url,
      events: ['video.completed', 'video.failed'],
      status: 'enabled',
      disabled_reason: null,
      failing_since: null,
      created_at: expect.any(Number) as number,
    });
    const list = await (await account.fetch('/v1/webhook_endpoints')).json();
    expect(list).toEqual({ object: 'list', data: [shown], first_id: made.id, last_id: made.id, has_more: false });
  });

  it.each([
    ['http://receiver.test/', 'url'],
    ['https://127.0.0.1/', 'url'],
    ['https://[::ffff:10.0.0.1]/', 'url'],
    ['https://user:password@receiver.test/', 'url'],
    [42, 'url'],
  ])('at %s is refused', async (url, param) => {
    expect(await errorOf(await post(account, '/webhook_endpoints', { url }))).toMatchObject({
      status: 400,
      error: { code: 'invalid_request', param },
    });
  });

  it('that wants to hear of nothing, or of what there is not, is refused', async () => {
    for (const events of [[], ['video.paid']]) {
      const answer = await post(account, '/webhook_endpoints', { ...NOWHERE, events });
      expect(await errorOf(answer)).toMatchObject({ status: 400, error: { code: 'invalid_request' } });
    }
  });

  it('is the tenth at most, also when many are made at once', async () => {
    const many = await openAccount(stack, 0);
    const answers = await forEachOf(Array.from({ length: 20 }), 20, () => post(many, '/webhook_endpoints', NOWHERE));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(10);
    const refused = answers.find(({ status }) => status === 400);
    expect(await refused?.json()).toMatchObject({ error: { message: expect.stringContaining('ten') as string } });
  });

  it("of another account is not found, whatever is asked of it, and neither is a delivery to another's", async () => {
    const made = await makeEndpoint(account, NOWHERE);
    const video = await settle(account);
    const other = await openAccount(stack, 0);
    const mine = await makeEndpoint(other, NOWHERE);
    const { eventId } = deliveryOf(account, made, video);
    const calls = (id: string, by: TestAccount) => [
      by.fetch(`/v1/webhook_endpoints/${id}`),
      by.fetch(`/v1/webhook_endpoints/${id}`, { method: 'DELETE' }),
      by.fetch(`/v1/webhook_endpoints/${id}/deliveries`),
      post(by, `/webhook_endpoints/${id}/rotate_secret`),
      post(by, `/webhook_endpoints/${id}/enable`),
      post(by, `/webhook_endpoints/${id}/deliveries/${eventId}/redeliver`),
    ];
    const answers = await Promise.all([
      ...calls(made.id, other),
      ...calls('we_00000000000000000000000000000000', account),
      ...calls('nonsense', account),
      post(other, `/webhook_endpoints/${mine.id}/deliveries/${eventId}/redeliver`),
    ]);
    for (const answer of answers) {
      expect(await errorOf(answer)).toMatchObject({ status: 404, error: { code: 'not_found' } });
    }
    expect(await logOf(account, made)).toMatchObject([{ video_id: video, state: 'pending', attempts: 0 }]);
    await account.fetch(`/v1/webhook_endpoints/${made.id}`, { method: 'DELETE' });
  });

  it('that is deleted leaves neither URL nor secret behind, and its deliveries fail', async () => {
    const made = await makeEndpoint(account, NOWHERE);
    const delivery = deliveryOf(account, made, await settle(account));
    await account.fetch(`/v1/webhook_endpoints/${made.id}`, { method: 'DELETE' });
    const { rows } = await stack.database.admin.query(
      `SELECT url, (SELECT count(*)::integer FROM webhook_secrets s WHERE s.endpoint_id = e.id) AS secrets FROM webhook_endpoints e WHERE id = $1`,
      [made.id],
    );
    expect(rows).toEqual([{ url: null, secrets: 0 }]);
    expect(await stack.database.ledger.getWebhookToSend(delivery)).toBeUndefined();
    expect(await standing(delivery)).toEqual({ state: 'failed', last_error: 'the endpoint was deleted' });
  });
});

async function standing({ endpointId, eventId }: WebhookDelivery): Promise<unknown> {
  const sql = 'SELECT state, last_error FROM webhook_deliveries WHERE endpoint_id = $1 AND event_id = $2';
  return (await stack.database.pool.query(sql, [endpointId, eventId])).rows[0];
}

describe('an endpoint that accepts nothing', () => {
  const FAILED = { status: 500, error: 'answered HTTP 500' };
  let account: TestAccount;
  beforeAll(async () => {
    account = await openAccount(stack, 100_000_000);
  });
  const statusOf = async ({ id }: MadeEndpoint) =>
    (await (await account.fetch(`/v1/webhook_endpoints/${id}`)).json()) as { status: string; disabled_reason: unknown };
  const failsSince = (id: string, interval: string) =>
    stack.database.admin.query('UPDATE webhook_endpoints SET failing_since = now() - $2::interval WHERE id = $1', [
      id,
      interval,
    ]);

  it('for three days is disabled when a delivery is given up; what waits then fails, until it is enabled', async () => {
    const { ledger } = stack.database;
    const made = await makeEndpoint(account, NOWHERE);
    const [first, second] = [
      deliveryOf(account, made, await settle(account)),
      deliveryOf(account, made, await settle(account)),
    ];
    expect(await ledger.recordWebhookAttempt(first, { ...FAILED, retryInMs: 5000 })).toEqual({
      state: 'pending',
      disabled: false,
    });
    await failsSince(made.id, '71 hours');
    expect(await ledger.recordWebhookAttempt(first, { ...FAILED, retryInMs: null })).toEqual({
      state: 'failed',
      disabled: false,
    });
    await failsSince(made.id, '73 hours');
    expect(await ledger.recordWebhookAttempt(second, { ...FAILED, retryInMs: 5000 })).toEqual({
      state: 'pending',
      disabled: false,
    });
    expect((await statusOf(made)).status).toBe('enabled');
    expect(await ledger.redeliverWebhook(first)).toBe('asked');
    expect(await ledger.recordWebhookAttempt(first, { ...FAILED, retryInMs: null })).toEqual({
      state: 'failed',
      disabled: true,
    });
    expect(await statusOf(made)).toMatchObject({ status: 'disabled', disabled_reason: 'failing' });
    expect(await ledger.redeliverWebhook(first)).toBe('disabled');
    expect(await ledger.getWebhookToSend(second)).toBeUndefined();
    expect(await standing(second)).toEqual({ state: 'failed', last_error: 'the endpoint is disabled' });
    const unheard = await settle(account);
    expect(await standing(deliveryOf(account, made, unheard))).toBeUndefined();
    await post(account, `/webhook_endpoints/${made.id}/enable`);
    expect(await ledger.redeliverWebhook(second)).toBe('asked');
    expect(await ledger.getWebhookToSend(second)).toMatchObject({ url: NOWHERE.url, secrets: [made.secret] });
  });

  it('begins anew after one that was accepted', async () => {
    const { ledger } = stack.database;
    const made = await makeEndpoint(account, NOWHERE);
    const delivery = deliveryOf(account, made, await settle(account));
    await failsSince(made.id, '10 days');
    const accepted = { status: 200, error: null, retryInMs: null };
    expect(await ledger.recordWebhookAttempt(delivery, accepted)).toEqual({ state: 'delivered', disabled: false });
    expect(await ledger.recordWebhookAttempt(delivery, { ...FAILED, retryInMs: null })).toMatchObject({
      state: 'delivered',
    });
    expect(await statusOf(made)).toMatchObject({ status: 'enabled', failing_since: null });
    await ledger.redeliverWebhook(delivery);
    await ledger.recordWebhookAttempt(delivery, { ...FAILED, retryInMs: null });
    expect((await statusOf(made)).status).toBe('enabled');
  });

  it('is told once of any number of requests to send again', async () => {
    const { ledger } = stack.database;
    const made = await makeEndpoint(account, NOWHERE);
    const delivery = deliveryOf(account, made, await settle(account));
    await ledger.recordWebhookAttempt(delivery, { ...FAILED, retryInMs: 3_600_000 });
    const outcomes = await forEachOf(Array.from({ length: 50 }), 10, () => ledger.redeliverWebhook(delivery));
    expect(outcomes.filter((outcome) => outcome === 'asked')).toHaveLength(1);
    expect(new Set(outcomes)).toEqual(new Set(['asked', 'pending']));
  });
});

describe('no settlement', () => {
  it('waits for an endpoint that is being changed', async () => {
    const account = await openAccount(stack, 100_000_000);
    const made = await makeEndpoint(account, NOWHERE);
    const client = await stack.database.pool.connect();
    try {
      await client.query('BEGIN');
      await client.query('SELECT delete_webhook_endpoint($1, $2)', [account.id, made.id]);
      await settle(account);
    } finally {
      await client.query('COMMIT');
      client.release();
    }
  });

  it('fails because a message of it can not be noted', async () => {
    const account = await openAccount(stack, 100_000_000);
    await makeEndpoint(account, NOWHERE);
    const { admin, pool } = stack.database;
    await admin.query('ALTER TABLE webhook_deliveries ADD CONSTRAINT broken CHECK (false) NOT VALID');
    try {
      const id = await settle(account);
      expect((await pool.query('SELECT FROM webhook_deliveries WHERE generation_id = $1', [id])).rowCount).toBe(0);
    } finally {
      await admin.query('ALTER TABLE webhook_deliveries DROP CONSTRAINT broken');
    }
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
    await expect(stack.database.pool.query(sql)).rejects.toMatchObject({ code: '42501' });
  });
});

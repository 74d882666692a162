import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { WebhookDelivery } from '../../contracts/webhooks.ts';
import { admit } from '../harness/support/database.ts';
import { forEachOf } from '../harness/support/generations.ts';
import type { TestAccount, TestStack } from '../harness/support/stack.ts';
import { openAccount, startStack } from '../harness/support/stack.ts';
import type { MadeEndpoint } from '../harness/support/webhooks.ts';
import { logOf, makeEndpoint, operatorOf, post } from '../harness/support/webhooks.ts';

/** What the API takes as an endpoint, and whose endpoints are whose. */

const NOWHERE = { url: 'https://receiver.test/hook?token=a-secret-of-the-tenant' };
let stack: TestStack;
beforeAll(async () => {
  stack = await startStack({ webhooksPrivateFor: 'operator' });
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
  owner: account.id,
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

  it('of the operator’s may be inside where only the operator’s may, and its refusal says what it must begin with', async () => {
    const operator = operatorOf(stack);
    const inside = await makeEndpoint(operator, { url: 'http://127.0.0.1:4000/hook' });
    await operator.fetch(`/admin/webhook_endpoints/${inside.id}`, { method: 'DELETE' });
    const messages = [operator, account].map(async (holder) => {
      const { error } = (await (await post(holder, '/webhook_endpoints', { url: 'ftp://receiver.test/' })).json()) as {
        error: { message: string };
      };
      return error.message;
    });
    expect(await Promise.all(messages)).toEqual([
      expect.stringContaining('must begin with https:// or http://'),
      expect.stringMatching(/must begin with https:\/\/(?! or)/),
    ]);
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
});

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { deliveryWorkflowId } from '../../contracts/webhooks.ts';
import { admit } from '../harness/support/database.ts';
import {
  ask,
  expectNoDrift,
  movementsOf,
  readableHistory,
  untilRow,
  untilSettled,
} from '../harness/support/generations.ts';
import type { Receiver } from '../harness/support/receiver.ts';
import { startReceiver } from '../harness/support/receiver.ts';
import { reconcile } from '../harness/support/reconciling.ts';
import type { TestAccount, TestStack } from '../harness/support/stack.ts';
import { openAccount, startStack } from '../harness/support/stack.ts';
import { logOf, makeEndpoint, post, untilLogged, verified } from '../harness/support/webhooks.ts';

/** Webhooks to tenants, over the whole stack and real HTTP. Credits never wait for them (MR-92). */

let stack: TestStack;
let account: TestAccount;
const receivers: Receiver[] = [];
beforeAll(async () => {
  stack = await startStack();
});
afterEach(async () => {
  for (const receiver of receivers.splice(0)) await receiver.close();
  await expectNoDrift(stack);
});
afterAll(async () => {
  await stack.stop();
});

async function receiver(...args: Parameters<typeof startReceiver>): Promise<Receiver> {
  const started = await startReceiver(...args);
  receivers.push(started);
  return started;
}

const redeliver = (endpoint: { id: string }, delivery: { id: string }) =>
  post(account, `/webhook_endpoints/${endpoint.id}/deliveries/${delivery.id}/redeliver`);

describe('a settlement', () => {
  beforeAll(async () => {
    account = await openAccount(stack, 100_000_000);
  });

  it('is told once, signed, with the id of its video, its user and metadata, and nothing else of it', async () => {
    const [both, failuresOnly] = [await receiver(), await receiver()];
    const endpoint = await makeEndpoint(account, both);
    const picky = await makeEndpoint(account, failuresOnly, ['video.failed']);
    const completed = await ask(account, 'a red fox');
    const failed = await ask(account, 'a red fox [[fail:invalid_request]]');
    const received = await both.until(2);
    const events = received.map((each) => verified(each, endpoint.secret));
    const event = (type: string, id: string) => ({
      id: `evt_${id.slice('video_'.length)}`,
      object: 'event',
      created_at: expect.any(Number) as number,
      type,
      data: { id, user: null, metadata: {} },
    });
    expect(events).toHaveLength(2);
    expect(events).toEqual(
      expect.arrayContaining([event('video.completed', completed), event('video.failed', failed)]),
    );
    for (const [index, { headers }] of received.entries()) {
      expect(headers['webhook-id']).toBe((events[index] as { id: string }).id);
    }
    const [only] = await failuresOnly.until(1);
    expect(verified(only as NonNullable<typeof only>, picky.secret)).toEqual(event('video.failed', failed));
    await untilLogged(account, endpoint, { video_id: completed, state: 'delivered', attempts: 1, last_status: 200 });
    await untilLogged(account, picky, { video_id: failed, state: 'delivered', attempts: 1 });
    expect(await logOf(account, picky)).toHaveLength(1);
    await deleteAll();
  });

  it('that is not accepted is told again, under the same id', async () => {
    const flaky = await receiver((response, nth) => response.writeHead(nth === 1 ? 500 : 204).end());
    const endpoint = await makeEndpoint(account, flaky);
    const id = await ask(account, 'a red fox, twice');
    const waiting = await untilLogged(account, endpoint, { video_id: id, state: 'pending', attempts: 1 });
    expect(waiting).toMatchObject({ last_status: 500, last_error: 'answered HTTP 500' });
    const [first, second] = await flaky.until(2);
    expect(second?.headers['webhook-id']).toBe(first?.headers['webhook-id']);
    expect(second?.body).toBe(first?.body);
    await untilLogged(account, endpoint, { video_id: id, state: 'delivered', attempts: 2, last_error: null });
    const workflow = deliveryWorkflowId({ owner: account.id, endpointId: endpoint.id, eventId: waiting.id });
    const history = await readableHistory(stack, workflow);
    expect(history).toContain(endpoint.id);
    expect(history).not.toContain(String(flaky.port));
    expect(history).not.toMatch(/https?:\/\/|whsec_|red fox/);
    await deleteAll();
  });

  it('is told again when that is asked for, and no redirect is followed', async () => {
    const elsewhere = await receiver();
    const moved = await receiver((response, nth) => {
      response.writeHead(nth === 1 ? 307 : 200, { location: elsewhere.url }).end();
    });
    const endpoint = await makeEndpoint(account, moved);
    const id = await ask(account, 'a fox that moved');
    const waiting = await untilLogged(account, endpoint, { video_id: id, state: 'pending', last_status: 307 });
    expect(waiting.last_error).toMatch(/redirect, which is not followed/);
    // Its wait ends, a delivered one is sent once more; each under the same id.
    for (const attempts of [2, 3]) {
      expect(await (await redeliver(endpoint, waiting)).json()).toMatchObject({ id: waiting.id, state: 'pending' });
      await untilLogged(account, endpoint, { state: 'delivered', attempts });
    }
    expect(new Set(moved.received.map(({ headers }) => headers['webhook-id']))).toEqual(new Set([waiting.id]));
    expect(elsewhere.received).toEqual([]);
    await deleteAll();
  });

  it('is signed with both secrets for a day after a rotation', async () => {
    const keeping = await receiver();
    const endpoint = await makeEndpoint(account, keeping);
    const rotated = await post(account, `/webhook_endpoints/${endpoint.id}/rotate_secret`);
    const { secret, previous_secret_valid_until: until } = (await rotated.json()) as {
      secret: string;
      previous_secret_valid_until: number;
    };
    expect(until - Date.now() / 1000).toBeGreaterThan(86_300);
    const id = await ask(account, 'a fox with two keys');
    const [first] = await keeping.until(1);
    for (const each of [secret, endpoint.secret]) {
      expect(verified(first as NonNullable<typeof first>, each)).toMatchObject({ data: { id } });
    }
    const delivered = await untilLogged(account, endpoint, { video_id: id, state: 'delivered' });
    await stack.database.admin.query('UPDATE webhook_secrets SET previous_valid_until = now() WHERE endpoint_id = $1', [
      endpoint.id,
    ]);
    await redeliver(endpoint, delivered);
    const [, second] = await keeping.until(2);
    expect(verified(second as NonNullable<typeof second>, secret)).toMatchObject({ data: { id } });
    expect(() => verified(second as NonNullable<typeof second>, endpoint.secret)).toThrow();
    await deleteAll();
  });

  it('is no longer sent to an endpoint that was deleted or answered 410', async () => {
    const gone = await receiver((response) => response.writeHead(410).end());
    const deleted = await receiver();
    const [endpoint, other] = [await makeEndpoint(account, gone), await makeEndpoint(account, deleted)];
    expect((await account.fetch(`/v1/webhook_endpoints/${other.id}`, { method: 'DELETE' })).status).toBe(200);
    const first = await ask(account, 'the last one');
    const failed = await untilLogged(account, endpoint, { video_id: first, state: 'failed', last_status: 410 });
    const shown = await account.fetch(`/v1/webhook_endpoints/${endpoint.id}`);
    expect(await shown.json()).toMatchObject({ status: 'disabled', disabled_reason: 'gone' });
    expect(stack.alarms).toContain('webhook_endpoint_disabled');
    const refused = await redeliver(endpoint, failed);
    expect({ status: refused.status, body: await refused.json() }).toMatchObject({
      status: 409,
      body: { error: { code: 'webhook_endpoint_disabled' } },
    });
    await untilSettled(stack, [await ask(account, 'nobody hears of this one')]);
    expect(await logOf(account, endpoint)).toHaveLength(1);
    expect(await (await post(account, `/webhook_endpoints/${endpoint.id}/enable`)).json()).toMatchObject({
      status: 'enabled',
    });
    await ask(account, 'heard of again');
    await gone.until(2);
    expect(gone.received).toHaveLength(2);
    expect(deleted.received).toEqual([]);
    await deleteAll();
  });
});

describe('what a settlement has noted', () => {
  it('is sent by the reconciler when no workflow sent it', async () => {
    account = await openAccount(stack, 100_000_000);
    const late = await receiver();
    const endpoint = await makeEndpoint(account, late);
    const { database } = stack;
    const { rows } = await database.pool.query<{ id: string }>('SELECT id FROM api_keys WHERE account_id = $1', [
      account.id,
    ]);
    // Settled by nobody's workflow, as by psql, or by a worker that dies right after.
    const id = await admit(database, { accountId: account.id, apiKeyId: rows[0]?.id ?? '' }, 'a lost fox');
    await database.ledger.placeHold(id, 3600);
    await database.ledger.requestCancel(id, 'client');
    expect(await database.ledger.settleGeneration(id, 'cancelled')).toMatchObject({ result: 'settled' });
    expect(await reconcile(stack)).toMatchObject({ webhooks_resumed: 0 });
    await database.admin.query(
      "UPDATE webhook_deliveries SET next_attempt_at = now() - interval '2 minutes' WHERE generation_id = $1",
      [id],
    );
    expect(await reconcile(stack)).toMatchObject({ webhooks_resumed: 1 });
    const [told] = await late.until(1);
    expect(verified(told as NonNullable<typeof told>, endpoint.secret)).toMatchObject({
      type: 'video.failed',
      data: { id },
    });
    await untilLogged(account, endpoint, { video_id: id, state: 'delivered' });
  });
});

describe('a receiver that never answers', () => {
  it("delays nobody's settlement, nobody's copy and nobody else's webhook", async () => {
    let [open, mostOpen] = [0, 0];
    const tarPit = await receiver((response) => {
      open += 1;
      mostOpen = Math.max(mostOpen, open);
      response.on('close', () => (open -= 1));
    });
    const slow = await openAccount(stack, 100_000_000);
    for (let n = 0; n < 10; n += 1) await makeEndpoint(slow, tarPit);
    const slowIds = [await ask(slow, 'slow 1'), await ask(slow, 'slow 2'), await ask(slow, 'slow 3')];
    // Thirty deliveries: as many hang as one tenant may have, in each worker.
    await tarPit.until(8);
    account = await openAccount(stack, 100_000_000);
    const quick = await receiver();
    await makeEndpoint(account, quick);
    const begun = performance.now();
    const id = await ask(account, 'quick');
    await untilSettled(stack, [id, ...slowIds]);
    await quick.until(1);
    await untilRow(stack, id, 'EXISTS (SELECT FROM contents c WHERE c.generation_id = g.id)');
    // The thirty take four rounds of ten seconds.
    expect(performance.now() - begun).toBeLessThan(15_000);
    expect(mostOpen).toBeLessThan(12 * stack.processes);
    expect(await movementsOf(stack, id)).toEqual(['hold', 'capture']);
    await stack.database.admin.query(
      'SELECT delete_webhook_endpoint(account_id, id) FROM webhook_endpoints WHERE account_id = $1',
      [slow.id],
    );
  });
});

async function deleteAll(): Promise<void> {
  const { data } = (await (await account.fetch('/v1/webhook_endpoints')).json()) as { data: { id: string }[] };
  for (const { id } of data) await account.fetch(`/v1/webhook_endpoints/${id}`, { method: 'DELETE' });
}

import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Labels } from '../../store/index.ts';
import { ask, expectNoDrift, forEachOf, untilSettled } from '../harness/support/generations.ts';
import type { ReceivedWebhook, Receiver } from '../harness/support/receiver.ts';
import { startReceiver } from '../harness/support/receiver.ts';
import type { TestAccount, TestStack } from '../harness/support/stack.ts';
import { openAccount, startStack } from '../harness/support/stack.ts';
import type { EndpointHolder } from '../harness/support/webhooks.ts';
import { logOf, makeEndpoint, operatorOf, post, untilLogged, verified } from '../harness/support/webhooks.ts';

/** The operator's webhook endpoints: one of them hears of every account, and no tenant's webhook waits for it (MR-92). */

interface Event {
  readonly id: string;
  readonly type: string;
  readonly data: { readonly id: string; readonly account_id?: string };
}

let stack: TestStack;
let operator: EndpointHolder;
const open: { close: () => Promise<void> }[] = [];
beforeAll(async () => {
  stack = await startStack();
  operator = operatorOf(stack);
});
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
  await expectNoDrift(stack);
});
afterAll(async () => {
  await stack.stop();
});

async function receiver(...args: Parameters<typeof startReceiver>): Promise<Receiver> {
  const started = await startReceiver(...args);
  open.push(started);
  return started;
}

async function operatorsEndpoint(at: Receiver, events?: string[]) {
  const endpoint = await makeEndpoint(operator, at, events);
  open.push({
    close: async () => void (await operator.fetch(`/admin/webhook_endpoints/${endpoint.id}`, { method: 'DELETE' })),
  });
  return endpoint;
}

const NO_LABELS: Labels = { user: null, metadata: {} };

async function askWith(account: TestAccount, body: object): Promise<string> {
  const answer = await account.fetch('/v1/videos', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return ((await answer.json()) as { id: string }).id;
}

const rich = () => openAccount(stack, 100_000_000);
const dataOf = ({ body }: ReceivedWebhook) => (JSON.parse(body) as Event).data;

describe("an operator's endpoint", () => {
  let [acme, globex]: TestAccount[] = [];
  beforeAll(async () => {
    [acme, globex] = [await rich(), await rich()];
  });

  it('hears of every account, signed with its one secret, and is told whose video it is', async () => {
    const [all, failuresOnly, own] = [await receiver(), await receiver(), await receiver()];
    const endpoint = await operatorsEndpoint(all);
    const picky = await operatorsEndpoint(failuresOnly, ['video.failed']);
    const tenants = await makeEndpoint(acme!, own);
    const labels = { user: 'user-1234', metadata: { order: '42' } };
    const completed = await askWith(acme!, { prompt: 'a red fox', ...labels });
    const failed = await ask(globex!, 'a red fox [[fail:invalid_request]]');
    const received = await all.until(2);
    const event = (type: string, id: string, { id: account }: TestAccount, { user, metadata }: Labels) => ({
      id: `evt_${id.slice('video_'.length)}`,
      object: 'event',
      created_at: expect.any(Number) as number,
      type,
      data: { id, account_id: account, user, metadata },
    });
    const told = [
      event('video.completed', completed, acme!, labels),
      event('video.failed', failed, globex!, NO_LABELS),
    ];
    expect(received.map((each) => verified(each, endpoint.secret))).toEqual(expect.arrayContaining(told));
    const [only] = await failuresOnly.until(1);
    expect(verified(only!, picky.secret)).toEqual(told[1]);
    // The account's own endpoint has the same event, signed with the account's secret, and knows whose it is.
    const [mine] = await own.until(1);
    expect(verified(mine!, tenants.secret)).toEqual({ ...told[0], data: { id: completed, ...labels } });
    for (const [id, { id: account }] of [
      [completed, acme!],
      [failed, globex!],
    ] as const) {
      await untilLogged(operator, endpoint, { video_id: id, account_id: account, state: 'delivered', attempts: 1 });
    }
    expect(await logOf(operator, endpoint)).toHaveLength(2);
    await acme!.fetch(`/v1/webhook_endpoints/${tenants.id}`, { method: 'DELETE' });
  });

  it('is sent an event again when that is asked for, under the same id, and by two secrets after a rotation', async () => {
    const keeping = await receiver();
    const endpoint = await operatorsEndpoint(keeping);
    const id = await ask(globex!, 'a fox, twice');
    const delivered = await untilLogged(operator, endpoint, { video_id: id, state: 'delivered' });
    // A client made from the OpenAPI document sends no content type with an action that takes no body.
    const action = (path: string) =>
      operator.fetch(`/admin/webhook_endpoints/${endpoint.id}/${path}`, { method: 'POST' });
    const { secret } = (await (await action('rotate_secret')).json()) as { secret: string };
    expect((await action(`deliveries/${delivered.id}/redeliver`)).status).toBe(200);
    const [first, second] = await keeping.until(2);
    expect(second?.body).toBe(first?.body);
    expect(second?.headers['webhook-id']).toBe(first?.headers['webhook-id']);
    for (const each of [secret, endpoint.secret]) expect(verified(second!, each)).toMatchObject({ data: { id } });
    await untilLogged(operator, endpoint, { video_id: id, state: 'delivered', attempts: 2 });
  });

  it('is not sent what was erased with a deleted video, when its event is sent again', async () => {
    const keeping = await receiver();
    const endpoint = await operatorsEndpoint(keeping);
    const id = await askWith(acme!, { prompt: 'a fox to forget', user: 'user-1234', metadata: { name: 'Jane' } });
    const delivered = await untilLogged(operator, endpoint, { video_id: id, state: 'delivered' });
    expect((await acme!.fetch(`/v1/videos/${id}`, { method: 'DELETE' })).status).toBe(200);
    await post(operator, `/webhook_endpoints/${endpoint.id}/deliveries/${delivered.id}/redeliver`);
    const [first, second] = await keeping.until(2);
    expect(dataOf(first!)).toEqual({ id, account_id: acme!.id, user: 'user-1234', metadata: { name: 'Jane' } });
    expect(dataOf(second!)).toEqual({ id, account_id: acme!.id, ...NO_LABELS });
  });

  it('is disabled when it is gone, says so, and hears again once it is enabled', async () => {
    const gone = await receiver((response) => response.writeHead(410).end());
    const endpoint = await operatorsEndpoint(gone);
    await untilLogged(operator, endpoint, { video_id: await ask(acme!, 'the last one'), state: 'failed' });
    expect(await (await operator.fetch(`/admin/webhook_endpoints/${endpoint.id}`)).json()).toMatchObject({
      status: 'disabled',
      disabled_reason: 'gone',
    });
    await untilSettled(stack, [await ask(globex!, 'nobody hears of this one')]);
    expect(await logOf(operator, endpoint)).toHaveLength(1);
    expect(await (await post(operator, `/webhook_endpoints/${endpoint.id}/enable`)).json()).toMatchObject({
      status: 'enabled',
    });
    await ask(globex!, 'heard of again');
    await gone.until(2);
  });

  it('is seen by no account, and an account’s endpoint is not the operator’s', async () => {
    const [there, own] = [await receiver(), await receiver()];
    const endpoint = await operatorsEndpoint(there);
    const mine = await makeEndpoint(acme!, own);
    const listed = async (holder: EndpointHolder) => {
      const answer = await holder.fetch(`${holder.area ?? '/v1'}/webhook_endpoints`);
      return ((await answer.json()) as { data: { id: string }[] }).data.map(({ id }) => id);
    };
    expect(await listed(acme!)).toEqual([mine.id]);
    expect(await listed(operator)).toEqual([endpoint.id]);
    const calls = (holder: EndpointHolder, id: string) => [
      holder.fetch(`${holder.area ?? '/v1'}/webhook_endpoints/${id}`),
      holder.fetch(`${holder.area ?? '/v1'}/webhook_endpoints/${id}`, { method: 'DELETE' }),
      holder.fetch(`${holder.area ?? '/v1'}/webhook_endpoints/${id}/deliveries`),
      post(holder, `/webhook_endpoints/${id}/rotate_secret`),
      post(holder, `/webhook_endpoints/${id}/enable`),
    ];
    for (const answer of await Promise.all([...calls(acme!, endpoint.id), ...calls(operator, mine.id)])) {
      expect({ status: answer.status, body: await answer.json() }).toMatchObject({
        status: 404,
        body: { error: { code: 'not_found' } },
      });
    }
    await acme!.fetch(`/v1/webhook_endpoints/${mine.id}`, { method: 'DELETE' });
  });

  it('is the tenth at most', async () => {
    const at = await receiver();
    for (let n = 0; n < 10; n += 1) await operatorsEndpoint(at);
    const answer = await post(operator, '/webhook_endpoints', { url: at.url });
    expect({ status: answer.status, body: await answer.json() }).toMatchObject({
      status: 400,
      body: { error: { message: expect.stringContaining('The operator has ten') as string } },
    });
  });
});

describe("an operator's endpoint that never answers", () => {
  it('delays no settlement and no webhook of a tenant, and one account’s events take half of its share', async () => {
    const openOf = new Map<string, number>();
    let mostOfOne = 0;
    const tarPit = await receiver((response, nth) => {
      const account = dataOf(tarPit.received[nth - 1]!).account_id ?? '';
      const count = (more: number) => openOf.set(account, (openOf.get(account) ?? 0) + more).get(account) ?? 0;
      mostOfOne = Math.max(mostOfOne, count(1));
      response.on('close', () => count(-1));
    });
    await operatorsEndpoint(tarPit);
    const [busy, other] = [await rich(), await rich()];
    const toldOf = ({ id }: TestAccount) => tarPit.received.filter((each) => dataOf(each).account_id === id);
    // Ten of the busy account's are due, each for ten seconds.
    await forEachOf([...Array(10).keys()], 5, (n) => ask(busy, `busy ${n}`));
    await tarPit.until(4 * stack.processes);
    const quick = await receiver();
    await makeEndpoint(other, quick);
    const id = await ask(other, 'a quick fox');
    await untilSettled(stack, [id]);
    await quick.until(1);
    await vi.waitFor(() => expect(toldOf(other)).not.toEqual([]), { timeout: 20_000 });
    expect(mostOfOne).toBeLessThanOrEqual(4 * stack.processes);
  }, 60_000);
});

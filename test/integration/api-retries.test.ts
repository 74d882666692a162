import OpenAI from 'openai';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { retryWindowMs } from '../../api/generations/repeat.ts';
import { jsonPost } from '../harness/support/answers.ts';
import { PRICE } from '../harness/support/database.ts';
import { ask, expectNoDrift, untilSettled } from '../harness/support/generations.ts';
import { startLosingProxy } from '../harness/support/losingProxy.ts';
import type { TestAccount, TestStack } from '../harness/support/stack.ts';
import { openAccount, startStack } from '../harness/support/stack.ts';

/** An SDK's own retries, which have no idempotency key: what was paid for once is paid for once (MR-88). */

let stack: TestStack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(async () => {
  await expectNoDrift(stack);
  await stack.stop();
});

interface Answer {
  status: number;
  replayed: string | null;
  body: { id: string };
}

const TEN_MINUTES_S = '600';
async function post(
  account: TestAccount,
  path: string,
  body: object,
  retries = 0,
  timeoutSeconds: string | null = TEN_MINUTES_S,
): Promise<Answer> {
  const init = jsonPost(body);
  const answer = await account.fetch(path, {
    ...init,
    headers: {
      ...(init.headers as Record<string, string>),
      'x-stainless-retry-count': String(retries),
      ...(timeoutSeconds === null ? {} : { 'x-stainless-timeout': timeoutSeconds }),
    },
  });
  const replayed = answer.headers.get('idempotency-replayed');
  return { status: answer.status, replayed, body: (await answer.json()) as Answer['body'] };
}

const idsOf = async ({ id }: TestAccount) => {
  const sql = 'SELECT id FROM generations WHERE account_id = $1 ORDER BY id';
  return (await stack.database.pool.query<{ id: string }>(sql, [id])).rows.map((row) => row.id);
};
/** As if it had been handed out so long ago. */
const minutesAgo = (id: string, minutes: number) =>
  stack.database.admin.query(
    'UPDATE generations SET handed_out_at = clock_timestamp() - make_interval(mins => $2) WHERE id = $1',
    [id, minutes],
  );

describe('through a proxy that loses answers', () => {
  /** Longer than a connection would have had to live to be taken for one that delivered. */
  const TIMEOUT_MS = 4000;
  const clientOf = (account: TestAccount, url: string) =>
    new OpenAI({ apiKey: account.key, baseURL: `${url}/v1`, timeout: TIMEOUT_MS, maxRetries: 4 });

  it.each(['break', 'swallow'] as const)(
    'the SDK pays once when two of its answers are lost (%s)',
    { timeout: 60_000 },
    async (how) => {
      const account = await openAccount(stack, 5_000_000);
      const proxy = await startLosingProxy(stack.url, 2, how);
      const video = await clientOf(account, proxy.url).videos.create({ prompt: 'lost twice [[never]]' });
      expect(proxy.lost()).toBe(2);
      expect(await idsOf(account)).toEqual([video.id]);
      expect(await account.credits()).toMatchObject({ held_microcredits: PRICE });
      proxy.close();
    },
  );

  it(
    'two equal orders whose first answers are both lost get two videos, and pay for two',
    { timeout: 60_000 },
    async () => {
      const account = await openAccount(stack, 5_000_000);
      const proxy = await startLosingProxy(stack.url, 2, 'swallow');
      const order = () => clientOf(account, proxy.url).videos.create({ prompt: 'the same [[never]]' });
      const videos = await Promise.all([order(), order()]);
      expect(proxy.lost()).toBe(2);
      expect(videos.map(({ id }) => id).toSorted()).toEqual(await idsOf(account));
      expect(await account.credits()).toMatchObject({ held_microcredits: 2 * PRICE });
      proxy.close();
    },
  );
});

// MR-88
describe('a try that we refused with nothing held', () => {
  const fox = { prompt: 'a fox, again [[never]]' };
  const refuseOnce = (retryAfterSeconds: number) =>
    stack.doors.forEach((door) =>
      vi.spyOn(door, 'enter').mockResolvedValueOnce({ refused: 'crowd', retryAfterSeconds }),
    );
  afterEach(() => vi.restoreAllMocks());

  it('comes again as a new order: the SDK’s second call gets a video of its own, though nobody has named the first', async () => {
    const account = await openAccount(stack, 5_000_000);
    const client = new OpenAI({ apiKey: account.key, baseURL: `${stack.url}/v1`, maxRetries: 2 });
    const first = await client.videos.create(fox);
    refuseOnce(1);
    const second = await client.videos.create(fox);
    expect([first.id, second.id]).toEqual(await idsOf(account));
    expect(await account.credits()).toMatchObject({ held_microcredits: 2 * PRICE });
  });

  it('makes room for one try, of its own number and body, at the time that it was told', async () => {
    const account = await openAccount(stack, 5_000_000);
    const { id } = (await post(account, '/v1/videos', fox)).body;
    refuseOnce(30);
    expect((await post(account, '/v1/videos', fox)).status).toBe(503);
    // Too early, and of another number: each may repeat a call whose answer was lost.
    expect((await post(account, '/v1/videos', fox, 1)).body.id).toBe(id);
    refuseOnce(1);
    expect((await post(account, '/v1/videos', fox)).status).toBe(503);
    expect((await post(account, '/v1/videos', fox, 2)).body.id).toBe(id);
    const own = (await post(account, '/v1/videos', fox, 1)).body.id;
    expect(own).not.toBe(id);
    expect([id, own]).toContain((await post(account, '/v1/videos', fox, 1)).body.id);
    expect(await idsOf(account)).toEqual([id, own]);
  });
});

describe('a retry', () => {
  const fox = { prompt: 'a fox [[never]]' };

  it('is answered with what it repeats, says so, and pays nothing', async () => {
    const account = await openAccount(stack, 5_000_000);
    const first = await post(account, '/v1/videos', fox);
    const retry = await post(account, '/v1/videos', fox, 1);
    expect(retry).toEqual({ status: 200, replayed: 'true', body: { ...first.body, ...retry.body, id: first.body.id } });
    expect(await account.credits()).toMatchObject({ held_microcredits: PRICE });
  });

  it.each([
    ['the third try after 20 minutes', 2, TEN_MINUTES_S, 20, true],
    ['the second after 20 minutes, which nobody waits for', 1, TEN_MINUTES_S, 20, false],
    ['a try that does not say how long it waits, after 44 minutes', 1, null, 44, true],
    ['the same after 46 minutes', 1, null, 46, false],
  ] as const)('%s: replayed or new', async (_what, retries, timeoutSeconds, minutes, isReplayed) => {
    const account = await openAccount(stack, 5_000_000);
    const first = await post(account, '/v1/videos', fox);
    await minutesAgo(first.body.id, minutes);
    const retry = await post(account, '/v1/videos', fox, retries, timeoutSeconds);
    expect(retry.body.id === first.body.id).toBe(isReplayed);
    expect(await account.credits()).toMatchObject({ held_microcredits: isReplayed ? PRICE : 2 * PRICE });
  });

  it('is counted from the try before, which was handed the same video', async () => {
    const account = await openAccount(stack, 5_000_000);
    const { id } = (await post(account, '/v1/videos', fox)).body;
    for (let n = 0; n < 3; n += 1) {
      await minutesAgo(id, 10);
      expect((await post(account, '/v1/videos', fox, 1)).body.id).toBe(id);
    }
  });

  it('and another one at the same moment are handed different videos', async () => {
    const account = await openAccount(stack, 5_000_000);
    const ids = [];
    for (let n = 0; n < 3; n += 1) ids.push((await post(account, '/v1/videos', fox)).body.id);
    const retries = await Promise.all(ids.map(() => post(account, '/v1/videos', fox, 1)));
    expect(retries.map(({ body }) => body.id).toSorted()).toEqual(ids.toSorted());
    expect(await idsOf(account)).toHaveLength(3);
  });

  it('is not meant by a request that is no retry, nor by one of another body or account', async () => {
    const [account, other] = await Promise.all([openAccount(stack, 5_000_000), openAccount(stack, 5_000_000)]);
    const ids = [
      await post(account, '/v1/videos', fox),
      await post(account, '/v1/videos', fox),
      await post(account, '/v1/videos', { prompt: 'a hare [[never]]' }, 1),
      await post(other, '/v1/videos', fox, 1),
    ].map(({ body }) => body.id);
    expect(new Set(ids).size).toBe(4);
  });

  it('is answered although the model is no longer sold', async () => {
    const account = await openAccount(stack, 5_000_000);
    const first = await post(account, '/v1/videos', fox);
    const alter = (from: string) =>
      stack.database.admin.query(
        `SET session_replication_role = replica; UPDATE prices SET effective_from = ${from}; SET session_replication_role = origin`,
      );
    try {
      await alter("now() + interval '1 day'");
      expect((await post(account, '/v1/videos', fox, 1)).body.id).toBe(first.body.id);
    } finally {
      await alter("'epoch'");
    }
  });

  it.each([
    ['/v1/scripts', { topic: 'a lost fox' }],
    ['/v1/threads', { topic: 'a lost fox' }],
  ])('of %s is answered with what was written, until that is named', async (path, body) => {
    const account = await openAccount(stack, 5_000_000);
    const first = await post(account, path, body);
    const paid = (await account.credits()).available_microcredits;
    const retry = await post(account, path, body, 1);
    expect(retry).toEqual({ ...first, replayed: 'true' });
    expect(await account.credits()).toMatchObject({ available_microcredits: paid });
    await account.fetch(`${path}/${first.body.id}`);
    expect((await post(account, path, body, 1)).body.id).not.toBe(first.body.id);
  });

  it('of a remix is answered with it, also when its original is gone', async () => {
    const account = await openAccount(stack, 5_000_000);
    const original = await ask(account, 'an original');
    await untilSettled(stack, [original]);
    const path = `/v1/videos/${original}/remix`;
    const first = await post(account, path, fox);
    expect((await post(account, path, fox, 1)).body.id).toBe(first.body.id);
    await account.client.videos.delete(original);
    expect((await post(account, path, fox, 1)).body.id).toBe(first.body.id);
    expect(await idsOf(account)).toHaveLength(2);
  });
});

describe('that a client knows its video is proven', () => {
  const prompt = { prompt: 'a known fox [[never]]' };
  const call = (method: string, path: string, body?: object) => async (account: TestAccount, id: string) => {
    const url = `/v1/videos${path.replace('{id}', id)}`;
    const answer = await account.fetch(url, { ...(body === undefined ? {} : jsonPost(body)), method });
    await answer.body?.cancel();
  };

  it.each([
    ['retrieve', call('GET', '/{id}')],
    ['content', call('GET', '/{id}/content')],
    ['events', call('GET', '/{id}/events')],
    ['timeline', call('GET', '/{id}/timeline')],
    ['cancel', call('POST', '/{id}/cancel')],
    ['delete', call('DELETE', '/{id}')],
    ['remix', call('POST', '/{id}/remix', { prompt: 'mine' })],
    ['claim', call('POST', '/{id}/claim')],
  ])('by %s, whatever that is answered: the same order is a new one then', async (_route, name) => {
    const account = await openAccount(stack, 5_000_000);
    const first = await post(account, '/v1/videos', prompt);
    await name(account, first.body.id);
    const second = await post(account, '/v1/videos', prompt, 1);
    expect(second).toMatchObject({ status: 200, replayed: null });
    expect(second.body.id).not.toBe(first.body.id);
  });

  it('not by a list, nor by another key of the account', async () => {
    const account = await openAccount(stack, 5_000_000);
    const first = await post(account, '/v1/videos', prompt);
    await call('GET', '')(account, '');
    const made = await fetch(`${stack.url}/admin/accounts/${account.id}/keys`, {
      ...jsonPost({ name: 'a dashboard' }),
      headers: { authorization: 'Bearer the-admin-key-of-the-tests', 'content-type': 'application/json' },
    });
    const { key } = (await made.json()) as { key: string };
    await fetch(`${stack.url}/v1/videos/${first.body.id}`, { headers: { authorization: `Bearer ${key}` } });
    expect((await post(account, '/v1/videos', prompt, 1)).body.id).toBe(first.body.id);
  });

  it('once: the first request that names it stays on record', async () => {
    const account = await openAccount(stack, 5_000_000);
    const { id } = (await post(account, '/v1/videos', prompt)).body;
    const knownAt = async () => {
      await call('GET', '/{id}')(account, id);
      return (await stack.database.pool.query('SELECT known_at FROM generations WHERE id = $1', [id])).rows;
    };
    const first = await knownAt();
    expect(first).toMatchObject([{ known_at: expect.any(Date) as Date }]);
    expect(await knownAt()).toMatchObject([{ known_at: first[0]?.known_at as Date }]);
  });
});

describe('how far back a retry reaches', () => {
  const MINUTE_MS = 60_000;
  it.each([
    ['0', '600', null],
    [undefined, '600', null],
    ['banana', '600', null],
    ['-1', '600', null],
    ['1', '600', 610_000],
    ['2', '600', 1_220_000],
    ['1', '600.5', 610_500],
    ['1', undefined, 45 * MINUTE_MS],
    ['3', undefined, 45 * MINUTE_MS],
    ['1', '', 45 * MINUTE_MS],
    ['1', '-5', 45 * MINUTE_MS],
    ['1', 'NaN', 45 * MINUTE_MS],
    ['1', '1e9', 45 * MINUTE_MS],
    ['1', '99999999999999', 24 * 60 * MINUTE_MS],
    ['9'.repeat(400), '600', 24 * 60 * MINUTE_MS],
  ])('retry %s with a time-out of %s s: %s ms', (retries, timeoutSeconds, windowMs) => {
    expect(retryWindowMs(retries, timeoutSeconds)).toBe(windowMs);
  });
});

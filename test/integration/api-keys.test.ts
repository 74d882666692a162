import { createHash } from 'node:crypto';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SCOPES } from '../../contracts/scopes.ts';
import { PRICE } from '../harness/support/database.ts';
import { expectNoDrift, movementsOf, untilSettled } from '../harness/support/generations.ts';
import type { TestAccount, TestStack } from '../harness/support/stack.ts';
import { ADMIN_KEY, adminPost, openAccount, startStack } from '../harness/support/stack.ts';

/** Keys: what an operator makes of them, and what they open. */

const GRANTED = 100_000_000;
const REQUESTS_PER_MINUTE = 40;
let stack: TestStack;
let account: TestAccount;

beforeAll(async () => {
  stack = await startStack({ requestsPerMinute: REQUESTS_PER_MINUTE });
  account = await openAccount(stack, GRANTED);
});
afterAll(async () => {
  await expectNoDrift(stack);
  await stack.stop();
});

interface NewKey {
  readonly id: string;
  readonly key: string;
  readonly expires_at: number | null;
}

async function post(path: string, body: object): Promise<{ status: number; body: NewKey & Record<string, unknown> }> {
  const answer = await adminPost(stack, path, body);
  return { status: answer.status, body: (await answer.json()) as NewKey & Record<string, unknown> };
}
const newKey = async (settings: object = {}, of = account) =>
  (await post(`/accounts/${of.id}/keys`, { name: 'one more', ...settings })).body;
const rotate = ({ id }: NewKey, body: object = {}) => post(`/accounts/${account.id}/keys/${id}/rotate`, body);

/** A call with a key; answers with the status, the code of a refusal and its message. */
async function call({ key }: { key: string }, path: string, body?: object, headers: Record<string, string> = {}) {
  const answer = await fetch(`${stack.url}${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const json = (await answer.json()) as { id?: string; error?: { code: string; type: string; message: string } };
  return { status: answer.status, headers: answer.headers, id: json.id, json, ...json.error };
}
const create = (key: { key: string }, prompt: string, headers = {}) => call(key, '/v1/videos', { prompt }, headers);

describe('a key', () => {
  it('is made with all that was asked for, and listed without itself or its hash', async () => {
    const of = await openAccount(stack, 0);
    const settings = {
      name: 'for the shop',
      scopes: ['videos:read', 'credits:read'],
      expires_at: 4_000_000_000,
      daily_limit_microcredits: 5_000_000,
      monthly_limit_microcredits: 50_000_000,
      requests_per_minute: 30,
    };
    const { key, ...made } = await newKey(settings, of);
    expect(made).toMatchObject({ ...settings, object: 'api_key', account_id: of.id, revoked_at: null });
    const list = async (query: string) => {
      const answer = await fetch(`${stack.url}/admin/accounts/${of.id}/keys${query}`, {
        headers: { authorization: `Bearer ${ADMIN_KEY}` },
      });
      return (await answer.json()) as { data: { id: string; scopes: string[] }[]; has_more: boolean; last_id: string };
    };
    const first = await list('?limit=1');
    expect(first).toMatchObject({ object: 'list', has_more: true, data: [{ name: 'first', scopes: SCOPES }] });
    const rest = await list(`?after=${first.last_id}`);
    expect(rest).toMatchObject({ has_more: false, data: [made] });
    const hash = createHash('sha256').update(key).digest();
    for (const secret of [key, hash.toString('hex'), hash.toString('base64')]) {
      expect(JSON.stringify([first, rest])).not.toContain(secret);
    }
    expect((await call({ key }, '/v1/credits')).status).toBe(200);
  });

  it.each([
    [{ scopes: ['videos:all'] }, 'scopes.0'],
    [{ scopes: [] }, 'scopes'],
    [{ daily_limit_microcredits: 0 }, 'daily_limit_microcredits'],
    [{ monthly_limit_microcredits: 1.5 }, 'monthly_limit_microcredits'],
    [{ requests_per_minute: 0 }, 'requests_per_minute'],
    [{ expires_at: 'tomorrow' }, 'expires_at'],
    [{ limit: 1 }, 'limit'],
  ])('is not made with %j', async (settings, param) => {
    expect(await post(`/accounts/${account.id}/keys`, { name: 'x', ...settings })).toMatchObject({
      status: 400,
      body: { error: { code: 'invalid_request', param } },
    });
  });

  it('opens nothing from the moment at which it expires, and the answer says so', async () => {
    const key = await newKey({ expires_at: 1_900_000_000 });
    await stack.database.admin.query("UPDATE api_keys SET expires_at = now() - interval '1 s' WHERE id = $1", [key.id]);
    const past = await post(`/accounts/${account.id}/keys`, { name: 'past', expires_at: 1_700_000_000 });
    expect(past).toMatchObject({ status: 400, body: { error: { param: 'expires_at' } } });
    const answer = await call(key, '/v1/credits');
    expect(answer).toMatchObject({ status: 401, code: 'invalid_api_key', type: 'authentication_error' });
    expect(answer.message).toContain('has expired');
  });

  it('without the scope is refused in words, and holds nothing', async () => {
    const key = await newKey({ scopes: ['videos:read'] });
    const client = new OpenAI({ apiKey: key.key, baseURL: `${stack.url}/v1` });
    await expect(client.videos.create({ prompt: 'a fox' })).rejects.toMatchObject({
      status: 403,
      code: 'forbidden',
      type: 'permission_error',
      message: expect.stringContaining('videos:write'),
    });
    expect((await client.videos.list()).data).toEqual([]);
    expect(await account.credits()).toMatchObject({ held_microcredits: 0 });
  });
});

describe('a rotation', () => {
  it('ends the old key at once, and the new one has its settings', async () => {
    const settings = { scopes: ['credits:read'], daily_limit_microcredits: 7_000_000, expires_at: 4_000_000_000 };
    const old = await newKey(settings);
    const rotated = await rotate(old);
    expect(rotated).toMatchObject({ status: 200, body: { ...settings, name: 'one more' } });
    expect(rotated.body.id).not.toBe(old.id);
    expect((await call(old, '/v1/credits')).status).toBe(401);
    expect((await call(rotated.body, '/v1/credits')).status).toBe(200);
    expect((await create(rotated.body, 'a fox')).status).toBe(403);
    expect((await rotate(old)).status).toBe(404);
  });

  it('with an overlap shares the rate with the old key', async () => {
    const old = await newKey({ requests_per_minute: 2 });
    const { body: next } = await rotate(old, { expires_in_seconds: 3600 });
    const answers = [];
    for (let n = 0; n < 2 * stack.processes + 2; n += 1)
      answers.push((await call(n % 2 === 0 ? old : next, '/v1/credits')).status);
    expect(answers.filter((status) => status === 200)).toHaveLength(2);
  });

  it('with an overlap leaves both in force until that is over', async () => {
    const old = await newKey();
    const { body: next } = await rotate(old, { expires_in_seconds: 3600 });
    for (const key of [old, next]) expect((await call(key, '/v1/credits')).status).toBe(200);
    const { rows } = await stack.database.admin.query<{ seconds: number }>(
      'SELECT extract(epoch FROM expires_at - now())::float AS seconds FROM api_keys WHERE id = $1',
      [old.id],
    );
    expect(rows[0]?.seconds).toBeGreaterThan(3540);
    expect(rows[0]?.seconds).toBeLessThanOrEqual(3600);
    await stack.database.admin.query("UPDATE api_keys SET expires_at = now() - interval '1 ms' WHERE id = $1", [
      old.id,
    ]);
    expect((await call(old, '/v1/credits')).status).toBe(401);
    expect((await call(next, '/v1/credits')).status).toBe(200);
  });

  it('never makes a key live longer, and is only of keys of that account', async () => {
    const soon = await newKey({ expires_at: Math.floor(Date.now() / 1000) + 60 });
    const { body: next } = await rotate(soon, { expires_in_seconds: 3600 });
    expect(next.expires_at).toBe(soon.expires_at);
    const { rows } = await stack.database.admin.query<{ sooner: boolean }>(
      `SELECT expires_at <= now() + interval '60 s' AS sooner FROM api_keys WHERE id = $1`,
      [soon.id],
    );
    expect(rows[0]?.sooner).toBe(true);
    const stranger = await openAccount(stack, 0);
    const foreign = await newKey({}, stranger);
    expect((await rotate(foreign)).status).toBe(404);
    expect((await post(`/accounts/${account.id}/keys/key_1/rotate`, {})).status).toBe(404);
    expect((await post(`/accounts/${account.id}/keys/%00/rotate`, {})).status).toBe(404);
    expect((await call(foreign, '/v1/credits')).status).toBe(200);
  });
});

describe('a spend limit', () => {
  it('is 402 with the limit, what is spent and when it ends; nothing is held; a repeat replays it', async () => {
    const key = await newKey({ daily_limit_microcredits: 2 * PRICE });
    const before = await account.credits();
    const held = await Promise.all([create(key, 'one [[never]]'), create(key, 'two [[never]]')]);
    expect(held.map(({ status }) => status)).toEqual([200, 200]);
    const tomorrow = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);
    const idempotent = { 'idempotency-key': 'over the limit' };
    const refused = await create(key, 'three', idempotent);
    expect(refused).toMatchObject({ status: 402, code: 'spend_limit_exceeded', type: 'billing_error' });
    expect(refused.message).toBe(
      `This video costs 0.571429 credits. This API key may spend 1.142858 a day; 1.142858 are spent or reserved. Nothing was held. The next day begins at ${tomorrow}T00:00:00.000Z.`,
    );
    expect(refused.headers.get('retry-after')).toBeNull();
    const replayed = await create(key, 'three', idempotent);
    expect([replayed.status, replayed.code, replayed.headers.get('idempotency-replayed')]).toEqual([
      402,
      'spend_limit_exceeded',
      'true',
    ]);
    expect(replayed.message).toMatch(
      /^This video costs .* stored response for this Idempotency-Key.* use a new key\.$/,
    );
    expect(await account.credits()).toMatchObject({
      available_microcredits: before.available_microcredits - 2 * PRICE,
      held_microcredits: before.held_microcredits + 2 * PRICE,
    });
    expect((await call(key, '/v1/videos?dry_run=true', { prompt: 'three' })).json).toMatchObject({
      would_be_accepted: false,
      error: { code: 'spend_limit_exceeded' },
    });
    expect((await create(account, 'with another key of the account [[never]]')).status).toBe(200);
  });

  it('has room again for what was refunded, not for what was charged', async () => {
    const key = await newKey({ monthly_limit_microcredits: 2 * PRICE });
    const blocked = (await create(key, 'blocked [[fail:moderation_blocked]]')).id ?? '';
    const made = (await create(key, 'a fox')).id ?? '';
    await untilSettled(stack, [blocked, made]);
    expect(await movementsOf(stack, blocked)).toEqual(['hold', 'release']);
    expect((await create(key, 'once more [[never]]')).status).toBe(200);
    const refused = await create(key, 'too much');
    expect(refused).toMatchObject({ status: 402, code: 'spend_limit_exceeded' });
    expect(refused.message).toContain('may spend 1.142858 a month; 1.142858 are spent or reserved');
  });
});

describe('a rate', () => {
  it('is the key’s own or the configured one; beyond it is 429 with Retry-After, and holds nothing', async () => {
    const slow = await newKey({ requests_per_minute: 3 });
    const usual = await newKey();
    for (const [key, limit] of [
      [slow, 3],
      [usual, REQUESTS_PER_MINUTE],
    ] as const) {
      // More than the limit to each API, so that none keeps what it has leased.
      const sent = Array.from({ length: limit * stack.processes + 2 }, () => call(key, '/v1/prices'));
      expect((await Promise.all(sent)).filter(({ status }) => status === 200)).toHaveLength(limit);
      const refused = await create(key, 'too fast');
      expect(refused).toMatchObject({ status: 429, code: 'rate_limited', type: 'rate_limit_error' });
      expect(refused.message).toContain(`may send ${limit} requests a minute, and has sent them. Nothing was`);
      const seconds = Number(refused.headers.get('retry-after'));
      expect(seconds).toBeGreaterThanOrEqual(1);
      expect(seconds).toBeLessThanOrEqual(60);
    }
    const { rows } = await stack.database.pool.query("SELECT FROM inputs WHERE prompt = 'too fast'");
    expect(rows).toEqual([]);
  });

  it('of active generations is the account’s, for all of its keys, with Retry-After', async () => {
    const of = await openAccount(stack, GRANTED);
    await stack.database.admin.query('UPDATE accounts SET max_active_generations = 1 WHERE id = $1', [of.id]);
    expect((await create(of, 'one [[never]]')).status).toBe(200);
    const refused = await create(await newKey({}, of), 'two');
    expect(refused).toMatchObject({ status: 429, code: 'too_many_active_generations' });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  });
});

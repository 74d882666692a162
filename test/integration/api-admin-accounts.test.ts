import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApp } from '../../api/app.ts';
import type { ApiDependencies } from '../../api/http/deps.ts';
import { accountId } from '../../contracts/ids.ts';
import { createLedger } from '../../ledger/index.ts';
import { createPool, createStore, openDatabase } from '../../store/index.ts';
import { PRICE } from '../harness/support/database.ts';
import { ask, expectNoDrift, untilSettled } from '../harness/support/generations.ts';
import type { TestAccount, TestStack } from '../harness/support/stack.ts';
import { ADMIN_KEY, adminPost, openAccount, startStack } from '../harness/support/stack.ts';

/** What an operator sees of one customer. */

const GRANTED = 10_000_000;
let stack: TestStack;
let account: TestAccount;
let other: TestAccount;
/** Of the account, in this order. */
let charged: string;
let failed: string;
let held: string;

beforeAll(async () => {
  stack = await startStack();
  account = await openAccount(stack, GRANTED);
  other = await openAccount(stack, GRANTED);
  charged = await ask(account, 'a fox');
  failed = await ask(account, 'blocked [[fail:moderation_blocked]]');
  await untilSettled(stack, [charged, failed]);
  held = await ask(account, 'for ever [[never]]');
});
afterAll(async () => {
  await expectNoDrift(stack);
  await stack.stop();
});

const look = (path: string, headers: Record<string, string> = {}) =>
  fetch(`${stack.url}/admin/accounts/${path}`, { headers: { authorization: `Bearer ${ADMIN_KEY}`, ...headers } });
const read = async (path: string) => {
  const answer = await look(path);
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
};

describe('an account', () => {
  it('shows what an operator asks first: balances, the last generation, failures and totals', async () => {
    expect(await read(account.id)).toEqual({
      status: 200,
      body: {
        id: account.id,
        object: 'account',
        name: expect.any(String) as string,
        available_microcredits: GRANTED - 2 * PRICE,
        held_microcredits: PRICE,
        active_generations: 1,
        max_active_generations: 300,
        frozen_at: null,
        frozen_reason: null,
        created_at: expect.any(Number) as number,
        valid_api_keys: 1,
        last_generation: { id: held, state: 'held', error_code: null, created_at: expect.any(Number) as number },
        failures: [{ code: 'moderation_blocked', generations: 1 }],
        totals: {
          granted_microcredits: GRANTED,
          clawed_back_microcredits: 0,
          charged_microcredits: PRICE,
          refunded_microcredits: 0,
        },
      },
    });
  });

  it('that is frozen says since when and why, by its last freeze', async () => {
    const frozen = await openAccount(stack, 0);
    const freeze = (isFrozen: boolean, reason: string) =>
      adminPost(stack, `/accounts/${frozen.id}/freeze`, { frozen: isFrozen, reason }, { 'idempotency-key': reason });
    expect((await read(frozen.id)).body).toMatchObject({ frozen_at: null, last_generation: null, failures: [] });
    await freeze(true, 'chargeback');
    await freeze(false, 'paid after all');
    expect((await read(frozen.id)).body).toMatchObject({ frozen_at: null, frozen_reason: null });
    await freeze(true, 'chargeback again');
    expect((await read(frozen.id)).body).toMatchObject({
      frozen_at: expect.any(Number) as number,
      frozen_reason: 'chargeback again',
    });
    // The new reason is on record only, so the answer must say that it changed nothing.
    const second = await freeze(true, 'a third one');
    expect(await second.json()).toMatchObject({ frozen: true, outcome: 'already_frozen' });
    expect((await read(frozen.id)).body).toMatchObject({ frozen_reason: 'chargeback again' });
  });

  it('counts the keys that are valid, and shows its last generation of any kind', async () => {
    const poor = await openAccount(stack, 0);
    const script = { topic: 'a fox' };
    const key = (body: object) => adminPost(stack, `/accounts/${poor.id}/keys`, body);
    const { id: revoked } = (await (await key({ name: 'revoked' })).json()) as { id: string };
    await key({ name: 'valid' });
    const { id: expired } = (await (await key({ name: 'expired' })).json()) as { id: string };
    await stack.database.admin.query('UPDATE api_keys SET expires_at = now() WHERE id = $1', [expired]);
    await fetch(`${stack.url}/admin/accounts/${poor.id}/keys/${revoked}`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${ADMIN_KEY}` },
    });
    expect((await read(poor.id)).body).toMatchObject({ valid_api_keys: 2 });
    await grant(poor, GRANTED);
    const videoId = await ask(poor, 'a fox');
    const written = await poor.fetch('/v1/scripts', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(script),
    });
    const { id: scriptId } = (await written.json()) as { id: string };
    expect(scriptId < videoId, 'ids of different kinds are not ordered by time').toBe(true);
    expect((await read(poor.id)).body).toMatchObject({ last_generation: { id: scriptId, state: 'charged' } });
  });

  it.each(['', '/transactions', '/holds', '/keys'])('that is not there is 404, also at …%s', async (below) => {
    for (const id of [accountId('00000000-0000-7000-8000-000000000000'), 'nonsense']) {
      expect(await read(id + below)).toMatchObject({ status: 404, body: { error: { code: 'not_found' } } });
    }
  });
});

async function grant(to: TestAccount, amount: number): Promise<void> {
  const body = { amount_microcredits: amount, reason: 'test' };
  expect(
    (await adminPost(stack, `/accounts/${to.id}/grants`, body, { 'idempotency-key': `grant ${amount}` })).status,
  ).toBe(200);
}

describe("an account's credits", () => {
  it.each([
    ['transactions', ''],
    ['transactions', '?limit=2&order=asc'],
    ['holds', ''],
    ['holds', '?limit=1'],
  ])('are the same for an operator as for their owner: %s%s', async (list, query) => {
    const shown = await read(`${account.id}/${list}${query}`);
    const own = await account.fetch(`/v1/credits/${list}${query}`);
    expect(shown).toEqual({ status: 200, body: await own.json() });
    expect((shown.body['data'] as unknown[]).length).toBeGreaterThan(0);
    expect((await read(`${other.id}/${list}${query}`)).body).not.toEqual(shown.body);
  });

  it('are the same as CSV, with a link to the next page of the operator’s list', async () => {
    const csv = { accept: 'text/csv' };
    const own = await account.fetch('/v1/credits/transactions?limit=3', { headers: csv });
    const shown = await look(`${account.id}/transactions?limit=3`, csv);
    expect(shown.headers.get('content-type')).toBe(own.headers.get('content-type'));
    expect(await shown.text()).toBe(await own.text());
    const link = /^<(.+)>; rel="next"$/.exec(shown.headers.get('link') ?? '')?.[1] ?? '';
    expect(link).toMatch(new RegExp(`^/admin/accounts/${account.id}/transactions\\?limit=3&`));
    const next = await look(link.replace('/admin/accounts/', ''), csv);
    expect(await next.text()).toContain(',grant,');
  });

  it.each(['transactions', 'holds', 'keys'])('have no filter that %s does not know', async (list) => {
    expect(await read(`${account.id}/${list}?colour=red`)).toMatchObject({
      status: 400,
      body: { error: { param: 'colour' } },
    });
  });
});

describe('a key', () => {
  interface ShownKey {
    readonly id: string;
    readonly held_microcredits: number;
    readonly spending: Record<string, unknown> | null;
  }
  const keysOf = async ({ id }: TestAccount) => (await read(`${id}/keys`)).body['data'] as ShownKey[];

  it('shows its limits, what is spent today and this month, and what is held, also after a rotation', async () => {
    const spender = await openAccount(stack, GRANTED);
    const limits = { daily_limit_microcredits: 3 * PRICE, monthly_limit_microcredits: 5 * PRICE };
    const made = await adminPost(stack, `/accounts/${spender.id}/keys`, { name: 'limited', ...limits });
    const { id: firstId, key } = (await made.json()) as { id: string; key: string };
    const create = async (withKey: string, prompt: string) => {
      const headers = { authorization: `Bearer ${withKey}`, 'content-type': 'application/json' };
      const answer = await fetch(`${stack.url}/v1/videos`, {
        method: 'POST',
        headers,
        body: JSON.stringify({ prompt }),
      });
      return ((await answer.json()) as { id: string }).id;
    };
    await untilSettled(stack, [await create(key, 'a fox'), await create(key, 'no [[fail:moderation_blocked]]')]);
    const rotated = await adminPost(stack, `/accounts/${spender.id}/keys/${firstId}/rotate`, {});
    const next = (await rotated.json()) as { id: string; key: string };
    await create(next.key, 'for ever [[never]]');
    const keys = await keysOf(spender);
    const spending = {
      today_microcredits: 2 * PRICE,
      this_month_microcredits: 2 * PRICE,
      counted_at: firstId,
    };
    expect(keys.map(({ id }) => id)).toEqual([expect.any(String), firstId, next.id]);
    expect(keys).toMatchObject([
      { held_microcredits: 0, spending: null },
      { ...limits, held_microcredits: 0, spending },
      { ...limits, held_microcredits: PRICE, spending },
    ]);
    const { day_ends_at: day, month_ends_at: month } = keys[1]?.spending as Record<string, number>;
    expect([day! % 86_400, new Date(month! * 1000).getUTCDate()]).toEqual([0, 1]);
    expect(day! * 1000).toBeGreaterThan(Date.now());
  });
});

it('an operator’s look writes nothing: each route answers where nothing can be written', async () => {
  const pool = createPool({
    databaseUrl: `${stack.database.url}?options=-c%20default_transaction_read_only%3Don`,
    size: 2,
    applicationName: 'test',
    onError: () => undefined,
  });
  try {
    const { rows } = await pool.query<object>('SHOW transaction_read_only');
    expect(rows).toEqual([{ transaction_read_only: 'on' }]);
    const database = openDatabase(pool);
    const app = createApp({
      database,
      ledger: createLedger(database),
      store: createStore(database),
      adminKey: ADMIN_KEY,
      linkToWorkflow: () => null,
      requestsPerMinute: 1,
      streamLimits: { ofOneKey: 1, inAll: 1 },
      log: console,
    } as unknown as ApiDependencies);
    const below = ['', '/videos', '/texts', '/transactions', '/holds', '/keys', `/videos/${charged}/timeline`];
    for (const path of ['/videos', '/texts', ...below.map((list) => `/accounts/${account.id}${list}`)]) {
      const answer = await app.request(`/admin${path}`, { headers: { authorization: `Bearer ${ADMIN_KEY}` } });
      expect([path, answer.status]).toEqual([path, 200]);
    }
  } finally {
    await pool.end();
  }
});

interface Listed {
  readonly data: { readonly id: string }[];
  readonly error?: { readonly message: string };
}
const get = async (path: string) => {
  const answer = await fetch(`${stack.url}/admin${path}`, { headers: { authorization: `Bearer ${ADMIN_KEY}` } });
  return { status: answer.status, body: (await answer.json()) as Listed };
};

describe('every list of generations', () => {
  it('finds by api_key_id those that this key asked for', async () => {
    const account = await openAccount(stack, GRANTED);
    const made = await adminPost(stack, `/accounts/${account.id}/keys`, { name: 'second' });
    const second = (await made.json()) as { id: string; key: string };
    const ids = async (path: string) => (await get(path)).body.data.map(({ id }) => id);
    const first = (await get(`/accounts/${account.id}/keys`)).body.data.find(({ id }) => id !== second.id)?.id ?? '';
    const one = await ask(account, 'by the first key');
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${second.key}` };
    const posted = async (path: string, body: object) =>
      (await (await fetch(stack.url + path, { method: 'POST', headers, body: JSON.stringify(body) })).json()) as {
        id: string;
      };
    const { id: two } = await posted('/v1/videos', { prompt: 'by the second key' });
    const { id: text } = await posted('/v1/scripts', { topic: 'by the second key' });
    expect(await ids(`/videos?api_key_id=${first}`)).toEqual([one]);
    expect(await ids(`/videos?api_key_id=${second.id}`)).toEqual([two]);
    expect(await ids(`/accounts/${account.id}/videos?api_key_id=${second.id}`)).toEqual([two]);
    expect(await ids(`/accounts/${other.id}/videos?api_key_id=${second.id}`)).toEqual([]);
    expect(await ids(`/texts?api_key_id=${second.id}`)).toEqual([text]);
    expect(await ids(`/videos?api_key_id=key_${'0'.repeat(32)}`)).toEqual([]);
  });
});

describe('the list of accounts', () => {
  const idsNamed = async (name: string, more = '') =>
    (await get(`/accounts?name=${encodeURIComponent(name)}${more}`)).body.data.map(({ id }) => id);

  it('by name finds those that have it in theirs, in upper or lower case, page after page', async () => {
    const ids: string[] = [];
    for (const name of ['Fox & Söhne', 'the foxes', 'FOX 100%', 'nobody']) {
      ids.push(((await (await adminPost(stack, '/accounts', { name })).json()) as { id: string }).id);
    }
    const foxes = ids.slice(0, 3);
    expect(await idsNamed('fox')).toEqual(foxes);
    expect(await idsNamed('söhne')).toEqual([ids[0]]);
    // What a pattern would take for anything.
    expect(await idsNamed('%')).toEqual([ids[2]]);
    expect(await idsNamed('f_x')).toEqual([]);
    expect(await idsNamed('fox', '&limit=2')).toEqual(foxes.slice(0, 2));
    expect(await idsNamed('fox', `&limit=2&after=${ids[1]}`)).toEqual(foxes.slice(2));
  });

  it('by a name that takes long to find is given up after three seconds, and says what to do', async () => {
    const blocking = await stack.database.admin.connect();
    await blocking.query('BEGIN; LOCK TABLE accounts IN ACCESS EXCLUSIVE MODE');
    const answer = await get('/accounts?name=fox').finally(() => blocking.query('ROLLBACK'));
    blocking.release();
    expect(answer).toMatchObject({ status: 400, body: { error: { code: 'invalid_request', param: null } } });
    expect(answer.body.error?.message).toBe(
      'This search was stopped after 3 s, because it reads too many accounts. Ask for the account by its id.',
    );
  });
});

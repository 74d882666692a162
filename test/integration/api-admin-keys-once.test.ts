import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { jsonPost } from '../harness/support/answers.ts';
import { expectNoDrift } from '../harness/support/generations.ts';
import type { TestAccount, TestStack } from '../harness/support/stack.ts';
import { ADMIN_KEY, openAccount, startStack } from '../harness/support/stack.ts';

/** POSTs beside the paying ones, with an Idempotency-Key: each has its effect once, and a repeat never tells a secret. */

let stack: TestStack;
let account: TestAccount;
beforeAll(async () => {
  stack = await startStack();
  account = await openAccount(stack, 1_000_000);
});
afterAll(async () => {
  await expectNoDrift(stack);
  await stack.stop();
});

type Body = Record<string, unknown> & { id: string; error: { code: string; param: string | null; message: string } };
async function send(path: string, body: object, key?: string) {
  const init = jsonPost(body);
  const bearer = path.startsWith('/admin/') ? ADMIN_KEY : account.key;
  const answer = await fetch(`${stack.url}${path}`, {
    ...init,
    headers: {
      ...(init.headers as Record<string, string>),
      authorization: `Bearer ${bearer}`,
      ...(key === undefined ? {} : { 'idempotency-key': key }),
    },
  });
  const replayed = answer.headers.get('idempotency-replayed');
  return { status: answer.status, replayed, body: (await answer.json()) as Body };
}
const count = async (table: string, where: string, value: string) =>
  (await stack.database.admin.query(`SELECT FROM ${table} WHERE ${where} = $1`, [value])).rowCount;
const SHOWN_ONCE = expect.stringContaining('Shown once') as string;

describe('an account', () => {
  it('that is opened twice with one key is one account', async () => {
    const [name, key] = [`once ${randomUUID()}`, randomUUID()];
    const first = await send('/admin/accounts', { name }, key);
    expect(await send('/admin/accounts', { name }, key)).toEqual({ ...first, replayed: 'true' });
    expect(await count('accounts', 'name', name)).toBe(1);
  });

  it('that is opened by eight callers at once with one key is one account', async () => {
    const [name, key] = [`once ${randomUUID()}`, randomUUID()];
    const all = await Promise.all(Array.from({ length: 8 }, () => send('/admin/accounts', { name }, key)));
    expect(new Set(all.map(({ body }) => body.id)).size).toBe(1);
    expect(all.filter(({ replayed }) => replayed === null)).toHaveLength(1);
    expect(await count('accounts', 'name', name)).toBe(1);
  });

  it('without a key is another one each time', async () => {
    const name = `twice ${randomUUID()}`;
    await send('/admin/accounts', { name });
    await send('/admin/accounts', { name });
    expect(await count('accounts', 'name', name)).toBe(2);
  });
});

describe('one key', () => {
  it('with another body, or for another route, is 422, and nothing is changed', async () => {
    const [name, key] = [`once ${randomUUID()}`, randomUUID()];
    await send('/admin/accounts', { name }, key);
    for (const [path, body] of [
      ['/admin/accounts', { name: `${name}, but other` }],
      [`/admin/accounts/${account.id}/keys`, { name }],
    ] as const) {
      const answer = await send(path, body, key);
      expect(answer).toMatchObject({
        status: 422,
        body: { error: { code: 'idempotency_key_reused', param: 'Idempotency-Key' } },
      });
    }
    expect(await count('accounts', 'name', `${name}, but other`)).toBe(0);
    expect(await count('api_keys', 'name', name)).toBe(0);
  });

  it('whose first request was refused serves a corrected one', async () => {
    const key = randomUUID();
    expect((await send(`/admin/accounts/acct_${'0'.repeat(32)}/keys`, { name: 'x' }, key)).status).toBe(404);
    expect(await send(`/admin/accounts/${account.id}/keys`, { name: 'x' }, key)).toMatchObject({
      status: 200,
      replayed: null,
    });
  });

  it('that is too long is 400', async () => {
    expect(await send('/admin/accounts', { name: 'x' }, 'k'.repeat(256))).toMatchObject({
      status: 400,
      body: { error: { param: 'Idempotency-Key' } },
    });
  });
});

describe('what is shown once', () => {
  it.each([
    ['an API key', (): string => `/admin/accounts/${account.id}/keys`, { name: 'shown once' }, 'key'],
    ['a webhook endpoint', (): string => '/v1/webhook_endpoints', { url: 'https://example.com/hook' }, 'secret'],
  ] as const)('%s is null in a repeat, which says so, and is kept nowhere', async (_what, pathOf, body, secret) => {
    const path = pathOf();
    const key = randomUUID();
    const first = await send(path, body, key);
    expect(first).toMatchObject({ status: 200, replayed: null });
    const shown = String(first.body[secret]);
    expect(shown).toMatch(/^(hf_|whsec_)/);
    expect(await send(path, body, key)).toEqual({
      status: 200,
      replayed: 'true',
      body: { ...first.body, [secret]: null, note: SHOWN_ONCE },
    });
    const { rows } = await stack.database.admin.query('SELECT answer FROM kept_operations WHERE key = $1', [key]);
    expect(rows).toHaveLength(1);
    expect(JSON.stringify(rows)).not.toContain(shown);
  });

  it('of a rotated key is null in a repeat, and the key is rotated once', async () => {
    const { body: old } = await send(`/admin/accounts/${account.id}/keys`, { name: 'rotated once' });
    const path = `/admin/accounts/${account.id}/keys/${old.id}/rotate`;
    const first = await send(path, {}, 'rotate');
    // By now the old key has ended, which refuses every other rotation.
    expect(await send(path, {}, 'rotate')).toEqual({
      status: 200,
      replayed: 'true',
      body: { ...first.body, key: null, note: SHOWN_ONCE },
    });
    expect((await send(path, {}, 'another')).status).toBe(404);
    expect(await count('api_keys', 'name', 'rotated once')).toBe(2);
  });

  it('of a rotated webhook secret is null in a repeat, which rotates nothing', async () => {
    const { body: endpoint } = await send('/v1/webhook_endpoints', { url: 'https://example.com/rotated' });
    const path = `/v1/webhook_endpoints/${endpoint.id}/rotate_secret`;
    const first = await send(path, {}, 'rotate');
    const secrets = async () => {
      const sql = 'SELECT * FROM webhook_secrets WHERE endpoint_id = $1';
      return (await stack.database.admin.query(sql, [endpoint.id])).rows as unknown[];
    };
    const before = await secrets();
    expect(await send(path, {}, 'rotate')).toEqual({
      status: 200,
      replayed: 'true',
      body: { ...first.body, secret: null, note: SHOWN_ONCE },
    });
    expect(await secrets()).toEqual(before);
  });
});

describe('a repeat is answered before what may have changed since', () => {
  it('an API key that was to end in the past by now', async () => {
    const body = { name: 'short', expires_at: Math.floor(Date.now() / 1000) + 2 };
    const path = `/admin/accounts/${account.id}/keys`;
    const first = await send(path, body, 'short');
    await expect.poll(() => Date.now() / 1000, { timeout: 5000 }).toBeGreaterThan(body.expires_at);
    expect(await send(path, body, 'short')).toMatchObject({
      status: 200,
      replayed: 'true',
      body: { id: first.body.id },
    });
    expect((await send(path, body, 'another')).status).toBe(400);
  });

  it('a webhook endpoint, of which there are ten by now', async () => {
    const other = await openAccount(stack, 0);
    const own = account;
    account = other;
    try {
      const first = await send('/v1/webhook_endpoints', { url: 'https://example.com/0' }, 'first');
      for (let n = 1; n < 10; n += 1) await send('/v1/webhook_endpoints', { url: `https://example.com/${n}` });
      expect((await send('/v1/webhook_endpoints', { url: 'https://example.com/10' })).status).toBe(400);
      const again = await send('/v1/webhook_endpoints', { url: 'https://example.com/0' }, 'first');
      expect(again).toMatchObject({ status: 200, replayed: 'true', body: { id: first.body.id } });
    } finally {
      account = own;
    }
  });
});

it('a run of the reconciler that is asked for twice with one key is one run, and both get its report', async () => {
  const body = { dry_run: true };
  const first = await send('/admin/reconcile', body, 'run');
  expect(first).toMatchObject({ status: 200, replayed: null, body: { dry_run: true } });
  expect(await send('/admin/reconcile', body, 'run')).toEqual({ ...first, replayed: 'true' });
  expect((await send('/admin/reconcile', { dry_run: false }, 'run')).status).toBe(422);
});

it('each POST of an operator, and each that makes a secret, takes an Idempotency-Key', async () => {
  type Operation = { operationId: string; parameters?: { name: string; in: string }[] };
  const { paths } = (await (await fetch(`${stack.url}/openapi.json`)).json()) as {
    paths: Record<string, { post?: Operation }>;
  };
  const posts = Object.entries(paths).flatMap(([path, { post }]) => (post === undefined ? [] : [{ path, post }]));
  const keyed = ({ post }: { post: Operation }) =>
    post.parameters?.some(({ name, in: where }) => where === 'header' && name === 'idempotency-key') === true;
  const unkeyed = posts.filter((route) => /^\/(admin|v1)\//.test(route.path) && !keyed(route));
  // These have their effect once by themselves.
  expect(unkeyed.map(({ post }) => post.operationId).toSorted()).toEqual([
    'cancelVideo',
    'enableOperatorWebhookEndpoint',
    'enableWebhookEndpoint',
    'redeliverOperatorWebhook',
    'redeliverWebhook',
  ]);
});

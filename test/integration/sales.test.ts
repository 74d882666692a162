import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { jsonPost } from '../harness/support/answers.ts';
import { PRICE } from '../harness/support/database.ts';
import { untilSettled } from '../harness/support/generations.ts';
import type { TestAccount, TestStack } from '../harness/support/stack.ts';
import { ADMIN_KEY, adminPost, openAccount, startStack } from '../harness/support/stack.ts';

/** While sales are closed, a request is refused before anything is written; a replay or an SDK's retry is looked up first (MR-26). */

const REASON = 'The provider raised its prices';
let stack: TestStack;
beforeAll(async () => {
  stack = await startStack({ videoSeconds: 0.5 });
});
afterEach(async () => {
  await setSales(true, 'over');
});
afterAll(async () => {
  await stack.stop();
});

const setSales = (open: boolean, reason = REASON, key: string = randomUUID()) =>
  adminPost(stack, '/sales', { open, reason }, { 'idempotency-key': key });
const adminGet = async (path: string) =>
  (await (await fetch(`${stack.url}/admin${path}`, { headers: { authorization: `Bearer ${ADMIN_KEY}` } })).json()) as {
    sales: unknown;
    checks: { name: string; ok: boolean; message: string }[];
  };
const create = (account: TestAccount, prompt: string, headers: Record<string, string> = {}, path = '/v1/videos') => {
  const init = jsonPost({ prompt });
  return account.fetch(path, { ...init, headers: { ...(init.headers as Record<string, string>), ...headers } });
};
const countOf = async (account: TestAccount) =>
  (
    await stack.database.admin.query(
      `SELECT FROM generations WHERE account_id = $1 UNION ALL SELECT FROM idempotency_keys WHERE account_id = $1`,
      [account.id],
    )
  ).rowCount;

describe('while sales are closed', () => {
  it('a new request is 503 with the reason in words, and nothing of it is written', async () => {
    const account = await openAccount(stack, 10_000_000);
    await setSales(false);
    const script = jsonPost({ topic: 'x' });
    for (const answer of [
      await create(account, 'new'),
      await create(account, 'new', { 'idempotency-key': 'k' }),
      await create(account, 'new', { 'x-stainless-retry-count': '1' }),
      await account.fetch('/v1/scripts', script),
    ]) {
      expect(answer.status).toBe(503);
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
      const { error } = (await answer.json()) as { error: { code: string; message: string } };
      expect(error.code).toBe('temporarily_unavailable');
      expect(error.message).toContain(REASON);
      expect(error.message).toContain('Nothing was held');
    }
    expect(await countOf(account)).toBe(0);
    const quote = await create(account, 'new', {}, '/v1/videos?dry_run=true');
    expect(await quote.json()).toMatchObject({
      would_be_accepted: false,
      error: { code: 'temporarily_unavailable' },
    });
    // The key was not used up.
    await setSales(true);
    expect((await create(account, 'new', { 'idempotency-key': 'k' })).status).toBe(200);
  });

  it('what has begun is finished and settled, and a replay or an SDK’s retry is answered as ever', async () => {
    const account = await openAccount(stack, 10_000_000);
    const idOf = async (answer: Response) => ((await answer.json()) as { id: string }).id;
    const first = await idOf(await create(account, 'before [[after:2s]]', { 'idempotency-key': 'k' }));
    const second = await idOf(await create(account, 'also before [[after:2s]]'));
    await setSales(false);
    const replay = await create(account, 'before [[after:2s]]', { 'idempotency-key': 'k' });
    const retry = await create(account, 'also before [[after:2s]]', { 'x-stainless-retry-count': '1' });
    for (const [answer, id] of [
      [replay, first],
      [retry, second],
    ] as const) {
      expect(answer.headers.get('idempotency-replayed')).toBe('true');
      expect(await answer.json()).toMatchObject({ id });
    }
    expect(await untilSettled(stack, [first, second])).toMatchObject([{ state: 'charged' }, { state: 'charged' }]);
    expect(await account.credits()).toMatchObject({
      available_microcredits: 10_000_000 - 2 * PRICE,
      held_microcredits: 0,
    });
  });
});

describe('the switch', () => {
  it('is seen by every process at once, in the overview and by the doctor', async () => {
    await setSales(false);
    const shown = { object: 'sales', open: false, reason: REASON };
    expect(await adminGet('/sales')).toMatchObject(shown);
    expect((await adminGet('/overview')).sales).toMatchObject(shown);
    const check = (await adminGet('/doctor')).checks.find(({ name }) => name === 'sales');
    expect(check).toMatchObject({ ok: false });
    expect(check?.message).toContain(REASON);
    await setSales(true, 'over');
    expect(await adminGet('/sales')).toMatchObject({ open: true, reason: 'over' });
  });

  it('obeys a key once: its repeat changes nothing, and another change under it is 422', async () => {
    const key = randomUUID();
    expect((await setSales(false, REASON, key)).status).toBe(200);
    await setSales(true, 'over');
    const repeat = await setSales(false, REASON, key);
    expect(repeat.headers.get('idempotency-replayed')).toBe('true');
    expect(await adminGet('/sales')).toMatchObject({ open: true });
    expect((await setSales(true, REASON, key)).status).toBe(422);
    expect((await adminPost(stack, '/sales', { open: false, reason: REASON })).status).toBe(400);
  });
});

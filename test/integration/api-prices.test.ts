import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PRICE } from '../harness/support/database.ts';
import type { TestAccount, TestStack } from '../harness/support/stack.ts';
import { openAccount, startStack } from '../harness/support/stack.ts';

/** What a video costs is known before it is paid. */

let stack: TestStack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(async () => {
  await stack.stop();
});

async function create({ fetch }: TestAccount, body: object, query = '') {
  const answer = await fetch(`/v1/videos${query}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ prompt: 'a fox [[never]]', ...body }),
  });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}
const made = async ({ id }: TestAccount) =>
  (await stack.database.admin.query('SELECT FROM generations WHERE account_id = $1', [id])).rowCount;

describe('a dry run', () => {
  it('says the price, and makes nothing', async () => {
    const account = await openAccount(stack, 1_000_000);
    expect(await create(account, { seconds: '4' }, '?dry_run=true')).toEqual({
      status: 200,
      body: {
        object: 'video.quote',
        would_be_accepted: true,
        amount_microcredits: PRICE,
        amount: '0.571429',
        available_microcredits: 1_000_000,
        error: null,
      },
    });
    expect(await made(account)).toBe(0);
  });

  it.each([
    ['too few credits', 100, {}, 'insufficient_credits'],
    ['a ceiling below the price', 1_000_000, { max_credits: '0.5' }, 'invalid_request'],
  ])('says that it would be refused for %s', async (_why, granted, body, code) => {
    const account = await openAccount(stack, granted);
    const { body: quote } = await create(account, body, '?dry_run=true');
    expect(quote).toMatchObject({ would_be_accepted: false, amount_microcredits: PRICE, error: { code } });
    expect((await create(account, body)).body).toMatchObject({ error: { code } });
  });

  it('says so for a frozen account and for too many videos at once', async () => {
    const [frozen, busy] = [await openAccount(stack, 1_000_000), await openAccount(stack, 1_000_000)];
    await stack.database.admin.query('UPDATE accounts SET frozen_at = now() WHERE id = $1', [frozen.id]);
    await stack.database.admin.query('UPDATE accounts SET max_active_generations = 0 WHERE id = $1', [busy.id]);
    expect((await create(frozen, {}, '?dry_run=true')).body).toMatchObject({ error: { code: 'account_frozen' } });
    expect((await create(busy, {}, '?dry_run=true')).body).toMatchObject({
      error: { code: 'too_many_active_generations' },
    });
  });

  it('refuses what is not offered, as a create does', async () => {
    const account = await openAccount(stack, 1_000_000);
    for (const body of [{ model: 'sora-9' }, { size: '1x1' }, { seconds: '5' }]) {
      const [param] = Object.keys(body);
      for (const query of ['', '?dry_run=true']) {
        expect(await create(account, body, query)).toMatchObject({ status: 400, body: { error: { param } } });
      }
    }
    expect((await create(account, {}, '?dry_run=perhaps')).status).toBe(400);
  });
});

describe('max_credits', () => {
  it('refuses what costs more, holds nothing, and leaves the key to the next try', async () => {
    const account = await openAccount(stack, 10_000_000);
    const dear = await create(account, { max_credits: '0.571428' });
    expect(dear).toMatchObject({ status: 400, body: { error: { code: 'invalid_request', param: 'max_credits' } } });
    expect((dear.body['error'] as { message: string }).message).toContain('costs 0.571429 credits');
    expect(await account.credits()).toMatchObject({ available_microcredits: 10_000_000, held_microcredits: 0 });
  });

  it('is no hindrance to what costs as much, in JSON and in a form', async () => {
    const account = await openAccount(stack, 10_000_000);
    expect((await create(account, { max_credits: 0.571429 })).status).toBe(200);
    const form = new FormData();
    form.set('prompt', 'in a form [[never]]');
    form.set('max_credits', '1');
    expect((await account.fetch('/v1/videos', { method: 'POST', body: form })).status).toBe(200);
    for (const max_credits of ['-1', 'lots', '1e3', '0.1234567', [], {}, true]) {
      expect((await create(account, { max_credits })).status).toBe(400);
    }
  });
});

import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { untilTerminal } from '../harness/support/answers.ts';
import { PRICE } from '../harness/support/database.ts';
import { eventsOf, expectNoDrift } from '../harness/support/generations.ts';
import { PNG } from '../harness/support/png.ts';
import type { TestAccount, TestStack } from '../harness/support/stack.ts';
import { openAccount, startStack } from '../harness/support/stack.ts';

/** What is gone when its owner deletes it, and what was never kept. */

let stack: TestStack;
beforeAll(async () => {
  stack = await startStack({ videoSeconds: 0.5 });
});
afterAll(async () => {
  await expectNoDrift(stack);
  await stack.stop();
});

interface Answer {
  readonly status: number;
  readonly body: { id: string; error?: { code: string; message: string } };
}

async function create({ fetch }: TestAccount, fields: Record<string, string>, key?: string): Promise<Answer> {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  form.append('input_reference', new Blob([new Uint8Array(PNG)], { type: 'image/png' }), 'a.png');
  const headers = key === undefined ? undefined : { 'idempotency-key': key };
  const answer = await fetch('/v1/videos', { method: 'POST', body: form, ...(headers && { headers }) });
  return { status: answer.status, body: (await answer.json()) as Answer['body'] };
}

const remove = ({ fetch }: TestAccount, id: string) => fetch(`/v1/videos/${id}`, { method: 'DELETE' });
const inputsOf = async ({ id }: TestAccount) =>
  (
    await stack.database.admin.query(
      'SELECT FROM inputs i JOIN generations g ON g.id = i.generation_id WHERE g.account_id = $1',
      [id],
    )
  ).rowCount;

describe('a deleted video', () => {
  // MR-96
  it('leaves no prompt and no reference, and is never paid for again under its key', async () => {
    const account = await openAccount(stack, 5 * PRICE);
    const key = randomUUID();
    const { body } = await create(account, { prompt: 'my secret' }, key);
    await untilTerminal(account, body.id);
    expect((await remove(account, body.id)).status).toBe(200);
    expect(await inputsOf(account)).toBe(0);
    const kept = await stack.database.admin.query('SELECT answer FROM idempotency_keys WHERE key = $1', [key]);
    expect(kept.rows).toEqual([{ answer: null }]);
    const again = await create(account, { prompt: 'my secret' }, key);
    expect(again).toMatchObject({ status: 404, body: { error: { message: expect.stringContaining('was deleted') } } });
    expect(await account.credits()).toMatchObject({ available_microcredits: 4 * PRICE, held_microcredits: 0 });
  });

  // MR-96
  it.each(['405', '501', '400', '403', '422'])(
    'is deleted here where the provider answers %s for ever, which is on record',
    async (status) => {
      const account = await openAccount(stack, PRICE);
      const { body } = await create(account, { prompt: `kept there [[delete:${status}]]` });
      await untilTerminal(account, body.id);
      expect((await remove(account, body.id)).status).toBe(200);
      expect((await remove(account, body.id)).status).toBe(404);
      expect(await eventsOf(stack, body.id, 'deleted')).toEqual([
        { provider_keeps: expect.stringContaining(`HTTP ${status}`) as unknown },
      ]);
      expect(await inputsOf(account)).toBe(0);
    },
  );

  it('is still there when the provider can’t be asked just now, and goes by the next try', async () => {
    const account = await openAccount(stack, PRICE);
    const { body } = await create(account, { prompt: 'away [[delete:500*1]][[delete:reset*1]][[delete:429*1]]' });
    await untilTerminal(account, body.id);
    for (let n = 0; n < 3; n += 1) expect((await remove(account, body.id)).status).toBe(503);
    expect((await account.fetch(`/v1/videos/${body.id}`)).status).toBe(200);
    expect((await remove(account, body.id)).status).toBe(200);
    expect(await eventsOf(stack, body.id, 'deleted')).toEqual([{}]);
  });
});

describe('an upload is not kept', () => {
  it.each([
    ['that costs more than max_credits', PRICE, { max_credits: '0.000001' }, 400],
    ['that cannot be paid', PRICE - 1, {}, 402],
  ])('%s', async (_what, credits, fields, status) => {
    const account = await openAccount(stack, credits);
    expect((await create(account, { prompt: 'refused', ...fields })).status).toBe(status);
    const { rows } = await stack.database.admin.query('SELECT FROM generations WHERE account_id = $1', [account.id]);
    expect([rows, await inputsOf(account)]).toEqual([[], 0]);
  });

  it('beyond the cap of its account', async () => {
    const account = await openAccount(stack, 5 * PRICE);
    await stack.database.admin.query('UPDATE accounts SET max_active_generations = 0 WHERE id = $1', [account.id]);
    const answer = await create(account, { prompt: 'too many' });
    expect(answer).toMatchObject({ status: 429, body: { error: { code: 'too_many_active_generations' } } });
    expect(await inputsOf(account)).toBe(0);
  });
});

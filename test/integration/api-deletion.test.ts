import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Announcer } from '../../store/index.ts';
import { expectRefused, jsonPost, untilTerminal } from '../harness/support/answers.ts';
import { PRICE } from '../harness/support/database.ts';
import { tablesWith } from '../harness/support/erasure.ts';
import { booksOf, eventsOf, expectNoDrift, untilRow } from '../harness/support/generations.ts';
import { PNG } from '../harness/support/png.ts';
import type { TestAccount, TestStack } from '../harness/support/stack.ts';
import { ADMIN_KEY, openAccount, startStack } from '../harness/support/stack.ts';

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

describe.each(['script', 'thread'] as const)('a deleted %s', (kind) => {
  const path = `/v1/${kind}s`;
  const write = ({ fetch }: TestAccount, body: object, headers: Record<string, string> = {}) => {
    const { headers: typed, ...init } = jsonPost(body);
    return fetch(path, { ...init, headers: { ...(typed as Record<string, string>), ...headers } });
  };
  const idOf = async (answer: Response) => ((await answer.json()) as { id: string }).id;
  const erase = ({ fetch }: TestAccount, id: string) => fetch(`${path}/${id}`, { method: 'DELETE' });
  const stepsOf = async ({ fetch }: TestAccount, id: string) => {
    const { data } = (await (await fetch(`${path}/${id}/timeline`)).json()) as { data: { type: string }[] };
    return data.map(({ type }) => type);
  };

  // MR-96
  it('leaves neither what was asked for nor what was written in any table; its charge and its timeline stay', async () => {
    const account = await openAccount(stack, PRICE);
    const [topic, user] = [`topic ${randomUUID()}`, `user ${randomUUID()}`];
    const answer = await write(account, { topic, user, metadata: { of: user } }, { 'idempotency-key': 'k' });
    const { id, output } = (await answer.json()) as { id: string; output: string };
    expect(await tablesWith(stack.database.admin, topic)).toEqual(expect.arrayContaining(['text_requests', 'texts']));
    const books = await booksOf(stack, account);
    const deleted = await erase(account, id);
    expect([deleted.status, await deleted.json()]).toEqual([200, { id, object: `${kind}.deleted`, deleted: true }]);
    for (const words of [topic, user, output]) expect(await tablesWith(stack.database.admin, words)).toEqual([]);
    expect(await booksOf(stack, account)).toEqual(books);
    const steps = await stepsOf(account, id);
    expect(steps.slice(-2)).toEqual(['charged', 'deleted']);
    await expectRefused(await erase(account, id), 404, 'not_found');
    await expectRefused(await account.fetch(`${path}/${id}`), 404, 'not_found');
    expect(await (await account.fetch(path)).json()).toMatchObject({ data: [] });
    expect(await stepsOf(account, id)).toEqual(steps);
  });

  // MR-96, MR-97
  it('is shown to an operator as it ended, although what was written is erased', async () => {
    const account = await openAccount(stack, PRICE);
    const ids = [
      await idOf(await write(account, { topic: 'a fox' })),
      await idOf(await write(account, { topic: '[[chat:cut]]' })),
    ];
    const headers = { authorization: `Bearer ${ADMIN_KEY}` };
    const shown = async () => {
      const answer = await fetch(`${stack.url}/admin/texts?account_id=${account.id}&order=asc`, { headers });
      const { data } = (await answer.json()) as { data: { status: string; error: unknown; deleted_at: unknown }[] };
      return data.map(({ status, error, deleted_at }) => ({ status, error, isDeleted: deleted_at !== null }));
    };
    const before = await shown();
    expect(before).toMatchObject([
      { status: 'completed', error: null, isDeleted: false },
      { status: 'incomplete', error: { code: 'incomplete_output' }, isDeleted: false },
    ]);
    for (const id of ids) expect((await erase(account, id)).status).toBe(200);
    expect(await shown()).toEqual(before.map((text) => ({ ...text, isDeleted: true })));
  });

  // MR-96
  it('is never paid for again under its key, as a stream or without', async () => {
    const account = await openAccount(stack, PRICE);
    const key = { 'idempotency-key': 'k' };
    await erase(account, await idOf(await write(account, { topic: 'a fox' }, key)));
    const before = await booksOf(stack, account);
    for (const stream of [false, true]) {
      const again = await write(account, { topic: 'a fox', stream }, key);
      expect(await expectRefused(again, 404, 'not_found')).toContain('was deleted. Nothing more was held.');
    }
    expect(await booksOf(stack, account)).toEqual(before);
  });

  // MR-81
  it('was refused its deletion, and not changed, until it was written', async () => {
    const account = await openAccount(stack, PRICE);
    const answer = await write(account, { topic: 'slow [[chat:slow:1s]]', stream: true });
    const { value } = (await answer.body?.getReader().read()) ?? {};
    const id = new RegExp(`${kind}_[0-9a-f]{32}`).exec(Buffer.from(value ?? []).toString())?.[0] ?? '';
    const refused = await erase(account, id);
    expect(refused.headers.get('x-should-retry')).toBe('false');
    expect(await expectRefused(refused, 409, 'text_not_terminal')).toBe(
      `This ${kind} is still being written, so it can’t be deleted; its credits stay reserved until it ends. Nothing was changed.`,
    );
    await untilRow(stack, id, "state = 'charged'");
    expect(await (await account.fetch(`${path}/${id}`)).json()).toMatchObject({ status: 'completed' });
    expect((await erase(account, id)).status).toBe(200);
  });

  it('that failed, in words that quote its topic, leaves none of them', async () => {
    const account = await openAccount(stack, PRICE);
    const topic = `topic ${randomUUID()} [[chat:400:invalid_prompt]]`;
    const id = await idOf(await write(account, { topic }));
    expect((await erase(account, id)).status).toBe(200);
    expect(await tablesWith(stack.database.admin, topic)).toEqual([]);
    expect(await account.credits()).toMatchObject({ available_microcredits: PRICE, held_microcredits: 0 });
  });

  it.each([false, true])(
    'tells a client that has not had its end yet that it is deleted (stream: %s)',
    async (stream) => {
      const account = await openAccount(stack, PRICE);
      const change = (sql: string) => stack.database.admin.query(sql);
      const answered = write(account, { topic: 'unread [[chat:slow:1s]]', stream });
      const id = await vi.waitFor(
        async () => {
          const sql = "SELECT id FROM generations WHERE account_id = $1 AND state = 'held'";
          const { rows } = await stack.database.admin.query<{ id: string }>(sql, [account.id]);
          if (rows[0] === undefined) throw new Error('not held yet');
          return rows[0].id;
        },
        { timeout: 20_000 },
      );
      await change('REVOKE SELECT ON texts FROM holdfast_service');
      await untilRow(stack, id, "state = 'charged'").finally(() =>
        // At once, so that its end can be read at no moment.
        change(
          `BEGIN; SELECT delete_generation('${id}', '${account.id}'); GRANT SELECT ON texts TO holdfast_service; COMMIT`,
        ),
      );
      new Announcer(stack.database.admin).add(id);
      const text = await (await answered).text();
      expect(text).toContain('not_found');
      expect(text).toContain(`The ${kind} ${id} was deleted. GET ${path}/${id}/timeline shows what it cost.`);
    },
  );

  it('is none of another kind’s', async () => {
    const account = await openAccount(stack, PRICE);
    const id = await idOf(await write(account, { topic: 'a fox' }));
    const others = ['/v1/scripts', '/v1/threads', '/v1/videos'].filter((other) => other !== path);
    for (const other of others) {
      await expectRefused(await account.fetch(`${other}/${id}`, { method: 'DELETE' }), 404, 'not_found');
    }
    expect((await account.fetch(`${path}/${id}?force=1`, { method: 'DELETE' })).status).toBe(400);
    expect((await account.fetch(`${path}/${id}`)).status).toBe(200);
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

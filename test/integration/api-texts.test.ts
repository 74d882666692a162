import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CrashPoint } from '../harness/support/crashPoints.ts';
import { interruptAt, TEXT_CRASH_POINTS } from '../harness/support/crashPoints.ts';
import { expectNoDrift, movementsOf } from '../harness/support/generations.ts';
import type { TestAccount, TestStack } from '../harness/support/stack.ts';
import { adminPost, openAccount, startStack } from '../harness/support/stack.ts';

/** Scripts and threads over HTTP: held, written, charged what they came to (MR-60 to MR-62). */

const GRANTED = 10_000_000;
let stack: TestStack;
let account: TestAccount;
/** Where the next writer dies, once. */
let crashesAt: string | undefined;
const dieAt = (point: CrashPoint) => () => {
  if (crashesAt !== point) return;
  crashesAt = undefined;
  throw new Error(`died at ${point}`);
};
beforeAll(async () => {
  stack = await startStack({
    wrapped: (deps) => TEXT_CRASH_POINTS.reduce((wrapped, point) => interruptAt(wrapped, point, dieAt(point)), deps),
  });
  account = await openAccount(stack, GRANTED);
});
afterAll(async () => {
  await expectNoDrift(stack);
  await stack.stop();
});

interface Written {
  id: string;
  object: string;
  status: string;
  title: string | null;
  text: string | null;
  posts: string[] | null;
  output: string;
  usage: { input_tokens: number; output_tokens: number } | null;
  error: { code: string; message: string } | null;
  credits: { state: string; amount_microcredits: number; message: string };
}
const post = async (path: string, body: object, headers: Record<string, string> = {}, signal?: AbortSignal) =>
  account.fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
    ...(signal === undefined ? {} : { signal }),
  });
const write = async (path: string, body: object, headers: Record<string, string> = {}) => {
  const answer = await post(path, body, headers);
  return {
    status: answer.status,
    replayed: answer.headers.get('idempotency-replayed'),
    body: (await answer.json()) as Written,
  };
};
const get = async (path: string) => (await (await account.fetch(path)).json()) as Written;
/** What the account has less since the call. */
const costing = async <Result>(call: () => Promise<Result>) => {
  const before = (await account.credits()).available_microcredits;
  const result = await call();
  return { result, cost: before - (await account.credits()).available_microcredits };
};

describe('a script', () => {
  it('is written, and charged what the provider billed for it', async () => {
    const { result, cost } = await costing(() => write('/v1/scripts', { topic: 'a red fox', length: 'short' }));
    expect(result).toMatchObject({
      status: 200,
      body: { object: 'script', status: 'completed', posts: null, error: null, credits: { state: 'charged' } },
    });
    const { body } = result;
    expect(body.title).not.toBe('');
    expect(body.text).not.toBe('');
    const { input_tokens: input = 0, output_tokens: output = 0 } = body.usage ?? {};
    expect(body.credits.amount_microcredits).toBe(Math.ceil((input * 4 + output * 16) / 7));
    expect(cost).toBe(body.credits.amount_microcredits);
    expect(await movementsOf(stack, body.id)).toEqual(['hold', 'capture']);
    expect(await get(`/v1/scripts/${body.id}`)).toEqual(body);
  });

  it('is a generation in the account’s holds and transactions, and in a refund', async () => {
    const { id } = (await write('/v1/scripts', { topic: 'a refunded fox' })).body;
    const named = { generation_id: id };
    const holds = (await (await account.fetch('/v1/credits/holds?limit=1')).json()) as { data: unknown };
    expect(holds.data).toMatchObject([named]);
    const lines = (await (await account.fetch('/v1/credits/transactions?limit=1')).json()) as { data: unknown };
    expect(lines.data).toMatchObject([named]);
    const refund = await adminPost(stack, `/videos/${id}/refund`, { reason: 'a test' }, { 'idempotency-key': id });
    expect(await refund.json()).toMatchObject({ object: 'refund', ...named });
  });

  // MR-61, MR-91
  it('is written to its end and charged although its client has gone', async () => {
    const gone = new AbortController();
    const { cost } = await costing(async () => {
      const answer = await post(
        '/v1/scripts',
        { topic: `a lost fox ${'runs and '.repeat(18)}`, stream: true, length: 'long' },
        {},
        gone.signal,
      );
      const reader = answer.body?.getReader();
      await reader?.read();
      gone.abort();
      await expect.poll(async () => (await account.credits()).held_microcredits, { timeout: 20_000 }).toBe(0);
    });
    expect(cost).toBeGreaterThan(0);
    const { rows } = await stack.database.pool.query(
      `SELECT t.finish_reason, t.output_tokens > 0 AS billed FROM texts t JOIN generations g ON g.id = t.generation_id
       WHERE g.account_id = $1 ORDER BY g.id DESC LIMIT 1`,
      [account.id],
    );
    expect(rows).toEqual([{ finish_reason: 'stop', billed: true }]);
  });

  it('whose answer breaks off is charged what was delivered, and not asked for again', async () => {
    const { result, cost } = await costing(() => write('/v1/scripts', { topic: 'a fox [[chat:cut]]' }));
    expect(result.body).toMatchObject({ status: 'incomplete', usage: null, error: { code: 'incomplete_output' } });
    expect(result.body.error?.message).toMatch(/ The upper bound of its cost was charged\.$/);
    expect(result.body.credits.message).toContain('reserved, and the rest was returned.');
    expect(result.body.output).not.toBe('');
    expect(cost).toBe(result.body.credits.amount_microcredits);
    expect(cost).toBeGreaterThan(0);
  });

  it('without a count by the provider is charged at the upper bound of what was delivered', async () => {
    const { result, cost } = await costing(() => write('/v1/scripts', { topic: 'a fox [[chat:no-usage]]' }));
    expect(result.body).toMatchObject({ status: 'completed', usage: null, credits: { state: 'charged' } });
    expect(result.body.credits.message).toContain('The provider reported no usage');
    expect(cost).toBe(result.body.credits.amount_microcredits);
  });

  // MR-62
  it.each(TEXT_CRASH_POINTS)(
    'whose writer dies at %s costs what was delivered, and is asked for once',
    async (point) => {
      crashesAt = point;
      const { result, cost } = await costing(() => write('/v1/scripts', { topic: `a fox at ${point}` }));
      expect(crashesAt).toBeUndefined();
      // Before the call nothing was asked; then another writer asks.
      expect(result.body.status).toBe(point === 'write:written' ? 'incomplete' : 'completed');
      expect(result.body.output).not.toBe('');
      expect(cost).toBe(result.body.credits.amount_microcredits);
    },
  );

  it('that the provider refuses, or never answers, costs nothing', async () => {
    for (const topic of ['a fox [[chat:400:invalid_prompt]]', 'a fox [[chat:reset]]']) {
      const { result, cost } = await costing(() => write('/v1/scripts', { topic }));
      expect(result.body, topic).toMatchObject({ status: 'failed', credits: { state: 'refunded' } });
      expect(cost, topic).toBe(0);
    }
  });

  it('for which the provider has no room at first is tried again', async () => {
    const { result } = await costing(() => write('/v1/scripts', { topic: 'a fox [[chat:429*1]]' }));
    expect(result.body.status).toBe('completed');
  });

  it('is replayed for its idempotency key, and paid once', async () => {
    const key = { 'idempotency-key': 'script 1' };
    const { cost, result } = await costing(() => write('/v1/scripts', { topic: 'a twice fox' }, key));
    const again = await costing(() => write('/v1/scripts', { topic: 'a twice fox' }, key));
    expect(again).toMatchObject({ cost: 0, result: { replayed: 'true', body: result.body } });
    expect(cost).toBeGreaterThan(0);
    expect((await write('/v1/scripts', { topic: 'another' }, key)).status).toBe(422);
  });

  it("is joined by an SDK's own retry while it is written", async () => {
    const body = { topic: 'a joined fox [[chat:slow:1s]]' };
    const { result, cost } = await costing(() =>
      Promise.all([
        write('/v1/scripts', body),
        expect
          .poll(async () => (await account.credits()).held_microcredits, { timeout: 20_000 })
          .not.toBe(0)
          .then(() => write('/v1/scripts', body, { 'x-stainless-retry-count': '1' })),
      ]),
    );
    const [first, retry] = result;
    expect(retry.body.id).toBe(first.body.id);
    expect(cost).toBe(first.body.credits.amount_microcredits);
  });

  it.each([false, true])(
    'that can’t be read for a moment is answered with its end all the same (stream: %s)',
    async (stream) => {
      const service = (right: string) => stack.database.admin.query(`${right} holdfast_service`);
      const { cost } = await costing(async () => {
        const answered = post('/v1/scripts', { topic: `an unreadable fox ${stream} [[chat:slow:1s]]`, stream });
        await expect.poll(async () => (await account.credits()).held_microcredits, { timeout: 20_000 }).not.toBe(0);
        const logged = stack.logged.length;
        await service('REVOKE SELECT ON texts FROM');
        await expect.poll(() => stack.logged.length, { timeout: 20_000 }).toBeGreaterThan(logged);
        await service('GRANT SELECT ON texts TO');
        const answer = await answered;
        expect(answer.status).toBe(200);
        expect(await answer.text()).toContain('"status":"completed"');
      });
      expect(cost).toBeGreaterThan(0);
    },
  );

  it('is refused above the ceiling of its client, and to an account that cannot pay the most that it may cost', async () => {
    expect(await write('/v1/scripts', { topic: 'a fox', max_credits: '0.000001' })).toMatchObject({
      status: 400,
      body: { error: { param: 'max_credits' } },
    });
    const poor = await openAccount(stack, 10);
    const refused = await poor.fetch('/v1/scripts', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ topic: 'a fox' }),
    });
    expect(refused.status).toBe(402);
    expect(((await refused.json()) as { error: { message: string } }).error.message).toMatch(
      /^This script costs up to 0\.00\d+ credits; 0\.000010 are available\. Nothing was held\. /,
    );
  });

  it('tells every step in words: why was I charged?', async () => {
    const timeline = async (id: string, path = '/v1/scripts') => {
      const answer = await account.fetch(`${path}/${id}/timeline`);
      const { data } = (await answer.json()) as { data: { type: string; message: string }[] };
      return data.map(({ type, message }) => [type, message]);
    };
    const { body } = await write('/v1/scripts', { topic: 'a told fox' });
    const { input_tokens: input = 0, output_tokens: output = 0 } = body.usage ?? {};
    expect(await timeline(body.id)).toEqual([
      ['requested', expect.stringMatching(/^Requested, at a price of at most 0\.00\d{4} credits$/)],
      ['held', expect.stringMatching(/^Hold of 0\.00\d{4} credits placed$/)],
      ['attempt_begun', 'Asking the provider for the script'],
      ['text_ended', `The provider has finished writing: ${input} tokens read, ${output} written`],
      ['charged', expect.stringMatching(/ reserved credits charged: the cost of this script; the rest was returned$/)],
    ]);
    const cut = await write('/v1/scripts', { topic: 'a fox [[chat:cut]]' });
    expect(await timeline(cut.body.id)).toContainEqual([
      'text_ended',
      'The writing broke off; the provider reported no usage',
    ]);
    const refused = await write('/v1/scripts', { topic: 'a fox [[chat:400:invalid_prompt]]' });
    expect((await timeline(refused.body.id)).slice(-2)).toEqual([
      ['submission_refused', 'The provider refused the request: the prompt is not valid for the provider'],
      ['refunded', expect.stringMatching(/^0\.00\d{4} credits returned: the prompt is not valid for the provider$/)],
    ]);
    const lost = await write('/v1/threads', { topic: 'a fox [[chat:reset]]' });
    const told = (await timeline(lost.body.id, '/v1/threads')).map(([, message]) => message);
    expect(told).toContain('It is not known whether the provider accepted the thread; it is not asked for again');
    expect(told).toContain('Nothing was written; the provider reported no usage');
  });

  it('is nobody else’s', async () => {
    const { body } = await write('/v1/scripts', { topic: 'my fox' });
    const stranger = await openAccount(stack, 0);
    expect((await stranger.fetch(`/v1/scripts/${body.id}`)).status).toBe(404);
    expect((await stranger.fetch(`/v1/scripts/${body.id}/timeline`)).status).toBe(404);
    expect((await account.fetch(`/v1/threads/${body.id}`)).status).toBe(404);
    expect((await account.fetch(`/v1/threads/${body.id}/timeline`)).status).toBe(404);
    expect((await account.fetch(`/v1/videos/${body.id}/timeline`)).status).toBe(404);
    expect((await account.fetch(`/v1/videos/${body.id}`)).status).toBe(404);
    expect(stack.logged.join('\n')).not.toContain('fox');
  });
});

describe('the price of a model', () => {
  const setPrice = async (key: string, body: object) => {
    const answer = await adminPost(stack, '/text_prices', body, { 'idempotency-key': key });
    return { status: answer.status, body: (await answer.json()) as object };
  };
  const price = {
    model: 'a-model-of-ours',
    input_cost_microcredits_per_million_tokens: 0,
    output_cost_microcredits_per_million_tokens: 1_000_000,
    margin_basis_points: 0,
  };

  it('is set by an operator, once a key, listed, and charged from then on', async () => {
    expect((await write('/v1/scripts', { topic: 'a fox', model: price.model })).status).toBe(400);
    const set = await setPrice('one', price);
    expect(set).toMatchObject({ status: 200, body: { object: 'text_price', model: price.model } });
    expect(await setPrice('one', price)).toEqual(set);
    expect((await setPrice('one', { ...price, margin_basis_points: 1 })).status).toBe(422);
    expect((await setPrice('two', { ...price, effective_from: 1 })).status).toBe(409);
    const { data } = (await (await account.fetch('/v1/prices')).json()) as { data: object[] };
    expect(data).toContainEqual({
      object: 'text_price',
      model: price.model,
      input_microcredits_per_million_tokens: 0,
      output_microcredits_per_million_tokens: 1_000_000,
    });
    const { body } = await write('/v1/scripts', { topic: 'a fox', model: price.model });
    expect(body.credits.amount_microcredits).toBe(body.usage?.output_tokens);
  });
});

describe('a thread', () => {
  it('has as many posts as were asked for', async () => {
    const { result, cost } = await costing(() => write('/v1/threads', { topic: 'a red fox', posts: 3 }));
    expect(result.body).toMatchObject({ object: 'thread', status: 'completed', title: null, text: null });
    expect(result.body.posts).toHaveLength(3);
    expect(cost).toBe(result.body.credits.amount_microcredits);
  });

  it.each([{}, { topic: '' }, { topic: 'a', posts: 1 }, { topic: 'a', posts: 21 }, { topic: 'a', tempo: 1 }])(
    'is refused for %j',
    async (body) => {
      expect((await write('/v1/threads', body)).status).toBe(400);
    },
  );
});

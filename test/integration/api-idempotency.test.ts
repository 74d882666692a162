import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { jsonPost } from '../harness/support/answers.ts';
import { PRICE } from '../harness/support/database.ts';
import { ask, expectNoDrift, untilSettled } from '../harness/support/generations.ts';
import { bendHold, loseVideo, reconcile, untilProviderEnds } from '../harness/support/reconciling.ts';
import type { TestAccount, TestStack } from '../harness/support/stack.ts';
import { adminPost, openAccount, startStack } from '../harness/support/stack.ts';

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
  body: { id?: string; error?: { code: string; message: string; param: string | null } };
}

async function create(
  account: TestAccount,
  key: string | null,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const answer = await account.fetch('/v1/videos', {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(key === null ? {} : { 'idempotency-key': key }), ...headers },
    body: JSON.stringify(body),
  });
  return {
    status: answer.status,
    replayed: answer.headers.get('idempotency-replayed'),
    body: (await answer.json()) as Answer['body'],
  };
}

const generationsOf = async ({ id }: TestAccount) => {
  const { rows } = await stack.database.pool.query<{ state: string }>(
    'SELECT state FROM generations WHERE account_id = $1',
    [id],
  );
  return rows.map(({ state }) => state);
};

// MR-90
describe('the same key and body', () => {
  it('replays the stored answer and holds nothing more, also as a form and with defaults written out', async () => {
    const account = await openAccount(stack, 5_000_000);
    const first = await create(account, 'k1', { prompt: 'a fox [[never]]' });
    const again = await create(account, 'k1', { prompt: 'a fox [[never]]', model: 'sora-2', seconds: '4' });
    expect(first).toMatchObject({ status: 200, replayed: null });
    expect(again).toEqual({ ...first, replayed: 'true' });
    const form = new FormData();
    form.set('prompt', 'a fox [[never]]');
    const asForm = await account.fetch('/v1/videos', {
      method: 'POST',
      headers: { 'idempotency-key': 'k1' },
      body: form,
    });
    expect(await asForm.json()).toEqual(first.body);
    expect(await account.credits()).toMatchObject({ held_microcredits: PRICE });
  });

  it('from ten callers at once: one generation; the others are told to wait or get the same answer', async () => {
    const account = await openAccount(stack, 20_000_000);
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => create(account, 'same', { prompt: 'x [[never]]' })),
    );
    for (const { status, body } of answers) {
      expect([200, 409]).toContain(status);
      if (status === 409) expect(body.error?.code).toBe('idempotency_key_in_use');
    }
    expect(new Set(answers.flatMap(({ body }) => body.id ?? [])).size).toBe(1);
    expect(await generationsOf(account)).toEqual(['held']);
  });

  it('refused for lack of funds stays refused after a top-up; a new key is served', async () => {
    const account = await openAccount(stack, 100);
    const refused = await create(account, 'poor', { prompt: 'x [[never]]' });
    expect(refused).toMatchObject({ status: 402, body: { error: { code: 'insufficient_credits' } } });
    await stack.database.ledger.grantCredits({
      accountId: account.id,
      amountMicrocredits: PRICE,
      reason: 'top-up',
      idempotencyKey: 'top-up',
    });
    const again = await create(account, 'poor', { prompt: 'x [[never]]' });
    expect(again).toMatchObject({ status: 402, replayed: 'true', body: { error: { code: 'insufficient_credits' } } });
    expect(again.body.error?.message).toBe(
      `${refused.body.error?.message} This is the stored response for this Idempotency-Key; to try again, use a new key.`,
    );
    expect(await create(account, 'rich', { prompt: 'x [[never]]' })).toMatchObject({ status: 200 });
  });

  it('is answered from the generation when a process died before the answer was kept', async () => {
    const account = await openAccount(stack, 5_000_000);
    const first = await create(account, 'lost', { prompt: 'x [[never]]' });
    await stack.database.admin.query(
      'UPDATE idempotency_keys SET answer = NULL, answer_status = NULL WHERE account_id = $1',
      [account.id],
    );
    const again = await create(account, 'lost', { prompt: 'x [[never]]' });
    expect(again).toMatchObject({ status: 200, replayed: 'true', body: { id: first.body.id } });
    expect(await generationsOf(account)).toEqual(['held']);
  });

  it('after 72 hours is refused, never served as new', async () => {
    const account = await openAccount(stack, 5_000_000);
    await create(account, 'old', { prompt: 'x [[never]]' });
    await stack.database.admin.query(
      "UPDATE idempotency_keys SET created_at = now() - interval '73 hours' WHERE account_id = $1",
      [account.id],
    );
    expect(await create(account, 'old', { prompt: 'x [[never]]' })).toMatchObject({
      status: 422,
      body: { error: { code: 'idempotency_key_reused' } },
    });
    expect(await generationsOf(account)).toEqual(['held']);
  });

  it('of another tenant is another key', async () => {
    const [one, two] = await Promise.all([openAccount(stack, 1_000_000), openAccount(stack, 1_000_000)]);
    const [first, second] = await Promise.all([
      create(one, 'k', { prompt: 'x [[never]]' }),
      create(two, 'k', { prompt: 'x [[never]]' }),
    ]);
    expect(first.body.id).not.toBe(second.body.id);
  });
});

// MR-90
describe('the same key', () => {
  it('with another body is 422 and holds nothing', async () => {
    const account = await openAccount(stack, 5_000_000);
    await create(account, 'k', { prompt: 'x [[never]]' });
    for (const other of [{ prompt: 'y' }, { prompt: 'x [[never]]', seconds: '8' }]) {
      expect(await create(account, 'k', other)).toMatchObject({
        status: 422,
        body: { error: { code: 'idempotency_key_reused' } },
      });
    }
    expect(await generationsOf(account)).toEqual(['held']);
  });

  it('after a refusal that is not kept serves a corrected request', async () => {
    const account = await openAccount(stack, 5_000_000);
    expect(await create(account, 'k', { prompt: '' })).toMatchObject({ status: 400 });
    expect(await create(account, 'k', { prompt: 'x [[never]]' })).toMatchObject({ status: 200 });
  });

  it('that is too long or not printable is 400', async () => {
    const account = await openAccount(stack, 5_000_000);
    expect(await create(account, 'k'.repeat(256), { prompt: 'x' })).toMatchObject({
      status: 400,
      body: { error: { param: 'Idempotency-Key' } },
    });
    expect(await generationsOf(account)).toEqual([]);
  });
});

// MR-90
describe('a repeat is answered before everything that may have changed since the first request', () => {
  /** Sends it with one key twice, and does this in between. */
  const twice = async (account: TestAccount, path: string, body: object, between: () => Promise<unknown>) => {
    const send = async () => {
      const post = jsonPost(body);
      const headers = { ...(post.headers as Record<string, string>), 'idempotency-key': 'twice' };
      const answer = await account.fetch(path, { ...post, headers });
      const { id } = (await answer.json()) as { id?: string };
      return { status: answer.status, id, replayed: answer.headers.get('idempotency-replayed') };
    };
    const first = await send();
    expect(first).toMatchObject({ status: 200, replayed: null });
    const spent = (await account.credits()).available_microcredits;
    await between();
    expect(await send()).toEqual({ ...first, replayed: 'true' });
    expect(await account.credits()).toMatchObject({ available_microcredits: spent });
  };
  const admin = (sql: string, values: unknown[] = []) => stack.database.admin.query(sql, values);
  const charged = async (account: TestAccount, prompt: string) => {
    const id = await ask(account, prompt);
    await untilSettled(stack, [id]);
    return id;
  };

  it('a remix, whose original its owner has deleted', async () => {
    const account = await openAccount(stack, 5_000_000);
    const original = await charged(account, 'an original');
    await twice(account, `/v1/videos/${original}/remix`, { prompt: 'at night [[never]]' }, () =>
      account.client.videos.delete(original),
    );
  });

  it('a remix, whose original was made at a provider that is no longer used', async () => {
    const account = await openAccount(stack, 5_000_000);
    const original = await charged(account, 'an original from elsewhere');
    await twice(account, `/v1/videos/${original}/remix`, { prompt: 'at noon [[never]]' }, () =>
      admin(
        `SET session_replication_role = replica;
         UPDATE generations SET provider = 'openai@http://elsewhere.test' WHERE id = '${original}';
         SET session_replication_role = origin`,
      ),
    );
  });

  it.each([
    ['/v1/videos', { prompt: 'no longer sold [[never]]', model: 'sora-2' }, 'prices'],
    ['/v1/scripts', { topic: 'no longer sold' }, 'text_prices'],
    ['/v1/threads', { topic: 'no longer sold' }, 'text_prices'],
  ])('%s, whose model is no longer sold', async (path, body, table) => {
    const account = await openAccount(stack, 5_000_000);
    const alter = (change: string) =>
      admin(`SET session_replication_role = replica; ${change}; SET session_replication_role = origin`);
    try {
      await twice(account, path, body, () => alter(`UPDATE ${table} SET effective_from = now() + interval '1 day'`));
      expect((await account.fetch(path, jsonPost(body))).status).toBe(400);
    } finally {
      await alter(`UPDATE ${table} SET effective_from = 'epoch'`);
    }
  });

  it('of an account that is frozen since', async () => {
    const account = await openAccount(stack, 5_000_000);
    await twice(account, '/v1/videos', { prompt: 'frozen later [[never]]' }, () =>
      adminPost(stack, `/accounts/${account.id}/freeze`, { reason: 'why' }, { 'idempotency-key': 'f' }),
    );
    expect((await account.fetch('/v1/videos', jsonPost({ prompt: 'new' }))).status).toBe(403);
  });

  it('of a key whose spend limit is reached since', async () => {
    const account = await openAccount(stack, 5_000_000);
    const limit = 'UPDATE api_keys SET daily_limit_microcredits = $2 WHERE account_id = $1';
    await admin(limit, [account.id, PRICE]);
    await twice(account, '/v1/videos', { prompt: 'the last one [[never]]' }, () => Promise.resolve());
    expect((await account.fetch('/v1/videos', jsonPost({ prompt: 'one more' }))).status).toBe(402);
  });

  it('a claim, whose day is over', async () => {
    const account = await openAccount(stack, 5_000_000);
    const lost = await loseVideo(stack, `claimed in time [[after:1s]] ${randomUUID()}`, account);
    const { id } = lost;
    await bendHold(stack, id, -1);
    await stack.database.ledger.settleGeneration(id, 'expired');
    await untilProviderEnds(stack, lost);
    await reconcile(stack);
    await twice(account, `/v1/videos/${id}/claim`, {}, () =>
      admin("UPDATE generations SET claimable_until = now() - interval '1 s' WHERE id = $1", [id]),
    );
  });
});

import { randomUUID } from 'node:crypto';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { PRICE } from '../support/database.ts';
import type { TestAccount, TestStack } from '../support/stack.ts';
import { openAccount, startStack } from '../support/stack.ts';

let stack: TestStack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(async () => {
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
    expect(await create(account, 'poor', { prompt: 'x [[never]]' })).toEqual({ ...refused, replayed: 'true' });
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

/** A proxy in front of the API that swallows the answers to its first POSTs, as a network does that fails at that moment. */
async function losingProxy(url: string, losses: number): Promise<{ url: string; close: () => void }> {
  const target = new URL(url);
  const sockets = new Set<Socket>();
  let left = losses;
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        client.destroy();
        upstream.destroy();
      });
    }
    let posted = false;
    client.on('data', (data) => {
      posted ||= data.toString('latin1').startsWith('POST /v1/videos ');
      upstream.write(data);
    });
    upstream.on('data', (data) => {
      if (posted && left > 0) {
        left -= 1;
        client.destroy();
        return;
      }
      posted = false;
      client.write(data);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close };
}

describe("the SDK's own retries, without a key", () => {
  it('pay once when two replies are lost: one generation, one hold', async () => {
    const account = await openAccount(stack, 5_000_000);
    const proxy = await losingProxy(stack.url, 2);
    const client = new OpenAI({ apiKey: account.key, baseURL: `${proxy.url}/v1` });
    const video = await client.videos.create({ prompt: 'lost twice [[never]]' });
    expect(await generationsOf(account)).toEqual(['held']);
    expect(await account.credits()).toMatchObject({ held_microcredits: PRICE });
    expect((await client.videos.retrieve(video.id)).id).toBe(video.id);
    proxy.close();
  });

  it('never take the place of a request whose answer arrived', async () => {
    const account = await openAccount(stack, 5_000_000);
    const first = await create(account, null, { prompt: 'twice on purpose [[never]]' });
    await stack.database.ledger.markAnswered(String(first.body.id));
    const retry = await create(
      account,
      null,
      { prompt: 'twice on purpose [[never]]' },
      { 'x-stainless-retry-count': '1' },
    );
    expect(retry.status).toBe(200);
    expect(retry.body.id).not.toBe(first.body.id);
  });

  it('are not meant by a request that is no retry, nor by one of another body or key', async () => {
    const [account, other] = await Promise.all([openAccount(stack, 5_000_000), openAccount(stack, 5_000_000)]);
    const first = await create(account, null, { prompt: 'x [[never]]' });
    const ids = [
      await create(account, null, { prompt: 'x [[never]]' }, { 'x-stainless-retry-count': '0' }),
      await create(account, null, { prompt: 'y [[never]]' }, { 'x-stainless-retry-count': '1' }),
      await create(other, null, { prompt: 'x [[never]]' }, { 'x-stainless-retry-count': '1' }),
    ].map(({ body }) => body.id);
    expect(new Set([first.body.id, ...ids]).size).toBe(4);
  });

  it('mark an answer as arrived once its connection has stayed whole', { timeout: 20_000 }, async () => {
    const account = await openAccount(stack, 5_000_000);
    const { body } = await create(account, null, { prompt: randomUUID() });
    await vi.waitFor(
      async () => {
        const { rows } = await stack.database.pool.query('SELECT answered_at FROM generations WHERE id = $1', [
          body.id,
        ]);
        expect(rows).toEqual([{ answered_at: expect.any(Date) as Date }]);
      },
      { timeout: 15_000, interval: 200 },
    );
  });
});

import { createHmac, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ask, forEachOf, movementsOf, standings, untilRow, untilSettled } from '../harness/support/generations.ts';
import { reconcile, terminate } from '../harness/support/reconciling.ts';
import type { TestAccount, TestStack } from '../harness/support/stack.ts';
import { openAccount, startStack } from '../harness/support/stack.ts';
import { historyLength } from '../harness/support/temporal.ts';

/** A webhook only says "look now" (MR-4), also when it is forged, stale, replayed, or one of a flood (MR-87). */

const SECRET = `whsec_${Buffer.from('the secret of the provider').toString('base64')}`;
let stack: TestStack;
let account: TestAccount;
beforeAll(async () => {
  stack = await startStack({ videoSeconds: 1, expectedMs: null, webhookSecret: SECRET });
  account = await openAccount(stack, 1_000_000_000);
});
afterAll(async () => {
  await stack.stop();
});

interface Message {
  readonly id?: string;
  readonly at?: number;
  readonly secret?: string;
  readonly body?: string;
}

const range = (length: number) => Array.from({ length }, (_, n) => n);
const now = () => Math.floor(Date.now() / 1000);

function sign({ id = `evt_${randomUUID()}`, at = now(), secret = SECRET, body = '{}' }: Message) {
  const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice(6), 'base64') : Buffer.from(secret);
  const signature = createHmac('sha256', key).update(`${id}.${at}.${body}`).digest('base64');
  return {
    body,
    headers: { 'webhook-id': id, 'webhook-timestamp': String(at), 'webhook-signature': `v1,${signature}` },
  };
}

const send = (init: { body: string; headers: Record<string, string> }) =>
  fetch(`${stack.url}/webhooks/openai`, { method: 'POST', ...init });
const eventOf = (video: string, type = 'video.completed') =>
  JSON.stringify({ id: 'evt_1', object: 'event', type, created_at: now(), data: { id: video } });

/** An open generation at work for long, with its video. */
async function atWork(prompt = 'at work [[after:40s]] [[webhook:none]]'): Promise<{ id: string; video: string }> {
  const id = await ask(account, `${prompt} ${randomUUID()}`);
  await untilRow(stack, id, 'g.provider_video_id IS NOT NULL');
  const [standing] = await standings(stack, [id]);
  return { id, video: standing?.video ?? '' };
}

it('sent under a name that no provider has, or whose provider has no secret, finds no route', async () => {
  for (const name of ['gateway', 'OpenAI', '%00', '..%2f..']) {
    const answer = await fetch(`${stack.url}/webhooks/${name}`, { method: 'POST', ...sign({}) });
    expect([name, answer.status]).toEqual([name, 404]);
  }
});

describe('an event of the provider', () => {
  it('is kept once for each video, and every one of them settles', async () => {
    const ids = await forEachOf(range(5), 5, (n) => ask(account, `number ${n}`));
    await untilSettled(stack, ids);
    const { rowCount } = await stack.database.admin.query(
      'SELECT FROM provider_events JOIN generations g USING (provider_video_id) WHERE g.id = ANY($1)',
      [ids],
    );
    expect(rowCount).toBe(5);
  });

  // MR-4
  it('moves nothing by itself: what it says is retrieved, and believed only then', async () => {
    const { id, video } = await atWork();
    for (const type of ['video.completed', 'video.failed']) {
      expect((await send(sign({ body: eventOf(video, type) }))).status).toBe(200);
    }
    await untilRow(
      stack,
      id,
      "(SELECT count(*) FROM generation_events e WHERE e.generation_id = g.id AND e.kind = 'seen') > 0",
    );
    expect(await movementsOf(stack, id)).toEqual(['hold']);
    await terminate(stack, id);
  });

  it('that comes again is known by its id, and nobody is told twice', async () => {
    const { id, video } = await atWork();
    const message = sign({ body: eventOf(video) });
    expect((await send(message)).status).toBe(200);
    const handle = stack.env.client.workflow.getHandle(id);
    await vi.waitFor(async () => expect(await signalsOf(id)).toBe(1), { timeout: 5000 });
    const answers = await forEachOf(range(50), 10, () => send(message));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect(stack.webhooks.slice(-50)).toEqual(Array(50).fill('replayed'));
    expect(await signalsOf(id)).toBe(1);
    await handle.terminate('the test is over');
  });

  it('in a flood does not grow a history: a workflow is told 20 times at most', async () => {
    const { id, video } = await atWork();
    const answers = await forEachOf(range(1000), 20, () => send(sign({ body: eventOf(video) })));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect(await signalsOf(id)).toBe(20);
    expect(await historyLength(stack.env.client.workflow.getHandle(id))).toBeLessThan(250);
    await terminate(stack, id);
  });

  it('of a video that nobody has here is answered 200, and counted', async () => {
    expect((await send(sign({ body: eventOf('video_of_another') }))).status).toBe(200);
    expect(stack.webhooks.at(-1)).toBe('unknown');
    expect((await send(sign({ body: JSON.stringify({ type: 'batch.completed', data: {} }) }))).status).toBe(200);
    expect(stack.webhooks.at(-1)).toBe('other');
    expect((await send(sign({ body: 'no JSON' }))).status).toBe(200);
  });

  it('of a workflow that is gone is answered 200; the reconciler settles', async () => {
    const { id, video } = await atWork('gone [[after:3s]] [[webhook:none]]');
    await terminate(stack, id);
    expect((await send(sign({ body: eventOf(video) }))).status).toBe(200);
    expect(await movementsOf(stack, id)).toEqual(['hold']);
    await reconcile(stack);
    await untilSettled(stack, [id]);
    expect(await movementsOf(stack, id)).toEqual(['hold', 'capture']);
    expect((await send(sign({ body: eventOf(video, 'video.failed') }))).status).toBe(200);
    expect(stack.webhooks.at(-1)).toBe('settled');
  });
});

describe('what is not signed by the provider is nothing', () => {
  const body = eventOf('video_1');
  const without = (name: string) => {
    const { headers } = sign({ body });
    return { body, headers: Object.fromEntries(Object.entries(headers).filter(([key]) => key !== name)) };
  };
  it.each([
    ['signed with another secret', () => sign({ body, secret: 'another' })],
    ['signed with an empty secret', () => sign({ body, secret: '' })],
    ['with another body than was signed', () => ({ ...sign({ body }), body: eventOf('video_2') })],
    ['six minutes old', () => sign({ body, at: now() - 360 })],
    ['of a time to come', () => sign({ body, at: now() + 360 })],
    ['of no time', () => sign({ body, at: Number.NaN })],
    ['without an id', () => without('webhook-id')],
    ['without a time', () => without('webhook-timestamp')],
    ['without a signature', () => without('webhook-signature')],
  ])('%s: 401, and nothing is kept', async (_what, message) => {
    const answer = await send(message());
    expect(answer.status).toBe(401);
    expect(await answer.json()).toMatchObject({ error: { code: 'invalid_signature' } });
    expect(stack.webhooks.at(-1)).toBe('unverified');
    const kept = await stack.database.admin.query(
      "SELECT FROM provider_events WHERE provider_video_id LIKE 'video\\__'",
    );
    expect(kept.rowCount).toBe(0);
  });

  it('over 64 kB: 413', async () => {
    expect((await send(sign({ body: 'x'.repeat(65 * 1024) }))).status).toBe(413);
  });
});

async function signalsOf(id: string): Promise<number> {
  const { events } = await stack.env.client.workflow.getHandle(id).fetchHistory();
  return (events ?? []).filter((event) => event.workflowExecutionSignaledEventAttributes).length;
}

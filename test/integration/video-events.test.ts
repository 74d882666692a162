import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ask, untilSettled } from '../harness/support/generations.ts';
import type { TestAccount, TestStack } from '../harness/support/stack.ts';
import { openAccount, startStack } from '../harness/support/stack.ts';

/** Server-sent events of a video: what happens is seen at once, and a broken connection misses nothing. */

let stack: TestStack;
let account: TestAccount;
beforeAll(async () => {
  stack = await startStack({ videoSeconds: 1 });
  account = await openAccount(stack, 1_000_000_000);
});
afterAll(async () => {
  await stack.stop();
});

interface Message {
  readonly id: number;
  readonly event: string;
  readonly data: { id: string; status: string; progress: number; credits: { state: string } };
}

interface Watching {
  readonly messages: Message[];
  readonly ended: Promise<void>;
  readonly leave: () => void;
}

async function watch(who: TestAccount, id: string, lastEventId?: number): Promise<Watching> {
  const leaving = new AbortController();
  const answer = await who.fetch(`/v1/videos/${id}/events`, {
    signal: leaving.signal,
    headers: lastEventId === undefined ? {} : { 'last-event-id': String(lastEventId) },
  });
  expect(answer.headers.get('content-type')).toBe('text/event-stream');
  const messages: Message[] = [];
  return { messages, ended: read(answer, messages), leave: () => leaving.abort() };
}

async function read(answer: Response, messages: Message[]): Promise<void> {
  let text = '';
  try {
    for await (const chunk of (answer.body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream())) {
      text += chunk;
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const fields = Object.fromEntries(
          text
            .slice(0, end)
            .split('\n')
            .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]),
        );
        text = text.slice(end + 2);
        if (fields['data'] !== undefined) {
          const { id, event, data } = fields as Record<string, string>;
          messages.push({ id: Number(id), event: event ?? '', data: JSON.parse(data ?? '') as Message['data'] });
        }
      }
    }
  } catch {
    // The reader left, or the server did.
  }
}

describe('the events of a video', () => {
  it('begin with how it stands, go on as it changes, and end with its end', async () => {
    const id = await ask(account, 'watched');
    const { messages, ended } = await watch(account, id);
    await ended;
    expect(messages[0]?.event).toBe('progress');
    expect(messages.at(-1)).toMatchObject({
      event: 'settled',
      data: { id, status: 'completed', credits: { state: 'charged' } },
    });
    expect(messages.filter(({ event }) => event === 'settled')).toHaveLength(1);
    const ids = messages.map((message) => message.id);
    expect(ids).toEqual([...new Set(ids)].toSorted((a, b) => a - b));
  });

  it('tell of a refund too', async () => {
    const id = await ask(account, 'watched in vain [[fail:moderation_blocked]]');
    const { messages, ended } = await watch(account, id);
    await ended;
    expect(messages.at(-1)).toMatchObject({
      event: 'settled',
      data: { status: 'failed', credits: { state: 'refunded' } },
    });
  });

  it('go on after the last one that was seen, and are over with a 204 when that was the end', async () => {
    const id = await ask(account, 'left and come again [[after:3s]]');
    const first = await watch(account, id);
    await vi.waitFor(() => expect(first.messages.length).toBeGreaterThan(0), { timeout: 5000 });
    first.leave();
    await first.ended;
    const seen = first.messages.at(-1)?.id ?? 0;
    const second = await watch(account, id, seen);
    await second.ended;
    expect(second.messages[0]?.id).toBeGreaterThan(seen);
    const last = second.messages.at(-1);
    expect(last?.event).toBe('settled');
    const over = await account.fetch(`/v1/videos/${id}/events`, { headers: { 'last-event-id': String(last?.id) } });
    expect(over.status).toBe(204);
    // Whoever did not see the end still does.
    const late = await watch(account, id, seen);
    await late.ended;
    expect(late.messages.map(({ event }) => event)).toEqual(['settled']);
  });

  it('end without a word of ours when they can’t be read', async () => {
    const id = await ask(account, 'unreadable [[after:3s]]');
    const watching = await watch(account, id);
    await stack.database.admin.query('REVOKE SELECT ON holds FROM holdfast_service');
    await watching.ended;
    await stack.database.admin.query('GRANT SELECT ON holds TO holdfast_service');
    expect(watching.messages.map(({ event }) => event)).not.toContain('error');
    expect(stack.logged.join('\n')).toContain('a stream of events broke');
    await untilSettled(stack, [id]);
  });

  it('reach a hundred watchers of one video at once, over one connection to the database a process', async () => {
    const id = await ask(account, 'watched by many [[after:2s]]');
    const watching = await Promise.all(Array.from({ length: 100 }, () => watch(account, id)));
    const listeners = await stack.database.admin.query(
      "SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'holdfast changes'",
    );
    expect(listeners.rowCount).toBe(stack.processes);
    await Promise.all(watching.map(({ ended }) => ended));
    for (const { messages } of watching) expect(messages.at(-1)?.event).toBe('settled');
  });

  it('go on when the connection that hears of changes is cut', async () => {
    const id = await ask(account, 'cut off [[after:4s]]');
    const { messages, ended } = await watch(account, id);
    await stack.database.admin.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'holdfast changes'",
    );
    await ended;
    expect(messages.at(-1)?.event).toBe('settled');
  });

  it('are another tenant’s 404', async () => {
    const id = await ask(account, 'mine');
    const stranger = await openAccount(stack, 0);
    expect((await stranger.fetch(`/v1/videos/${id}/events`)).status).toBe(404);
    expect((await stranger.fetch('/v1/videos/nonsense/events')).status).toBe(404);
    await untilSettled(stack, [id]);
  });
});

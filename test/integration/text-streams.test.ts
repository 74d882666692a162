import OpenAI from 'openai';
import type { Stream } from 'openai/streaming';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectNoDrift } from '../harness/support/generations.ts';
import type { TestAccount, TestStack } from '../harness/support/stack.ts';
import { openAccount, startStack } from '../harness/support/stack.ts';

/** Scripts and threads as server-sent events: what a client gets that begins with the first event and appends each delta. */

let stack: TestStack;
let account: TestAccount;
beforeAll(async () => {
  stack = await startStack();
  account = await openAccount(stack, 10_000_000);
});
afterAll(async () => {
  await expectNoDrift(stack);
  await stack.stop();
});

interface Written {
  id: string;
  status: string;
  output: string;
  credits: { state: string };
}
const post = async (path: string, body: object, headers: Record<string, string> = {}, signal?: AbortSignal) =>
  account.fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
    ...(signal === undefined ? {} : { signal }),
  });

describe('a stream of a text', () => {
  it('sends the text as it stands, then what is written, then the whole text', async () => {
    const answer = await post('/v1/scripts', { topic: 'a blue fox', stream: true });
    expect(answer.headers.get('content-type')).toMatch(/^text\/event-stream/);
    const events = eventsOf(await answer.text());
    expect(events.map(({ event }) => event)).toEqual([
      'created',
      ...events.slice(1, -1).map(() => 'delta'),
      'completed',
    ]);
    const last = events.at(-1);
    expect(last?.event).toBe('completed');
    const body = JSON.parse(last?.data ?? '') as Written;
    expect(accumulated(events)).toBe(body.output);
    expect(body.credits.state).toBe('charged');
  });

  it('that is joined in the middle is what its first event has and its deltas add', async () => {
    const body = { topic: `a fox that ${'runs and '.repeat(20)}`, posts: 8, stream: true };
    const first = await post('/v1/threads', body);
    const reader = first.body?.pipeThrough(new TextDecoderStream()).getReader();
    let seen = '';
    while (!eventsOf(seen).some(({ event }) => event === 'delta')) {
      const { value, done } = (await reader?.read()) ?? { done: true };
      expect(done, seen).toBe(false);
      seen += value ?? '';
    }
    const joined = await post('/v1/threads', body, { 'x-stainless-retry-count': '1' });
    const events = eventsOf(await joined.text());
    await reader?.cancel();
    const [created, whole] = [events[0], events.at(-1)].map((event) => JSON.parse(event?.data ?? '') as Written);
    expect(created).toMatchObject({ id: whole?.id, status: 'in_progress' });
    expect(created?.output).not.toBe('');
    expect(events.map(({ event }) => event)).toContain('delta');
    expect(accumulated(events)).toBe(whole?.output);
  });

  it('has the name of each event in its data too, because OpenAI’s SDK for Node drops the names', async () => {
    const answer = await post('/v1/scripts', { topic: 'a named fox [[chat:cut]]', stream: true });
    const events = eventsOf(await answer.text());
    expect(events.map(({ data }) => (JSON.parse(data) as { type: string }).type)).toEqual(
      events.map(({ event }) => event),
    );
    expect(JSON.parse(events.at(-1)?.data ?? '')).toMatchObject({ type: 'completed', status: 'incomplete' });
  });

  it('is put together by OpenAI’s SDK for Node from the types of its events', async () => {
    const client = new OpenAI({ apiKey: account.key, baseURL: `${stack.url}/v1` });
    interface TextEvent {
      readonly type: string;
      readonly output: string;
      readonly delta: string;
    }
    const body = { topic: 'a fox of an SDK', stream: true };
    let output = '';
    let whole = '';
    for await (const event of await client.post<Stream<TextEvent>>('/scripts', { body, stream: true })) {
      if (event.type === 'created') output = event.output;
      if (event.type === 'delta') output += event.delta;
      if (event.type === 'completed') whole = event.output;
    }
    expect(output).not.toBe('');
    expect(output).toBe(whole);
  });

  it('tells the id in its first event, so a client that loses the stream finds the text', async () => {
    const gone = new AbortController();
    const answer = await post('/v1/scripts', { topic: 'a brief fox [[chat:slow:1s]]', stream: true }, {}, gone.signal);
    const { value } = (await answer.body?.getReader().read()) ?? {};
    gone.abort();
    const [first] = eventsOf(Buffer.from(value ?? []).toString());
    const created = JSON.parse(first?.data ?? '') as Written;
    expect([first?.event, created]).toMatchObject(['created', { status: 'in_progress', credits: { state: 'held' } }]);
    await expect
      .poll(async () => (await account.fetch(`/v1/scripts/${created.id}`)).json(), { timeout: 20_000 })
      .toMatchObject({ id: created.id, status: 'completed' });
  });

  it('sends the events that the description shows', async () => {
    const { paths } = (await (await fetch(`${stack.url}/openapi.json`)).json()) as {
      paths: Record<string, { post: { responses: { 200: { content: Record<string, { example: string }> } } } }>;
    };
    const { example } = paths['/v1/scripts']?.post.responses[200].content['text/event-stream'] ?? {};
    const answer = await post('/v1/scripts', { topic: 'a shown fox', stream: true });
    const fields = (text: string) =>
      new Map(eventsOf(text).map(({ event, data }) => [event, namesIn(JSON.parse(data) as object)]));
    expect(fields(example ?? '')).toEqual(fields(await answer.text()));
  });

  it('of a repeated request has the text once: in its first event', async () => {
    const key = { 'idempotency-key': 'a repeated stream' };
    const body = { topic: 'a twice fox', stream: true };
    const stream = async () => eventsOf(await (await post('/v1/scripts', body, key)).text());
    const [events, repeated] = [await stream(), await stream()];
    expect(repeated.map(({ event }) => event)).toEqual(['created', 'completed']);
    expect(accumulated(repeated)).toBe(accumulated(events));
    const [last, lastAgain] = [events, repeated].map((all) => JSON.parse(all.at(-1)?.data ?? '') as Written);
    expect(lastAgain).toEqual(last);
  });
});

/** The names of an object's fields, and of the fields of its fields. */
function namesIn(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, namesIn(field)]));
}

/** What a client shows that begins with the first event and appends each delta. */
function accumulated(events: { event: string; data: string }[]): string {
  return events
    .map(({ event, data }) => {
      const { output, delta } = JSON.parse(data) as { output: string; delta: string };
      return event === 'created' ? output : event === 'delta' ? delta : '';
    })
    .join('');
}

function eventsOf(text: string): { event: string; data: string }[] {
  return text
    .split('\n\n')
    .filter((block) => block.startsWith('event:') || block.includes('\nevent:'))
    .map((block) => ({
      event: /^event: ?(.*)$/m.exec(block)?.[1] ?? '',
      data: /^data: ?(.*)$/m.exec(block)?.[1] ?? '',
    }));
}

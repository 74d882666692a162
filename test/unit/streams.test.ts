import { Hono } from 'hono';
import type { SSEStreamingApi } from 'hono/streaming';
import { streamSSE } from 'hono/streaming';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Env } from '../../api/http/deps.ts';
import { Feeds } from '../../api/http/feeds.ts';
import { following } from '../../api/generations/following.ts';
import { KeyStandings, sendOn, type StreamDependencies, StreamPlaces } from '../../api/http/streams.ts';
import { streamText } from '../../api/texts/streamText.ts';
import type { Caller } from '../../store/index.ts';

/** Many who follow one generation, and what they cost the others. */

const caller: Caller = {
  apiKeyId: 'key',
  accountId: 'account',
  rotatedFrom: 'key',
  scopes: null,
  requestsPerMinute: null,
  hasSpendLimit: false,
};

/** What the database tells of one generation; its state is how often it has changed. */
function world() {
  const watchers = new Set<() => void>();
  const counts = { looks: 0, keyLooks: 0, changes: 0, inForce: true };
  const changes = {
    watch: (_id: string, changed: () => void) => {
      watchers.add(changed);
      return () => watchers.delete(changed);
    },
  };
  const keys = new KeyStandings({
    isKeyInForce: async () => {
      counts.keyLooks += 1;
      return counts.inForce;
    },
  });
  const places = new StreamPlaces({ ofOneKey: 1, inAll: 1 });
  const streams = { feeds: new Feeds(changes), keys, places };
  const look = async () => {
    counts.looks += 1;
    return counts.changes;
  };
  return {
    counts,
    watchers,
    change: () => {
      counts.changes += 1;
      for (const changed of watchers) changed();
    },
    follow: (stops: (() => void)[] = []) =>
      following({ streams, closing: new AbortController().signal }, caller, 'id', look, (stop) => stops.push(stop)),
  };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});
const next = async <Value>(reader: AsyncGenerator<Value, void>) => (await reader.next()).value;

it('a thousand who follow one generation read it, and their key, once a change', async () => {
  const { counts, change, follow, watchers } = world();
  const readers = Array.from({ length: 1000 }, () => follow());
  expect(await Promise.all(readers.map(next))).toEqual(readers.map(() => 0));
  for (const now of [1, 2, 3]) {
    change();
    expect(await Promise.all(readers.map(next))).toEqual(readers.map(() => now));
  }
  expect(counts).toMatchObject({ looks: 4, keyLooks: 1 });
  expect(watchers.size).toBe(1);
  await Promise.all(readers.map((reader) => reader.return()));
  expect(watchers.size).toBe(0);
  expect(vi.getTimerCount()).toBe(0);
});

it('who does not read while it changes a thousand times is told the newest, and nothing is kept for him', async () => {
  const { change, follow } = world();
  const [slow, quick] = [follow(), follow()];
  await Promise.all([next(slow), next(quick)]);
  for (let now = 1; now <= 1000; now += 1) {
    change();
    expect(await next(quick)).toBe(now);
  }
  expect(await next(slow)).toBe(1000);
  await Promise.all([slow.return(), quick.return()]);
});

it('a change that comes while it is read is read once more, and every 15 s it is looked at anyway', async () => {
  const { counts, change, follow } = world();
  const reader = follow();
  const first = next(reader);
  change();
  expect(await first).toBe(1);
  const again = next(reader);
  await vi.advanceTimersByTimeAsync(15_000);
  expect(await again).toBe(1);
  expect(counts.looks).toBeGreaterThan(1);
});

it('a key that has ended ends what is followed with it, within a minute without a change', async () => {
  const { counts, follow } = world();
  const reader = follow();
  await next(reader);
  counts.inForce = false;
  const ended = reader.next().then(
    () => reader.next(),
    (error: unknown) => Promise.reject(error as Error),
  );
  const seen = expect(ended).rejects.toMatchObject({ code: 'invalid_api_key', status: 401 });
  await vi.advanceTimersByTimeAsync(60_000);
  await seen;
});

it('a client that goes while it waits is waited for no longer', async () => {
  const { follow, watchers } = world();
  const stops: (() => void)[] = [];
  const reader = follow(stops);
  await next(reader);
  const last = reader.next();
  stops.forEach((stop) => stop());
  expect(await last).toEqual({ done: true, value: undefined });
  expect(watchers.size).toBe(0);
});

it('a key and its rotations share a limit of streams, all keys share another; a client that leaves frees one place, once', () => {
  const places = new StreamPlaces({ ofOneKey: 2, inAll: 3 });
  const take = (rotatedFrom: string, apiKeyId = rotatedFrom) => places.take({ ...caller, apiKeyId, rotatedFrom });
  const leave = take('one');
  take('one', 'its successor');
  expect(() => take('one')).toThrow('This API key follows 2 generations already');
  take('other');
  expect(() => take('other')).toThrow('This server cannot follow more generations');
  leave();
  leave();
  take('third');
  expect(() => take('third')).toThrow('This server cannot follow more generations');
  expect(() => take('one')).toThrow('This server cannot follow more generations');
});

it('a client that does not read what it is sent is cut off after half a minute', async () => {
  let served: SSEStreamingApi | undefined;
  const app = new Hono<Env>().get('/', (c) =>
    streamSSE(c, async (stream) => {
      served = stream;
      while (!stream.aborted) await sendOn(c, stream, () => stream.writeSSE({ data: 'x'.repeat(100_000) }));
    }),
  );
  const answer = await app.request('/');
  expect(answer.status).toBe(200);
  await vi.advanceTimersByTimeAsync(29_000);
  expect(served?.aborted).toBe(false);
  await vi.advanceTimersByTimeAsync(2000);
  expect(served?.aborted).toBe(true);
  expect((await answer.text()).length).toBeLessThan(300_000);
});

it('a stream of a text that breaks before its first event still tells the id', async () => {
  const leave = vi.fn();
  const log = { error: vi.fn() };
  async function* broken(): AsyncGenerator<never, void> {
    yield* [];
    throw new Error('the details of a bug');
  }
  const id = 'script_019a0000000070008000000000000000';
  const app = new Hono<Env>().get('/', (c) =>
    streamText({ log } as unknown as StreamDependencies, c, id, () => broken(), leave),
  );
  const text = await (await app.request('/')).text();
  expect(text).toMatch(/^event: error\ndata: /);
  expect(JSON.parse(text.split('data: ')[1] ?? '')).toMatchObject({ id, error: { code: 'outcome_unknown' } });
  expect(text).not.toContain('bug');
  expect(leave).toHaveBeenCalledTimes(1);
});

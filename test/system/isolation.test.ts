import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { PROVIDER_EVENT } from '../../contracts/temporal.ts';
import { admit, openTenant } from '../harness/support/database.ts';
import type { Standing } from '../harness/support/generations.ts';
import {
  ask,
  expectNoDrift,
  forEachOf,
  standings,
  strikeProvider,
  untilSettled,
} from '../harness/support/generations.ts';
import type { ServerWatch } from '../harness/support/serverWatch.ts';
import { watchServers } from '../harness/support/serverWatch.ts';
import type { TestAccount, TestStack } from '../harness/support/stack.ts';
import { openAccount, startStack } from '../harness/support/stack.ts';
import { startGeneration } from '../harness/support/temporal.ts';

const HANGING = 200;
const MEASURED = 40;
/** So many captures, and so many releases. */
const SETTLED = 20;

/** Their looks are answered so much later, one after the other: when every other call of the provider hangs. */
const LATE_MS = 8000;
const LATE_APART_MS = 150;

/**
 * What waits for one of the calls that hang waits for up to their 30 s (`callTimeoutMs` of provider/client.ts). A third of it leaves
 * room for a slow machine; how many milliseconds it takes is for a bench.
 */
const WAITS_FOR_NONE_MS = 10_000;
const GRANTED = 1_000_000_000;

// For a machine that is busy with other things; alone it takes a third of it.
vi.setConfig({ testTimeout: 90_000 });

let stack: TestStack;
let watch: ServerWatch;
beforeAll(async () => {
  watch = watchServers();
  stack = await startStack();
});
afterAll(async () => {
  await strikeProvider(stack, null);
  watch.cut(Number(new URL(stack.simulatorUrl).port));
  await stack.stop();
  watch.end();
});

describe(`a provider whose every call hangs, with ${HANGING} generations open`, () => {
  // MR-92
  it("delays nobody's hold and nobody's settlement: none waits for a call that hangs", async () => {
    // Without the API, which is not what is measured here: that would take most of the test's time.
    const slow = await openTenant(stack.database, GRANTED);
    const quick = await openAccount(stack, GRANTED);
    const hanging = await forEachOf(range(HANGING), 50, async (index) => {
      const id = await admit(stack.database, slow, `number ${index} [[never]]`);
      await startGeneration(stack.env, id);
      return id;
    });
    const hangingVideos = await videosOf(hanging);
    const earlier = new Map(hangingVideos.map((video) => [video, asked(video)]));
    await strikeProvider(stack, 'hang');
    await lookNow(hanging);
    await untilAsked(hangingVideos, earlier);
    // What hangs goes on hanging while these few get through, to be answered later or tried again in a minute.
    await strikeProvider(stack, null);
    const busy = await forEachOf(range(SETTLED), 10, (index) =>
      ask(quick, `busy ${index} [[create:429]][[retry-after:60]]`),
    );
    await untilEach(busy, ({ attempts }) => attempts[0] === 'not_made');
    const late = await forEachOf(range(SETTLED), 10, (index) =>
      ask(quick, `late [[after:1s]][[poll:slow:${LATE_MS + index * LATE_APART_MS}ms]]`),
    );
    const lateVideos = await videosOf(late);
    await lookNow(late);
    await untilAsked(lateVideos, new Map());
    await strikeProvider(stack, 'hang');
    const hangsSince = Date.now();

    const [holdsMs] = await Promise.all([
      forEachOf(range(MEASURED), 2, (index) => timed(() => ask(quick, `a new one, number ${index}`))),
      forEachOf(busy, 1, (id) => cancel(quick, id)),
      untilSettled(stack, [...late, ...busy]),
    ]);

    expect(await standings(stack, late)).toMatchObject(late.map(() => ({ state: 'charged' })));
    expect(await standings(stack, busy)).toMatchObject(busy.map(() => ({ state: 'released', code: 'cancelled' })));
    expect(await standings(stack, hanging)).toMatchObject(hanging.map(() => ({ state: 'held' })));
    const capturesMs = await tookMs(late, 'seen', 'charged', hangsSince);
    const releasesMs = await tookMs(busy, 'cancel_requested', 'released', hangsSince);
    const longestMs = Math.max(...holdsMs, ...capturesMs, ...releasesMs);
    expect(longestMs, 'the longest hold, capture or release').toBeLessThan(WAITS_FOR_NONE_MS);
    await expectNoDrift(stack);
  });
});

function range(length: number): number[] {
  return Array.from({ length }, (_, index) => index);
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await work();
  return performance.now() - begin;
}

/** Cancels as a client does, and waits for the credits. */
async function cancel({ fetch }: TestAccount, id: string): Promise<void> {
  expect((await fetch(`/v1/videos/${id}/cancel`, { method: 'POST' })).status).toBe(200);
  await untilSettled(stack, [id]);
}

/** Makes each workflow look at its video at once, as a provider's event does. */
async function lookNow(ids: readonly string[]): Promise<void> {
  await forEachOf(ids, 50, (id) => stack.env.client.workflow.getHandle(id).signal(PROVIDER_EVENT));
}

async function untilEach(ids: readonly string[], done: (standing: Standing) => boolean): Promise<Standing[]> {
  return vi.waitFor(
    async () => {
      const all = await standings(stack, ids);
      const undone = all.filter((standing) => !done(standing));
      if (undone.length > 0)
        throw new Error(`${undone.length} of ${ids.length} are not, as ${JSON.stringify(undone[0])}`);
      return all;
    },
    { timeout: 40_000, interval: 200 },
  );
}

/** The videos that the provider makes for these, once all are made. */
async function videosOf(ids: readonly string[]): Promise<string[]> {
  return (await untilEach(ids, ({ video }) => video !== null)).map(({ video }) => video ?? '');
}

/** How often the provider was asked about a video. */
function asked(video: string): number {
  return watch.arrived('GET', `/v1/videos/${video}`);
}

async function untilAsked(videos: readonly string[], earlier: ReadonlyMap<string, number>): Promise<void> {
  await vi.waitFor(
    () => {
      const unasked = videos.filter((video) => asked(video) <= (earlier.get(video) ?? 0));
      if (unasked.length > 0) throw new Error(`the provider was not asked about ${unasked.length} of ${videos.length}`);
    },
    { timeout: 20_000, interval: 50 },
  );
}

/** From one recorded event to another, by the database's clock; each began after `sinceMs`. */
async function tookMs(ids: readonly string[], from: string, to: string, sinceMs: number): Promise<number[]> {
  const { rows } = await stack.database.pool.query<{ began: Date; ms: number }>(
    `SELECT b.recorded_at AS began, (extract(epoch FROM e.recorded_at - b.recorded_at) * 1000)::float8 AS ms
      FROM generation_events e JOIN generation_events b ON b.generation_id = e.generation_id AND b.sequence = (
        SELECT max(sequence) FROM generation_events WHERE generation_id = e.generation_id AND kind = $2)
      WHERE e.generation_id = ANY($1) AND e.kind = $3`,
    [ids, from, to],
  );
  expect(rows).toHaveLength(ids.length);
  expect(rows.filter(({ began }) => began.getTime() < sinceMs)).toEqual([]);
  return rows.map(({ ms }) => ms);
}

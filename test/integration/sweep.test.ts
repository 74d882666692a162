import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createProviders, type Provider } from '../../provider/index.ts';
import { keepSweeps } from '../../temporal/sweeps.ts';
import { PRICE } from '../harness/support/database.ts';
import { ask, expectNoDrift, forEachOf, movementsOf, untilRow, untilSettled } from '../harness/support/generations.ts';
import type { AnswerList, ListingGateway } from '../harness/support/listingGateway.ts';
import { inPages, startListingGateway } from '../harness/support/listingGateway.ts';
import { SPELLINGS } from '../harness/support/spelledIds.ts';
import type { TestAccount, TestStack } from '../harness/support/stack.ts';
import { openAccount, startStack } from '../harness/support/stack.ts';

/** A provider's list only makes workflows look (MR-4), whatever it says; and it is read no more often than it may be. */

vi.setConfig({ testTimeout: 60_000 });

const INTERVAL_MS = 200;
/** It may send webhooks: where its list shows what is open, the sweep is counted on all the same. None comes here. */
const SECRET = 'whsec_c2VjcmV0';
let stack: TestStack;
let account: TestAccount;
let gateway: ListingGateway;
let provider: Provider;
/** How often the sweep has asked what is open. */
let reads = 0;

beforeAll(async () => {
  stack = await startStack({
    providerBehind: async (url) => (gateway = await startListingGateway(url)),
    providers: (url) => {
      const providers = createProviders([
        { name: 'gpu', baseUrl: `${url}/v1`, apiKey: 'key', sweepIntervalMs: INTERVAL_MS, webhookSecret: SECRET },
      ]);
      [provider] = providers.all;
      return providers;
    },
    wrapped: (deps) => ({
      ...deps,
      store: {
        ...deps.store,
        listOpenVideos: (identity) => {
          reads += 1;
          return deps.store.listOpenVideos(identity);
        },
      },
    }),
  });
  account = await openAccount(stack, 1_000_000_000);
  await keepSweeps(stack.temporal, [provider.identity]);
});
afterAll(async () => {
  await expectNoDrift(stack);
  await stack.stop();
});

async function eventsOfHistory(id: string) {
  return (await stack.env.client.workflow.getHandle(id).fetchHistory()).events ?? [];
}
const signalsOf = async (id: string) =>
  (await eventsOfHistory(id)).filter((event) => event.workflowExecutionSignaledEventAttributes).length;

/** Whether the workflow was told, with its video, that somebody tells when that ends. */
async function isToldOfEnds(id: string): Promise<boolean | undefined> {
  const results = (await eventsOfHistory(id)).flatMap(
    (event) => event.activityTaskCompletedEventAttributes?.result?.payloads ?? [],
  );
  const texts = results.map(({ data }) => Buffer.from(data ?? []).toString());
  const created = texts.find((text) => text.includes('toldBy'));
  return created === undefined ? undefined : created.includes('"toldBy":"sweep"');
}

/** Until the sweep has read what is open so many times more. */
async function untilRead(times: number) {
  const wanted = reads + times;
  await vi.waitFor(() => expect(reads).toBeGreaterThanOrEqual(wanted), { timeout: 20_000, interval: 20 });
}

describe('while its list shows what is open', () => {
  it('the end of a video is looked at as soon as it is listed, by one signal; the next workflow counts on that', async () => {
    const first = await ask(account, 'the first [[after:2s]]');
    await untilSettled(stack, [first]);
    expect([await isToldOfEnds(first), await signalsOf(first)]).toEqual([false, 1]);
    await vi.waitFor(async () => expect(await stack.database.ledger.sweepTells(provider.identity)).toBe(true), {
      timeout: 20_000,
      interval: 100,
    });
    const ids = await forEachOf([1, 2, 3], 3, (n) =>
      ask(account, `after it, ${n} [[after:1s]] ${n === 3 ? '[[fail:broken]]' : ''}`),
    );
    const settled = await untilSettled(stack, ids);
    expect(settled.map(({ state }) => state)).toEqual(['charged', 'charged', 'released']);
    for (const id of ids) expect([await isToldOfEnds(id), await signalsOf(id)]).toEqual([true, 1]);
  });

  it('nothing is asked of a provider while nothing is open there', async () => {
    await untilRead(3);
    const before = gateway.calls.length;
    await untilRead(5);
    expect(gateway.calls.length).toBe(before);
  });
});

/** What servers do, and worse: each answers for a while. */
const HOSTILE: Record<string, AnswerList | null> = {
  'lists one pod of two in turn': (videos, { call }) => ({
    data: videos.filter((_, place) => place % 2 === call % 2),
    has_more: false,
  }),
  'repeats its first page': (videos) => ({ data: videos.slice(0, 3), has_more: true, last_id: videos[2]?.id ?? null }),
  'spells ids anew': (videos, asked) => {
    const spell = asked.call % 2 === 0 ? SPELLINGS.list : SPELLINGS.retrieve;
    return { data: videos.map((video) => ({ ...video, id: spell(video.id) })), has_more: false };
  },
  'has no end': (_videos, { call }) => ({
    data: Array.from({ length: 100 }, (_, n) => ({ id: `v_${call}_${n}`, status: 'completed' })),
    has_more: true,
  }),
  'is slow': async (videos, asked) => {
    await delay(1000);
    return inPages(videos, asked);
  },
  'says that everything is completed': (videos) => ({
    data: videos.map((video) => ({ ...video, status: 'completed' })),
    has_more: false,
  }),
  'says that everything has failed': (videos) => ({
    data: videos.map((video) => ({ ...video, status: 'failed', error: { code: 'x', message: 'x' } })),
    has_more: false,
  }),
  'shows nothing': () => ({ data: [], has_more: false }),
  'is answered with 502': null,
};

// MR-4, MR-87
it('whatever the list says, videos are settled by their own answer, workflows get four signals at most, and calls keep their distance', async () => {
  const endless = await ask(account, 'at work for long [[after:55s]]');
  await untilRow(stack, endless, 'g.provider_video_id IS NOT NULL');
  const from = gateway.calls.length;
  const ids: string[] = [];
  for (const answer of Object.values(HOSTILE)) {
    gateway.answer = answer;
    const n = ids.length;
    ids.push(await ask(account, `${n} [[after:${(n % 3) + 1}s]] ${n % 2 === 1 ? '[[fail:broken]]' : ''}`));
    const { length } = gateway.calls;
    const before = reads;
    // A long round asks rarely what is open; and where all have ended, nothing is listed any more.
    const enough = () => gateway.calls.length > length + 3 || reads > before + (gateway.calls.length > length ? 3 : 15);
    await vi.waitFor(() => expect(enough()).toBe(true), { timeout: 20_000, interval: 20 });
  }
  gateway.answer = inPages;
  const settled = await untilSettled(stack, ids);
  expect(settled.map(({ state }) => state)).toEqual(ids.map((_, n) => (n % 2 === 1 ? 'released' : 'charged')));
  expect(settled.map(({ charged }) => charged)).toEqual(ids.map((_, n) => (n % 2 === 1 ? null : PRICE)));
  for (const id of ids) expect(await signalsOf(id)).toBeLessThanOrEqual(4);
  // Said to have ended many times, and shown and hidden in turn.
  expect(await movementsOf(stack, endless)).toEqual(['hold']);
  expect(await signalsOf(endless)).toBeLessThanOrEqual(4);
  expect(await signalsOf(endless)).toBeGreaterThan(0);
  const gaps = gateway.calls.slice(from + 1).map((at, n) => at - (gateway.calls[from + n] ?? 0));
  // A call may be sent late, and the next one in time.
  expect(gaps.length * INTERVAL_MS).toBeLessThanOrEqual(gaps.reduce((sum, gap) => sum + gap, 0) + 5 * INTERVAL_MS);
  await stack.env.client.workflow.getHandle(endless).terminate('the test is over');
});

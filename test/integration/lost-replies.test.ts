import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { PRICE } from '../harness/support/database.ts';
import {
  ask,
  createsOf,
  eventsOf,
  expectNoDrift,
  forEachOf,
  movementsOf,
  providerVideos,
  standings,
  untilSettled,
} from '../harness/support/generations.ts';
import { PNG } from '../harness/support/png.ts';
import type { TestAccount, TestStack } from '../harness/support/stack.ts';
import { openAccount, startStack } from '../harness/support/stack.ts';

/** Long enough to create and to look twice, short enough to see a hold's end. */
const SHORT_HOLD_SECONDS = 12;

// For a machine that is busy with other things; alone it takes a third of it.
vi.setConfig({ testTimeout: 90_000 });

let stack: TestStack;
/** Its holds end soon. */
let brief: TestStack;
beforeAll(async () => {
  [stack, brief] = await Promise.all([
    startStack({ lookForCreateMs: 1500 }),
    startStack({ holdTtlSeconds: SHORT_HOLD_SECONDS, lookForCreateMs: 1500 }),
  ]);
});
afterAll(async () => {
  await Promise.all([stack.stop(), brief.stop()]);
});
afterEach(async () => {
  await Promise.all([expectNoDrift(stack), expectNoDrift(brief)]);
});

const GRANTED = 100_000_000;

const openTwo = (at: TestStack) => Promise.all([openAccount(at, GRANTED), openAccount(at, GRANTED)]);

async function expectBalance({ credits }: TestAccount, charged: number): Promise<void> {
  const left = { available_microcredits: GRANTED - charged * PRICE, held_microcredits: 0 };
  expect(await credits()).toMatchObject(left);
}

/** Each video that a generation owns was asked for by this very generation's owner, and belongs to no other. */
async function expectOwnVideosOnly(at: TestStack): Promise<void> {
  const promptOf = new Map((await providerVideos(at)).map(({ id, prompt }) => [id, prompt]));
  const { rows } = await at.database.pool.query<{ video: string; prompt: string }>(
    `SELECT g.provider_video_id AS video, i.prompt FROM generations g JOIN inputs i ON i.generation_id = g.id
      WHERE g.provider = $1 AND g.provider_video_id IS NOT NULL`,
    [`openai@${at.simulatorUrl}`],
  );
  for (const { video, prompt } of rows) expect({ video, prompt: promptOf.get(video) }).toEqual({ video, prompt });
  expect(new Set(rows.map(({ video }) => video)).size).toBe(rows.length);
}

interface Trial {
  readonly prompt: string;
  /** How the attempts end, in order; each is one call. */
  readonly attempts: string[];
  readonly code?: string;
}

describe.concurrent('an attempt that goes wrong', () => {
  // The slowest first, for only a few tests run at once.
  const ends: [string, Trial][] = [
    [
      "refused twice for the operator's key: tried again, charged",
      { prompt: 'no key [[create:401*2]]', attempts: ['not_made', 'not_made', 'created'] },
    ],
    [
      'never arrived: searched for, not found, submitted again, charged',
      { prompt: 'never arrived [[create:reset*1]]', attempts: ['not_found', 'created'] },
    ],
    [
      'broke at the provider without a trace: searched for, not found, submitted again, charged',
      { prompt: 'broke [[create:500*1]]', attempts: ['not_found', 'created'] },
    ],
    [
      'lost three times without a trace: released as create_failed after exactly three calls',
      {
        prompt: 'never arrives [[create:reset]]',
        attempts: ['not_found', 'not_found', 'not_found'],
        code: 'create_failed',
      },
    ],
    [
      'refused twice as too many, with Retry-After: tried again, charged',
      { prompt: 'busy [[create:429*2]][[retry-after:1]]', attempts: ['not_made', 'not_made', 'created'] },
    ],
    [
      'refused for what the client asked: released with that code, never tried again',
      { prompt: 'bad [[create:400:bad_thing]]', attempts: ['refused'], code: 'bad_thing' },
    ],
    [
      'answered with a page of HTML: found in the list, charged once',
      { prompt: 'a page [[create:html]]', attempts: ['adopted'] },
    ],
    [
      'lost with a prompt of lines, marks and spaces: sent byte by byte, found in the list, charged once',
      { prompt: ' two\nlines,\r\n"marked" caf\u0065\u0301 \u{1F3AC} \n[[create:lost-reply]]\n', attempts: ['adopted'] },
    ],
    [
      'answered with an empty object: found in the list, charged once',
      { prompt: 'nothing said [[create:empty]]', attempts: ['adopted'] },
    ],
  ];

  it.each(ends)('%s', async (_what, { prompt, attempts, code }) => {
    const account = await openAccount(stack, GRANTED);
    const id = await ask(account, prompt);
    const [standing] = await untilSettled(stack, [id]);
    const charged = code === undefined;
    expect(standing).toMatchObject({ state: charged ? 'charged' : 'released', code: code ?? null, attempts });
    expect(await createsOf(stack, prompt)).toBe(attempts.length);
    expect(await movementsOf(stack, id)).toEqual(['hold', charged ? 'capture' : 'release']);
    await expectBalance(account, charged ? 1 : 0);
    expect((await account.client.videos.retrieve(id)).error?.code ?? null).toBe(code ?? null);
  });
});

describe.concurrent('a cancel that was accepted while an attempt may have arrived', () => {
  it('is checked before the next attempt: none is made, and the credits are back', async () => {
    const account = await openAccount(stack, GRANTED);
    const prompt = 'not wanted any more [[create:500*1]]';
    const id = await ask(account, prompt);
    await vi.waitFor(async () => expect(await eventsOf(stack, id, 'attempt_ambiguous')).toHaveLength(1), 20_000);
    expect((await account.fetch(`/v1/videos/${id}/cancel`, { method: 'POST' })).status).toBe(200);
    const [standing] = await untilSettled(stack, [id]);
    expect(standing).toMatchObject({ state: 'released', code: 'cancelled', attempts: ['not_found'] });
    expect(await createsOf(stack, prompt)).toBe(1);
    expect(await movementsOf(stack, id)).toEqual(['hold', 'release']);
    await expectBalance(account, 0);
    // An orphan may turn up: it counts until that is known.
    expect((await stack.database.ledger.getBalance(account.id)).activeGenerations).toBe(1);
  });
});

// Not beside the others: while fifty videos have no owner, whoever looks for one of his own can't say that it was never made.
describe('50 attempts whose replies are lost at once, of two tenants with different prompts', () => {
  it('each adopts its own video, completes and is charged: 50 attempts, 50 videos', async () => {
    const tenants = await openTwo(stack);
    const requests = Array.from({ length: 50 }, (_, index) => ({
      tenant: tenants[index % 2] as TestAccount,
      prompt: `lost of tenant ${index % 2}, number ${index} [[create:lost-reply]]`,
    }));
    const ids = await forEachOf(requests, 50, ({ tenant, prompt }) => ask(tenant, prompt));
    for (const standing of await untilSettled(stack, ids)) {
      expect(standing).toMatchObject({ state: 'charged', charged: PRICE, attempts: ['adopted'] });
    }
    await Promise.all(tenants.map((tenant) => expectBalance(tenant, 25)));
    const made = (await providerVideos(stack)).filter(({ prompt }) => prompt.startsWith('lost of tenant'));
    expect(made).toHaveLength(50);
    for (const { prompt } of requests) expect(await createsOf(stack, prompt)).toBe(1);
    await expectOwnVideosOnly(stack);
  });
});

describe.concurrent('lost replies that look the same', () => {
  /** Until the hold's end nothing is adopted, charged or made again; then each gets its credits back. */
  async function expectNoneAdopted(prompt: string, calls: number, videos: number): Promise<void> {
    const tenants = await openTwo(brief);
    const each = Array.from({ length: calls }, (_, index) => tenants[index % 2] as TestAccount);
    const ids = await forEachOf(each, calls, (tenant) => ask(tenant, prompt));
    const held = await standings(brief, ids);
    expect(held.map(({ state, video }) => ({ state, video }))).toEqual(ids.map(() => ({ state: 'held', video: null })));
    for (const standing of await untilSettled(brief, ids)) {
      expect(standing).toMatchObject({ state: 'released', code: 'generation_timeout', video: null, attempts: [null] });
    }
    expect(await createsOf(brief, prompt)).toBe(calls);
    expect((await providerVideos(brief)).filter((video) => video.prompt === prompt)).toHaveLength(videos);
    await Promise.all(tenants.map((tenant) => expectBalance(tenant, 0)));
    await expectOwnVideosOnly(brief);
  }

  // MR-33, MR-89
  it('across two tenants: none is adopted, none is submitted again; held until the hold’s end, then released', async () => {
    await expectNoneAdopted('the very same words [[create:lost-reply*6]]', 6, 6);
  });

  it('with one video for two open attempts: neither adopts it, because it may be the other’s', async () => {
    await expectNoneAdopted('one of us was heard [[create:lost-reply*1]][[create:reset*1]]', 2, 1);
  });

  it('of one account are interchangeable: each adopts one video and is charged for it, two attempts in all', async () => {
    const account = await openAccount(stack, GRANTED);
    const prompt = 'twins\nof two lines [[create:lost-reply*2]]';
    const ids = await forEachOf([prompt, prompt], 2, (each) => ask(account, each));
    for (const standing of await untilSettled(stack, ids)) {
      expect(standing).toMatchObject({ state: 'charged', charged: PRICE, attempts: ['adopted'] });
    }
    expect(await createsOf(stack, prompt)).toBe(2);
    await expectBalance(account, 2);
    await expectOwnVideosOnly(stack);
  });
});

describe.concurrent('a lost reply to an attempt with an input_reference', () => {
  // MR-35
  it('is never adopted and never submitted again: the hold waits for its end', async () => {
    const account = await openAccount(brief, GRANTED);
    const prompt = 'from an image [[create:lost-reply]]';
    const image = new File([PNG], 'a.png', { type: 'image/png' });
    const { id } = await account.client.videos.create({ prompt, input_reference: image });
    const [standing] = await untilSettled(brief, [id]);
    expect(standing).toMatchObject({ code: 'generation_timeout', video: null, attempts: [null] });
    expect(await createsOf(brief, prompt)).toBe(1);
    await expectBalance(account, 0);
    // Its video may go on: it counts against the cap of its account.
    expect((await brief.database.ledger.getBalance(account.id)).activeGenerations).toBe(1);
  });
});

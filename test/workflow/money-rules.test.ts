import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SubmitOutcome } from '../../contracts/activities.ts';
import { CANCEL_REQUESTED } from '../../contracts/temporal.ts';
import type { FakeWorld, FakeWorldOptions } from '../harness/support/fakes.ts';
import { COMPLETED, fakeWorld, held, HOUR_MS, OPEN, settledAs } from '../harness/support/fakes.ts';
import type { GenerationHandle, Stage } from '../harness/support/temporal.ts';
import { durationMs, historyLength, openStage } from '../harness/support/temporal.ts';

let stage: Stage;
let env: Stage['env'];
beforeAll(async () => {
  stage = await openStage();
  ({ env } = stage);
});
afterAll(async () => {
  await stage.close();
});

type Options = Omit<FakeWorldOptions, 'now'>;
async function run(
  options: Options,
  meanwhile: (handle: GenerationHandle, world: FakeWorld) => Promise<void> = async () => undefined,
) {
  const world = fakeWorld({ ...options, now: () => env.currentTimeMs() });
  return stage.play(world, async (handle) => {
    await meanwhile(handle, world);
    const result = await handle.result();
    return { world, result, events: await historyLength(handle), tookMs: await durationMs(handle) };
  });
}

const count = (world: FakeWorld, call: string) => world.calls.filter((made) => made === call).length;
const settlements = (world: FakeWorld) => world.calls.filter((call) => /^(capture|release|emergency)/.test(call));
const CREATED: SubmitOutcome = { outcome: 'created', providerVideoId: 'pv_1', toldBy: 'nobody' };
const AMBIGUOUS: SubmitOutcome = { outcome: 'ambiguous', why: 'connection reset' };
const NOT_MADE: SubmitOutcome = { outcome: 'not_made', why: 'HTTP 401', retryAfterMs: null };

describe('an attempt that may or may not have arrived', () => {
  // MR-16
  it('is searched for; the video found is adopted, and nothing is submitted twice', async () => {
    const { world, result } = await run({
      create: () => AMBIGUOUS,
      find: (look) =>
        look < 3 ? { outcome: 'nothing_yet' } : { outcome: 'adopted', providerVideoId: 'pv_1', toldBy: 'nobody' },
      look: () => COMPLETED,
    });
    expect(world.calls).toEqual(['hold', 'create', 'find', 'find', 'find', 'look', 'capture', 'archive']);
    expect(result.outcome).toBe('captured');
  });

  // MR-31
  it('is followed by another attempt only when its video was searched for and not found', async () => {
    const { world, result } = await run({
      create: (attempt) => (attempt === 1 ? AMBIGUOUS : CREATED),
      find: () => ({ outcome: 'not_found' }),
      look: () => COMPLETED,
    });
    expect(world.calls).toEqual(['hold', 'create', 'find', 'create', 'look', 'capture', 'archive']);
    expect(result.outcome).toBe('captured');
  });

  // MR-17
  it('ends in create_failed when all attempts are spent and nothing was found', async () => {
    const { world, result } = await run({
      create: (attempt) => (attempt <= 3 ? AMBIGUOUS : { outcome: 'spent' }),
      find: () => ({ outcome: 'not_found' }),
    });
    expect(result).toMatchObject({ outcome: 'released', errorCode: 'create_failed' });
    expect(settlements(world)).toEqual(['release create_failed']);
  });

  // MR-35
  it('at a provider that cannot list: nothing is adopted, nothing is submitted twice, the hold waits for its end', async () => {
    const { world, result, tookMs } = await run({
      create: () => AMBIGUOUS,
      find: () => ({ outcome: 'unknowable', why: 'no list' }),
    });
    expect(count(world, 'create')).toBe(1);
    expect(settlements(world)).toEqual(['release expired']);
    expect(result.errorCode).toBe('generation_timeout');
    expect(tookMs).toBeGreaterThanOrEqual(HOUR_MS);
  });

  it('whose late answer is recorded by the hold’s end is looked at before the credits are returned', async () => {
    let placements = 0;
    const world = fakeWorld({
      now: () => env.currentTimeMs(),
      create: () => AMBIGUOUS,
      find: () => ({ outcome: 'unknowable', why: 'no list' }),
      look: () => COMPLETED,
    });
    const ledger = {
      ...world.ledger,
      placeHold: async () => held({ providerVideoId: placements++ === 0 ? null : 'pv_late' }),
    };
    const result = await stage.play({ ...world, ledger }, (handle) => handle.result());
    expect(result.outcome).toBe('captured');
    expect(settlements(world)).toEqual(['capture']);
  });

  // MR-39
  it('answered with another generation’s video: nothing more is submitted, the hold waits for its end', async () => {
    const { world, result, tookMs } = await run({ create: () => ({ outcome: 'conflict' }) });
    expect(count(world, 'create')).toBe(1);
    expect(count(world, 'find')).toBe(0);
    expect(settlements(world)).toEqual(['release expired']);
    expect(result.errorCode).toBe('generation_timeout');
    expect(tookMs).toBeGreaterThanOrEqual(HOUR_MS);
  });

  it('with several possible videos: the search goes on until the hold’s end, in a bounded history', async () => {
    const { world, events } = await run({
      create: () => AMBIGUOUS,
      find: () => ({ outcome: 'unclear', why: '2 look the same' }),
    });
    expect(count(world, 'create')).toBe(1);
    expect(settlements(world)).toEqual(['release expired']);
    expect(events).toBeLessThan(1700);
  });
});

// MR-13
describe('an attempt that is refused through the operator’s fault', () => {
  it('is tried again until the fault is mended', async () => {
    const { world, result } = await run({
      create: async () => ((await env.currentTimeMs()) - startedAt < 20 * 60_000 ? NOT_MADE : CREATED),
      look: () => COMPLETED,
      placement: held(),
    });
    expect(result.outcome).toBe('captured');
    expect(count(world, 'create')).toBeGreaterThan(5);
  });
  let startedAt = 0;
  beforeAll(async () => {
    startedAt = await env.currentTimeMs();
  });

  // MR-18
  it.each([
    { expectedMs: 60_000, why: '10 minutes', atLeast: 8, atMost: 10 },
    { expectedMs: 10 * 60_000, why: '2 × the expectation', atLeast: 18, atMost: 20 },
    { expectedMs: 50 * 60_000, why: 'at most half of the hold', atLeast: 28, atMost: 30 },
  ])('ends in provider_unavailable with too little time left: $why', async ({ expectedMs, atLeast, atMost }) => {
    const { result, tookMs } = await run({
      placement: held({ expectedDurationMs: expectedMs }),
      create: () => NOT_MADE,
    });
    expect(result.errorCode).toBe('provider_unavailable');
    const left = Math.round((HOUR_MS - tookMs) / 60_000);
    expect(left).toBeGreaterThanOrEqual(atLeast);
    expect(left).toBeLessThanOrEqual(atMost);
  });
});

describe('a cancel', () => {
  // MR-23
  it('before anything was made releases as cancelled, without waiting for the next try', async () => {
    const { world, result, tookMs } = await run(
      { create: (attempt) => (attempt === 1 ? { ...NOT_MADE, retryAfterMs: 600_000 } : { outcome: 'cancelled' }) },
      async (handle) => {
        await env.sleep(20_000);
        await handle.signal(CANCEL_REQUESTED);
      },
    );
    expect(result).toMatchObject({ outcome: 'released', errorCode: 'cancelled' });
    expect(settlements(world)).toEqual(['release cancelled']);
    expect(tookMs).toBeLessThan(60_000);
  });

  it('on record before the workflow runs: nothing is submitted', async () => {
    const { world } = await run({ create: () => ({ outcome: 'cancelled' }) });
    expect(world.calls).toEqual(['hold', 'create', 'release cancelled']);
  });

  it('during the search for an earlier attempt: no other follows, and the hold is released as cancelled', async () => {
    const { world, result } = await run({
      create: (attempt) => (attempt === 1 ? AMBIGUOUS : { outcome: 'cancelled' }),
      find: (look) => ({ outcome: look < 3 ? 'nothing_yet' : 'not_found' }),
    });
    expect(result).toMatchObject({ outcome: 'released', errorCode: 'cancelled' });
    expect(world.calls).toEqual(['hold', 'create', 'find', 'find', 'find', 'create', 'release cancelled']);
  });

  // MR-24
  it('after the submission changes nothing: the terminal verdict settles', async () => {
    const { world, result } = await run({ look: (ms) => (ms > 60_000 ? COMPLETED : OPEN) }, async (handle) => {
      await env.sleep(30_000);
      await handle.signal(CANCEL_REQUESTED);
    });
    expect(result.outcome).toBe('captured');
    expect(settlements(world)).toEqual(['capture']);
  });

  // MR-25
  it('in Temporal, before the submission: recorded and released, and the workflow ends by itself', async () => {
    const { world, result } = await run(
      { create: (attempt) => (attempt === 1 ? NOT_MADE : { outcome: 'cancelled' }) },
      async (handle) => {
        await env.sleep(3000);
        await handle.cancel();
      },
    );
    expect(world.calls.indexOf('record cancel')).toBeGreaterThan(0);
    expect(result).toMatchObject({ outcome: 'released', errorCode: 'cancelled' });
  });

  // MR-25
  it('in Temporal, after the submission: recorded once, and the terminal verdict settles', async () => {
    const { world, result } = await run({ look: (ms) => (ms > 60_000 ? COMPLETED : OPEN) }, async (handle) => {
      await env.sleep(30_000);
      await handle.cancel();
      await handle.cancel();
    });
    expect(count(world, 'record cancel')).toBe(1);
    expect(result.outcome).toBe('captured');
  });
});

// MR-21
describe('a settlement that a rule or a constraint refuses', () => {
  it('for ten minutes becomes an emergency release', async () => {
    const { world, result, tookMs } = await run({
      look: () => COMPLETED,
      settle: (reason) => (reason === 'emergency' ? settledAs(reason) : 'refused'),
    });
    expect(result).toMatchObject({ outcome: 'released', errorCode: 'settlement_failed' });
    expect(settlements(world).at(-1)).toBe('emergency');
    expect(count(world, 'emergency')).toBe(1);
    expect(tookMs).toBeGreaterThanOrEqual(10 * 60_000);
  });

  it('for nine minutes and then accepts captures as usual', async () => {
    const { world, result, tookMs } = await run({
      look: () => COMPLETED,
      settle: (reason, attempt) => (attempt <= 17 ? 'refused' : settledAs(reason)),
    });
    expect(tookMs).toBeGreaterThan(8 * 60_000);
    expect(result.outcome).toBe('captured');
    expect(count(world, 'emergency')).toBe(0);
  });

  it('along with the emergency release leaves the workflow open, with an alert', async () => {
    const world = fakeWorld({ now: () => env.currentTimeMs(), look: () => COMPLETED, settle: () => 'refused' });
    await stage.play(world, async (handle) => {
      await env.sleep(24 * HOUR_MS);
      const description = await handle.describe();
      expect(description.status.name).toBe('RUNNING');
      expect(count(world, 'emergency')).toBeGreaterThan(3);
      expect(description.historyLength).toBeLessThan(1700);
      await handle.terminate('the test is over');
    });
  });
});

// MR-82
describe('outages', () => {
  const after = (ms: number) => (sinceCreateMs: number) => (sinceCreateMs >= ms ? COMPLETED : OPEN);

  it('of 70 minutes: released at the hold’s end although the provider completed the video; no later look moves a credit', async () => {
    const gone = (ms: number) => ms > 15_000 && ms < 70 * 60_000;
    const { world, result, tookMs } = await run({ look: (ms) => (gone(ms) ? 'away' : after(60_000)(ms)) });
    expect(result.errorCode).toBe('generation_timeout');
    expect(settlements(world)).toEqual(['release expired']);
    expect(tookMs).toBeGreaterThanOrEqual(HOUR_MS);
    expect(tookMs).toBeLessThan(70 * 60_000);
  });

  it('of our own database across the hold’s end: the last look is made when it is back', async () => {
    const startedMs = await env.currentTimeMs();
    const isAway = async () => {
      const sinceMs = (await env.currentTimeMs()) - startedMs;
      return sinceMs > 57 * 60_000 && sinceMs < 64 * 60_000;
    };
    const world = fakeWorld({ now: () => env.currentTimeMs(), look: after(58 * 60_000) });
    const failing = <Input, Result>(activity: (input: Input) => Promise<Result>) => {
      return async (input: Input) => {
        if (await isAway()) throw new Error('the database is away');
        return activity(input);
      };
    };
    const ledger = { ...world.ledger, placeHold: failing(world.ledger.placeHold) };
    const provider = { ...world.provider, retrieveVideo: failing(world.provider.retrieveVideo) };
    const result = await stage.play({ ...world, ledger, provider }, (handle) => handle.result());
    expect(result.outcome).toBe('captured');
    expect(settlements(world)).toEqual(['capture']);
  });

  it('flapping every 7 s for 20 minutes: charged once, in a history no longer than without', async () => {
    const end = 20 * 60_000;
    const flapping = await run({ look: (ms) => (Math.floor(ms / 7000) % 2 === 0 ? 'away' : after(end)(ms)) });
    const steady = await run({ look: after(end) });
    expect(flapping.result.outcome).toBe('captured');
    expect(settlements(flapping.world)).toEqual(['capture']);
    expect(flapping.events).toBeLessThanOrEqual(steady.events);
  });
});

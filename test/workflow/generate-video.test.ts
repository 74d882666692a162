import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PROVIDER_EVENT } from '../../contracts/temporal.ts';
import type { FakeWorld, FakeWorldOptions } from '../harness/support/fakes.ts';
import { COMPLETED, fakeWorld, held, HOUR_MS, OPEN, settledAs } from '../harness/support/fakes.ts';
import type { Stage } from '../harness/support/temporal.ts';
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

async function run(options: Omit<FakeWorldOptions, 'now'>) {
  const world = fakeWorld({ ...options, now: () => env.currentTimeMs() });
  return stage.play(world, async (handle) => {
    const result = await handle.result();
    return { world, result, events: await historyLength(handle), tookMs: await durationMs(handle) };
  });
}

const settlements = (world: FakeWorld) =>
  world.calls.filter((call) => call === 'capture' || call.startsWith('release'));
const after = (ms: number) => (sinceCreateMs: number) => (sinceCreateMs >= ms ? COMPLETED : OPEN);

describe('what moves credits', () => {
  // MR-10
  it('captures once when the provider says completed', async () => {
    const { world, result } = await run({ look: after(60_000) });
    expect(result).toMatchObject({ outcome: 'captured', errorCode: null });
    expect(settlements(world)).toEqual(['capture']);
  });

  // MR-11
  it('releases once when the provider says failed', async () => {
    const { world, result } = await run({
      look: () => ({ verdict: 'failed' }),
      settle: () => ({
        result: 'settled',
        settlement: { charged: false, reason: 'provider_failed', errorCode: 'moderation_blocked' },
      }),
    });
    expect(result).toMatchObject({ outcome: 'released', errorCode: 'moderation_blocked' });
    expect(settlements(world)).toEqual(['release provider_failed']);
  });

  // MR-12
  it('releases when the attempt is refused for what the client asked', async () => {
    const { world, result } = await run({ create: () => ({ outcome: 'refused', errorCode: 'bad_prompt' }) });
    expect(result.outcome).toBe('released');
    expect(world.calls).toEqual(['hold', 'create', 'release submission_refused']);
  });

  it('submits nothing when the hold is refused', async () => {
    const { world, result } = await run({
      placement: { outcome: 'refused', code: 'insufficient_credits', accountId: 'acct_00' },
    });
    expect(result).toMatchObject({ outcome: 'refused', errorCode: 'insufficient_credits' });
    expect(world.calls).toEqual(['hold']);
  });

  it('moves nothing when the hold was settled before', async () => {
    const settlement = { charged: true, reason: 'completed', errorCode: null } as const;
    const { world, result } = await run({ placement: { outcome: 'settled', accountId: 'acct_00', settlement } });
    expect(result.outcome).toBe('captured');
    expect(settlements(world)).toEqual([]);
    expect(world.calls).toEqual(['hold', 'archive']);
  });
});

// MR-19
describe('the end of the hold', () => {
  it('releases with generation_timeout when the hold’s time is over, after one last look', async () => {
    const { world, result } = await run({ look: () => OPEN });
    expect(result).toMatchObject({ outcome: 'expired', errorCode: 'generation_timeout' });
    expect(settlements(world)).toEqual(['release expired']);
    expect(world.lookedAtMs.at(-1)).toBeGreaterThanOrEqual(HOUR_MS - 1000);
    expect(world.lookedAtMs.at(-1)).toBeLessThan(HOUR_MS + 60_000);
  });

  it('comes even during an outage without end', async () => {
    const { world, tookMs } = await run({ look: () => 'away' });
    expect(settlements(world)).toEqual(['release expired']);
    expect(tookMs).toBeLessThan(HOUR_MS + 3 * 60_000);
  });

  it('settles by the last look when its verdict is terminal', async () => {
    const { world, result } = await run({ look: after(HOUR_MS - 500) });
    expect(result.outcome).toBe('captured');
    expect(settlements(world)).toEqual(['capture']);
  });

  it('asks the provider once more after an outage that lasted until then', async () => {
    const healed = HOUR_MS + 10_000;
    const { world, result } = await run({ look: (ms) => (ms > 60_000 && ms < healed ? 'away' : after(healed)(ms)) });
    expect(result.outcome).toBe('captured');
    expect(settlements(world)).toEqual(['capture']);
  });

  // MR-50
  it('waits for the database when its clock says that time is left', async () => {
    const { world } = await run({
      look: () => OPEN,
      settle: (reason, attempt) => (attempt === 1 ? { result: 'not_due', timeLeftMs: 5000 } : settledAs(reason)),
    });
    expect(settlements(world)).toEqual(['release expired', 'release expired']);
  });

  it('captures when a recorded completed coincides with it', async () => {
    const { world, result } = await run({
      look: () => 'away',
      settle: (reason) =>
        reason === 'expired' ? { result: 'terminal', look: { verdict: 'completed' } } : settledAs(reason),
    });
    expect(result.outcome).toBe('captured');
    expect(settlements(world)).toEqual(['release expired', 'capture']);
  });
});

// MR-3
describe('trouble in between moves nothing', () => {
  it('a provider that is away for 50 minutes and recovers: the completed video is charged', async () => {
    const healed = 50 * 60_000;
    const { world, result } = await run({ look: (ms) => (ms > 15_000 && ms < healed ? 'away' : after(healed)(ms)) });
    expect(result.outcome).toBe('captured');
    expect(settlements(world)).toEqual(['capture']);
  });

  it('an outage while polling adds no event to the history', async () => {
    const steady = await run({ look: after(100_000) });
    const shaken = await run({ look: (ms) => (ms > 69_000 && ms < 99_000 ? 'away' : after(100_000)(ms)) });
    expect(shaken.result.outcome).toBe('captured');
    expect(shaken.events).toBeLessThanOrEqual(steady.events);
  });

  // MR-15
  it("honours the provider's Retry-After", async () => {
    const { world, result } = await run({ look: (ms) => (ms < 40_000 ? { retryAfterMs: 40_000 } : COMPLETED) });
    expect(result.outcome).toBe('captured');
    expect(world.lookedAtMs[0]).toBeGreaterThanOrEqual(50_000);
  });

  it('a database that is away for twenty minutes at the settlement: settled once when it is back', async () => {
    const { world, result, tookMs } = await run({
      look: () => COMPLETED,
      settle: (reason, attempt) => (attempt <= 60 ? 'away' : settledAs(reason)),
    });
    expect(result.outcome).toBe('captured');
    expect(tookMs).toBeGreaterThan(18 * 60_000);
    expect(world.calls.filter((call) => call === 'capture')).toHaveLength(61);
  });
});

describe('submitting', () => {
  it('tries again while it is proven that nothing was made', async () => {
    const { world, result } = await run({
      create: (attempt) =>
        attempt < 4
          ? { outcome: 'not_made', why: 'HTTP 429', retryAfterMs: attempt === 1 ? 30_000 : null }
          : { outcome: 'created', providerVideoId: 'pv_1', toldBy: 'nobody' },
      look: () => COMPLETED,
    });
    expect(result.outcome).toBe('captured');
    expect(world.calls.filter((call) => call === 'create')).toHaveLength(4);
  });

  it('releases with provider_unavailable when too little time is left to submit', async () => {
    const { world, result, tookMs } = await run({
      create: () => ({ outcome: 'not_made', why: 'connection refused', retryAfterMs: null }),
    });
    expect(result).toMatchObject({ outcome: 'released', errorCode: 'provider_unavailable' });
    expect(settlements(world)).toEqual(['release provider_unavailable']);
    expect(tookMs).toBeLessThan(HOUR_MS - 9 * 60_000);
  });

  it('submits nothing when an earlier run made a video or may have made one', async () => {
    const known = await run({ placement: held({ providerVideoId: 'pv_0' }), look: () => COMPLETED });
    expect(known.world.calls).toEqual(['hold', 'look', 'capture', 'archive']);
    const unknown = await run({
      placement: held({ attemptMayHaveArrived: true }),
      find: () => ({ outcome: 'unknowable', why: 'no list' }),
    });
    expect(unknown.world.calls).not.toContain('create');
    expect(settlements(unknown.world)).toEqual(['release expired']);
  });
});

describe('the length of a history', () => {
  const FIVE_MINUTES = 300_000;
  const expecting = (expectedDurationMs: number) => ({ placement: held({ expectedDurationMs }) });

  it('of a 5-minute video is at most 30 events where 5 minutes were expected', async () => {
    const { events } = await run({ ...expecting(FIVE_MINUTES), look: after(FIVE_MINUTES) });
    expect(events).toBeLessThanOrEqual(30);
  });

  it('of a 5-minute video is at most 30 events where 100 s were expected', async () => {
    const { events } = await run({ ...expecting(100_000), look: after(FIVE_MINUTES) });
    expect(events).toBeLessThanOrEqual(30);
  });

  it.each([4000, 20_000, 100_000])(
    'of an hour of polling, where %i ms were expected, is at most 50 events',
    async (expectedMs) => {
      const { events } = await run({ ...expecting(expectedMs), look: () => OPEN });
      expect(events).toBeLessThanOrEqual(50);
    },
  );

  it('of a 5-minute video with a provider event is at most 38 events, and the event ends the wait', async () => {
    const world = fakeWorld({
      ...expecting(FIVE_MINUTES),
      now: () => env.currentTimeMs(),
      create: () => ({ outcome: 'created', providerVideoId: 'pv_1', toldBy: 'webhooks' }),
      look: after(FIVE_MINUTES),
    });
    await stage.play(world, async (handle) => {
      await env.sleep(FIVE_MINUTES + 500);
      await handle.signal(PROVIDER_EVENT);
      expect((await handle.result()).outcome).toBe('captured');
      expect(await historyLength(handle)).toBeLessThanOrEqual(38);
      expect(world.lookedAtMs.at(-1)).toBeLessThan(FIVE_MINUTES + 5000);
    });
  });
});

describe('provider events', () => {
  // MR-4
  it('only say "look now": one that comes too early is followed by looks after 2 s and 5 s', async () => {
    const world = fakeWorld({
      placement: held({ expectedDurationMs: 1_000_000 }),
      now: () => env.currentTimeMs(),
      look: after(104_000),
    });
    await stage.play(world, async (handle) => {
      await env.sleep(100_000);
      await handle.signal(PROVIDER_EVENT);
      expect((await handle.result()).outcome).toBe('captured');
    });
    const nudged = world.lookedAtMs.filter((at) => at > 50_000).map((at) => Math.round(at / 1000) - 100);
    expect(nudged).toEqual([0, 2, 5]);
  });

  it('in a flood cause at most one look in 2 s', async () => {
    const world = fakeWorld({
      placement: held({ expectedDurationMs: 1_000_000 }),
      now: () => env.currentTimeMs(),
      look: after(120_000),
    });
    await stage.play(world, async (handle) => {
      await env.sleep(100_000);
      for (let second = 0; second < 10; second += 1) {
        for (let n = 0; n < 10; n += 1) await handle.signal(PROVIDER_EVENT);
        await env.sleep(1000);
      }
      await handle.result();
    });
    const gaps = world.lookedAtMs.slice(1).map((at, index) => at - (world.lookedAtMs[index] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(1900);
  });

  // MR-92
  it('cause a look that may hang: the verdict that the poll sees meanwhile settles', async () => {
    const hanging = new AbortController();
    let looks = 0;
    const world = fakeWorld({
      placement: held({ expectedDurationMs: 2000 }),
      now: () => env.currentTimeMs(),
      look: async () => {
        looks += 1;
        if (looks === 1) await once(hanging.signal, 'abort');
        return COMPLETED;
      },
    });
    await stage.play(world, async (handle) => {
      await handle.signal(PROVIDER_EVENT);
      try {
        expect((await handle.result()).outcome).toBe('captured');
        expect(settlements(world)).toEqual(['capture']);
        expect(looks).toBe(2);
      } finally {
        hanging.abort();
      }
    });
  });
});

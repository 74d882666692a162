import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FakeWorld, FakeWorldOptions } from '../harness/support/fakes.ts';
import { COMPLETED, fakeWorld, held, HOUR_MS, OPEN } from '../harness/support/fakes.ts';
import type { GenerationHandle, Stage } from '../harness/support/temporal.ts';
import { durationMs, openStage } from '../harness/support/temporal.ts';

/** A fault of our own (the database, a right, a queue) says nothing about a video: it is waited for without end (MR-5). */

let stage: Stage;
let env: Stage['env'];
beforeAll(async () => {
  stage = await openStage();
  ({ env } = stage);
});
afterAll(async () => {
  await stage.close();
});

const MINUTE_MS = 60_000;

interface Faulty {
  /** From then on, and until then, in milliseconds since the start. */
  readonly fromMs: number;
  readonly untilMs: number;
}

/** Whether the fault lasts, asked at each call. */
async function fault({ fromMs, untilMs }: Faulty): Promise<() => Promise<boolean>> {
  const startedMs = await env.currentTimeMs();
  return async () => {
    const sinceMs = (await env.currentTimeMs()) - startedMs;
    return sinceMs >= fromMs && sinceMs < untilMs;
  };
}

async function run(
  options: Omit<FakeWorldOptions, 'now'>,
  meanwhile: (handle: GenerationHandle, world: FakeWorld) => Promise<void> = async () => undefined,
) {
  const world = fakeWorld({ ...options, now: () => env.currentTimeMs() });
  return stage.play(world, async (handle) => {
    await meanwhile(handle, world);
    const result = await handle.result();
    return { world, result, tookMs: await durationMs(handle) };
  });
}

const settlements = (world: FakeWorld) => world.calls.filter((call) => /^(capture|release|emergency)/.test(call));
const LONG: Faulty = { fromMs: 30 * MINUTE_MS, untilMs: 4 * HOUR_MS };

describe('a fault of our own across the end of the hold', () => {
  it('that prevents the last look for hours: the look that follows charges the video', async () => {
    const lasts = await fault(LONG);
    const { world, result, tookMs } = await run({
      look: async (ms) => ((await lasts()) ? 'ours' : ms > 40 * MINUTE_MS ? COMPLETED : OPEN),
    });
    expect(result.outcome).toBe('captured');
    expect(settlements(world)).toEqual(['capture']);
    expect(tookMs).toBeGreaterThan(4 * HOUR_MS);
  });

  it('alerts from the hold’s end on, keeps the credits reserved, and settles nothing however long it lasts', async () => {
    const world = fakeWorld({ now: () => env.currentTimeMs(), look: () => 'ours' });
    await stage.play(world, async (handle) => {
      await env.sleep(HOUR_MS + 5 * MINUTE_MS);
      expect(world.calls).toContain('alert');
      await env.sleep(8 * HOUR_MS);
      const description = await handle.describe();
      expect(description.status.name).toBe('RUNNING');
      // Days of it stay far below the 51,200 events that a server allows.
      expect(description.historyLength).toBeLessThan(400);
      expect(settlements(world)).toEqual([]);
      await handle.terminate('the test is over');
    });
  });

  it('ends without another settlement when the hold was settled elsewhere meanwhile', async () => {
    const settlement = { charged: false, reason: 'expired', errorCode: 'generation_timeout' } as const;
    const byHand = await fault({ fromMs: 2 * HOUR_MS, untilMs: Infinity });
    const world = fakeWorld({ now: () => env.currentTimeMs(), look: () => 'ours' });
    const placeHold: FakeWorld['ledger']['placeHold'] = async (input) =>
      (await byHand())
        ? ({ outcome: 'settled', accountId: 'acct_00', settlement, webhooks: [] } as const)
        : world.ledger.placeHold(input);
    const result = await stage.play({ ...world, ledger: { ...world.ledger, placeHold } }, (handle) => handle.result());
    expect(result.outcome).toBe('expired');
    expect(settlements(world)).toEqual([]);
  });

  it('that follows trouble at the provider releases nothing: the last failure decides', async () => {
    const lasts = await fault({ fromMs: 50 * MINUTE_MS, untilMs: 3 * HOUR_MS });
    const { world, result } = await run({ look: async () => ((await lasts()) ? 'ours' : 'away') });
    expect(result.errorCode).toBe('generation_timeout');
    expect(world.calls).toContain('alert');
    expect(settlements(world)).toEqual(['release expired']);
  });

  it('during the search for an attempt that may have arrived: the video found later is looked at and charged', async () => {
    const lasts = await fault(LONG);
    const before = await fault({ fromMs: 0, untilMs: LONG.untilMs });
    const { world, result } = await run({
      placement: held({ attemptMayHaveArrived: true }),
      find: async () => {
        if (await lasts()) return 'ours';
        if (await before()) return { outcome: 'nothing_yet' };
        return { outcome: 'adopted', providerVideoId: 'pv_1', toldBy: 'nobody' };
      },
      look: () => COMPLETED,
    });
    expect(result.outcome).toBe('captured');
    expect(settlements(world)).toEqual(['capture']);
  });

  it('during the copy of a claimed video: charged once it is in our storage', async () => {
    const lasts = await fault(LONG);
    const before = await fault({ fromMs: 0, untilMs: LONG.untilMs });
    const { world, result } = await run({
      placement: held({ isClaim: true, providerVideoId: 'pv_1' }),
      look: () => COMPLETED,
      archive: async () => ((await lasts()) ? 'ours' : (await before()) ? 'away' : 'archived'),
    });
    expect(result.outcome).toBe('captured');
    expect(settlements(world)).toEqual(['capture']);
  });
});

describe('the end of the hold, with a provider that was asked', () => {
  it('and gave no answer: the hold is released, without an alert', async () => {
    const { world, result } = await run({ look: () => 'away' });
    expect(result.errorCode).toBe('generation_timeout');
    expect(settlements(world)).toEqual(['release expired']);
    expect(world.calls).not.toContain('alert');
  });

  it('and no longer has a claimed video: the hold is released', async () => {
    const { world, result } = await run({
      placement: held({ isClaim: true, providerVideoId: 'pv_1' }),
      look: () => COMPLETED,
      archive: () => 'away',
    });
    expect(result.errorCode).toBe('generation_timeout');
    expect(settlements(world)).toEqual(['release expired']);
    expect(world.calls).not.toContain('alert');
  });
});

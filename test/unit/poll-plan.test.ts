import { MockActivityEnvironment } from '@temporalio/testing';
import { describe, expect, it } from 'vitest';
import { watchVideo } from '../../activities/watchVideo.ts';
import type { ToldBy } from '../../contracts/pollPlan.ts';
import { nextLookDelayMs, typicalDurationMs } from '../../contracts/pollPlan.ts';

const INPUT = (toldBy: ToldBy) => ({
  ...{ generationId: 'video_1', providerVideoId: 'v', createdAgoMs: 0 },
  plan: { expectedMs: 90_000, toldBy },
});

function looksWithin(plan: Parameters<typeof nextLookDelayMs>[0], totalMs: number): number[] {
  const looks: number[] = [];
  for (let at = nextLookDelayMs(plan, 0); at <= totalMs; at += nextLookDelayMs(plan, at)) looks.push(at);
  return looks.map((at) => at / 1000);
}

describe('the poll plan', () => {
  it('looks at 10 s, at 60 % of the expectation, then every tenth of it', () => {
    expect(looksWithin({ expectedMs: 300_000, toldBy: 'nobody' }, 300_000)).toEqual([10, 180, 210, 240, 270, 300]);
  });

  it('stretches to 30 s once the expectation is passed, and never further', () => {
    const looks = looksWithin({ expectedMs: 100_000, toldBy: 'nobody' }, 300_000);
    expect(looks).toEqual([10, 60, 70, 80, 90, 100, 110, 130, 160, 190, 220, 250, 280]);
  });

  it('never looks twice within 2 s, however short the expectation is', () => {
    const looks = looksWithin({ expectedMs: 3000, toldBy: 'nobody' }, 3_600_000);
    const gaps = looks.slice(1).map((at, index) => Math.round((at - (looks[index] ?? 0)) * 1000));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(2000);
    expect(Math.max(...gaps)).toBe(30_000);
  });

  it('does not wait for the look at 10 s when the video should be there before', () => {
    expect(looksWithin({ expectedMs: 6000, toldBy: 'nobody' }, 6000)).toEqual([3.6, 5.6]);
  });

  it('with provider events expected looks only when the event is overdue', () => {
    expect(looksWithin({ expectedMs: 300_000, toldBy: 'webhooks' }, 359_000)).toEqual([]);
    expect(looksWithin({ expectedMs: 300_000, toldBy: 'webhooks' }, 420_000)).toEqual([360, 390, 420]);
  });

  it('beside the sweep looks once in ten minutes', () => {
    expect(looksWithin({ expectedMs: 90_000, toldBy: 'sweep' }, 1_900_000)).toEqual([600, 1200, 1800]);
    expect(looksWithin({ expectedMs: 1_000_000, toldBy: 'sweep' }, 1_900_000)).toEqual([1200, 1800]);
  });

  it.each([
    ['sweep', 'has begun', 'nobody', 590_000],
    ['nobody', 'has stopped', 'sweep', 30_000],
  ] as const)(
    'the next look is by who tells now: %s, where the sweep %s since the submission',
    async (now, _, then, ms) => {
      const looking = new MockActivityEnvironment({ attempt: 2, scheduleToCloseTimeoutMs: 3_600_000 }).run(
        watchVideo,
        INPUT(then),
        async () => ({
          look: { verdict: 'open' as const, cancelWanted: false },
          whoTells: async () => now,
        }),
      );
      await expect(looking).rejects.toMatchObject({ nextRetryDelay: ms });
    },
  );

  it('expects longer videos and slower models to take longer', () => {
    expect(typicalDurationMs('sora-2', 8)).toBeGreaterThan(typicalDurationMs('sora-2', 4));
    expect(typicalDurationMs('sora-2-pro', 4)).toBeGreaterThan(typicalDurationMs('sora-2', 4));
    expect(typicalDurationMs('a model of tomorrow', 4)).toBeGreaterThan(0);
  });
});

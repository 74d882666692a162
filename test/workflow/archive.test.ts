import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SEARCH_ATTRIBUTE } from '../../contracts/temporal.ts';
import type { FakeWorldOptions } from '../harness/support/fakes.ts';
import { COMPLETED, fakeWorld, held, HOUR_MS } from '../harness/support/fakes.ts';
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

async function run(
  options: Omit<FakeWorldOptions, 'now'>,
  meanwhile: (handle: GenerationHandle) => Promise<void> = async () => undefined,
) {
  const world = fakeWorld({
    placement: held({ providerVideoId: 'pv_1' }),
    look: () => COMPLETED,
    ...options,
    now: () => env.currentTimeMs(),
  });
  return stage.play(world, async (handle) => {
    await meanwhile(handle);
    const result = await handle.result();
    return { world, result, events: await historyLength(handle), tookMs: await durationMs(handle) };
  });
}

async function outcomeShown(handle: GenerationHandle): Promise<unknown> {
  const { typedSearchAttributes } = await handle.describe();
  return typedSearchAttributes.get(SEARCH_ATTRIBUTE.outcome);
}

describe('the content of a charged video', () => {
  it('is archived after the capture, and only then', async () => {
    const { world, result } = await run({});
    expect(world.calls).toEqual(['hold', 'look', 'capture', 'archive']);
    expect(result).toMatchObject({ outcome: 'captured', errorCode: null });
  });

  // MR-57
  it('that is unavailable for hours holds up no settlement and adds no event to the history', async () => {
    const steady = await run({});
    let shown: unknown;
    const shaken = await run({ archive: (attempt) => (attempt < 100 ? 'away' : 'archived') }, async (handle) => {
      await env.sleep(HOUR_MS);
      shown = await outcomeShown(handle);
    });
    expect(shown).toBe('captured');
    expect(shaken.tookMs).toBeGreaterThan(2 * HOUR_MS);
    expect(shaken.world.calls).toEqual(['hold', 'look', 'capture', 'archive']);
    expect(shaken.events).toBeLessThanOrEqual(steady.events);
  });

  // MR-59
  it('that never becomes available leaves the charge, and is on record as gone after a day', async () => {
    const { world, result, tookMs, events } = await run({ archive: () => 'away' });
    expect(world.calls).toEqual(['hold', 'look', 'capture', 'record gone']);
    expect(result).toMatchObject({ outcome: 'captured', errorCode: null });
    expect(tookMs).toBeGreaterThanOrEqual(24 * HOUR_MS - 120_000);
    expect(tookMs).toBeLessThan(24 * HOUR_MS + 10 * 60_000);
    expect(events).toBeLessThanOrEqual(50);
  });

  it('is copied after more than a day when a fault of ours kept it from being tried', async () => {
    let isBack = false;
    const { world } = await run({ archive: () => (isBack ? 'archived' : 'ours') }, async () => {
      await env.sleep(24 * HOUR_MS + 60_000);
      isBack = true;
    });
    expect(world.calls).toEqual(['hold', 'look', 'capture', 'archive']);
  });

  it('is no longer tried once its link is dead', async () => {
    const { world, result, tookMs } = await run({ archive: (attempt) => (attempt < 3 ? 'away' : 'gone') });
    expect(world.calls).toEqual(['hold', 'look', 'capture', 'archive']);
    expect(result.outcome).toBe('captured');
    expect(tookMs).toBeLessThan(HOUR_MS);
  });

  it('is archived by a later run if the run that charged it ended before', async () => {
    const settlement = { charged: true, reason: 'completed', errorCode: null } as const;
    const { world, result } = await run({ placement: { outcome: 'settled', accountId: 'acct_00', settlement } });
    expect(world.calls).toEqual(['hold', 'archive']);
    expect(result.outcome).toBe('captured');
  });

  it('is archived even if an operator cancels the workflow meanwhile', async () => {
    const { world, result } = await run(
      { archive: (attempt) => (attempt < 8 ? 'away' : 'archived') },
      async (handle) => {
        await env.sleep(60_000);
        await handle.cancel();
      },
    );
    expect(world.calls).toEqual(['hold', 'look', 'capture', 'record cancel', 'archive']);
    expect(result.outcome).toBe('captured');
  });
});

describe('nothing is archived', () => {
  it.each([
    ['of a video that failed', { look: () => ({ verdict: 'failed' }) as const }],
    ['of a generation that was released before', releasedBefore()],
    ['of a request that was refused', refused()],
  ])('%s', async (_what, options) => {
    const { world } = await run(options);
    expect(world.calls).not.toContain('archive');
    expect(world.calls).not.toContain('record gone');
  });

  function releasedBefore(): Omit<FakeWorldOptions, 'now'> {
    const settlement = { charged: false, reason: 'expired', errorCode: 'generation_timeout' } as const;
    return { placement: { outcome: 'settled', accountId: 'acct_00', settlement } };
  }

  function refused(): Omit<FakeWorldOptions, 'now'> {
    return { placement: { outcome: 'refused', code: 'insufficient_credits', accountId: 'acct_00' } };
  }
});

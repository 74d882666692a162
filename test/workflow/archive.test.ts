import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FakeWorldOptions } from '../harness/support/fakes.ts';
import { COMPLETED, fakeWorld, held } from '../harness/support/fakes.ts';
import type { GenerationHandle, Stage } from '../harness/support/temporal.ts';
import { historyLength, openStage } from '../harness/support/temporal.ts';

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
    return { world, result, events: await historyLength(handle) };
  });
}

describe('the content of a charged video', () => {
  it('is archived after the capture, and only then', async () => {
    const { world, result } = await run({});
    expect(world.calls).toEqual(['hold', 'look', 'capture', 'archive']);
    expect(result).toMatchObject({ outcome: 'captured', errorCode: null });
  });

  it('is archived by a later run if the run that charged it ended before', async () => {
    const settlement = { charged: true, reason: 'completed', errorCode: null } as const;
    const { world, result } = await run({ placement: { outcome: 'settled', accountId: 'acct_00', settlement } });
    expect(world.calls).toEqual(['hold', 'archive']);
    expect(result.outcome).toBe('captured');
  });

  // MR-57
  it('is copied by an activity of its own: a start that fails is tried again, and adds no event a try', async () => {
    const steady = await run({});
    let tries = 0;
    const shaken = await run({
      startArchive: () => {
        tries += 1;
        if (tries < 10) throw new Error('Temporal is away');
      },
    });
    expect(shaken.world.calls).toEqual(['hold', 'look', 'capture', 'archive']);
    expect(tries).toBe(10);
    // The regular activity, and the workflow task after it.
    expect(shaken.events).toBeLessThanOrEqual(steady.events + 6);
  });

  it('is copied even if an operator cancels the workflow meanwhile', async () => {
    let tries = 0;
    const { world, result } = await run(
      {
        startArchive: () => {
          tries += 1;
          if (tries < 12) throw new Error('Temporal is away');
        },
      },
      async (handle) => {
        await env.sleep(90_000);
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

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Look } from '../../contracts/activities.ts';
import { CANCEL_REQUESTED } from '../../contracts/temporal.ts';
import type { FakeWorld, FakeWorldOptions } from '../harness/support/fakes.ts';
import { COMPLETED, fakeWorld, held, HOUR_MS, OPEN, settledAs } from '../harness/support/fakes.ts';
import type { GenerationHandle, Stage } from '../harness/support/temporal.ts';
import { durationMs, historyLength, openStage } from '../harness/support/temporal.ts';

/** A cancel at a provider that can end unfinished work (MR-9). What a look tells of the cancel, the ledger decides. */

let stage: Stage;
let env: Stage['env'];
beforeAll(async () => {
  stage = await openStage();
  ({ env } = stage);
});
afterAll(async () => {
  await stage.close();
});

const WANTED: Look = { verdict: 'open', cancelWanted: true };
const TO_ARCHIVE: Look = { verdict: 'to_archive' };
const MINUTE_MS = 60_000;
/** No look is due by the poll plan for ten minutes. */
const SLOW = held({ expectedDurationMs: 1_000_000 });

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

/** A video that is being made, until something else is seen; the cancel is wanted until it was sent. */
function cancelled(then: (ms: number) => Look | 'away' | 'ours', answer: { ended: boolean } = { ended: false }) {
  const state = { isWanted: true, isSent: false };
  return {
    state,
    look: (ms: number) => (state.isSent ? then(ms) : state.isWanted ? WANTED : OPEN),
    cancel: () => {
      state.isSent = true;
      return answer;
    },
  };
}

describe('a cancel, at a provider that ends the work', () => {
  // MR-9
  it('by the client is sent at once, after a look, and releases as cancelled', async () => {
    const { state, ...making } = cancelled(() => 'away', { ended: true });
    state.isWanted = false;
    const { world, result, tookMs } = await run({ ...making, placement: SLOW }, async (handle) => {
      await env.sleep(90_000);
      state.isWanted = true;
      await handle.signal(CANCEL_REQUESTED);
    });
    expect(world.calls).toEqual(['hold', 'create', 'look', 'look', 'cancel', 'release cancelled']);
    expect(result).toMatchObject({ outcome: 'released', errorCode: 'cancelled' });
    expect(tookMs).toBeLessThan(110_000);
  });

  // MR-25
  it('by an operator in Temporal is recorded, then sent', async () => {
    const { state, ...making } = cancelled(() => 'away', { ended: true });
    state.isWanted = false;
    const { world, result } = await run({ ...making, placement: SLOW }, async (handle) => {
      await env.sleep(90_000);
      state.isWanted = true;
      await handle.cancel();
    });
    expect(world.calls).toEqual(['hold', 'create', 'look', 'record cancel', 'look', 'cancel', 'release cancelled']);
    expect(result).toMatchObject({ outcome: 'released', errorCode: 'cancelled' });
  });

  it('that no worker can send is asked for at the pace of the poll plan', async () => {
    const { events, result } = await run({
      placement: held({ expectedDurationMs: 60_000 }),
      create: () => ({ outcome: 'created', providerVideoId: 'pv_1', toldBy: 'webhooks' }),
      look: () => WANTED,
      cancel: () => ({ ended: false }),
    });
    expect(result.errorCode).toBe('generation_timeout');
    expect(events).toBeLessThan(2500);
  });

  it('that came while its attempt was open is sent once the video is known', async () => {
    const { state: _, ...making } = cancelled(() => 'away', { ended: true });
    const { world } = await run(
      {
        ...making,
        create: () => ({ outcome: 'ambiguous', why: 'connection reset' }),
        find: (search) =>
          search < 4 ? { outcome: 'nothing_yet' } : { outcome: 'adopted', providerVideoId: 'pv_1', toldBy: 'nobody' },
      },
      async (handle) => {
        await env.sleep(5000);
        await handle.signal(CANCEL_REQUESTED);
      },
    );
    expect(world.calls.slice(-4)).toEqual(['find', 'look', 'cancel', 'release cancelled']);
  });

  it('whose signal was lost, with the run that should have had it, is sent by the next one', async () => {
    const { state: _, ...making } = cancelled(() => 'away', { ended: true });
    const { world } = await run({ ...making, placement: held({ providerVideoId: 'pv_1' }) });
    expect(world.calls).toEqual(['hold', 'look', 'cancel', 'release cancelled']);
  });

  it('of a video that is completed by then is not sent: it is charged', async () => {
    const { world, result } = await run(
      { placement: SLOW, look: (ms) => (ms > 90_000 ? COMPLETED : OPEN) },
      async (handle) => {
        await env.sleep(100_000);
        await handle.signal(CANCEL_REQUESTED);
      },
    );
    expect([count(world, 'cancel'), result.outcome]).toEqual([0, 'captured']);
  });

  // MR-5
  it('that a fault of our own delays is sent when that is mended', async () => {
    let faults = 0;
    const { state, ...making } = cancelled(() => 'away', { ended: true });
    const cancel = () => {
      faults += 1;
      return faults < 5 ? 'ours' : making.cancel();
    };
    const { world } = await run({ ...making, cancel });
    expect(state.isSent).toBe(true);
    expect(settlements(world)).toEqual(['release cancelled']);
  });

  // MR-87
  it('that is signalled a hundred times is sent once, and causes at most one look in 2 s', async () => {
    const { state: _, ...making } = cancelled((ms) => (ms > 200_000 ? COMPLETED : OPEN));
    const { world } = await run({ ...making, placement: SLOW }, async (handle) => {
      await env.sleep(100_000);
      for (let n = 0; n < 100; n += 1) await handle.signal(CANCEL_REQUESTED);
    });
    expect(count(world, 'cancel')).toBe(1);
    const gaps = world.lookedAtMs.slice(1).map((at, index) => at - (world.lookedAtMs[index] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(1900);
  });
});

describe('a cancel whose answer proves nothing', () => {
  it('leaves the hold active until its end; nothing is asked again, and the history stays small', async () => {
    const { state: _, ...making } = cancelled(() => 'away');
    const { world, result, tookMs, events } = await run(making);
    expect([count(world, 'cancel'), settlements(world)]).toEqual([1, ['release expired']]);
    expect(result.errorCode).toBe('generation_timeout');
    expect(tookMs).toBeGreaterThanOrEqual(HOUR_MS);
    expect(events).toBeLessThan(100);
  });

  it('is released as cancelled when the ledger has the proof by the hold’s end', async () => {
    const { state: _, ...making } = cancelled(() => 'away');
    const { world, result } = await run({
      ...making,
      settle: (reason) =>
        reason === 'expired' ? { result: 'terminal', look: { verdict: 'ended' } } : settledAs(reason),
    });
    expect(settlements(world)).toEqual(['release expired', 'release cancelled']);
    expect(result).toMatchObject({ outcome: 'released', errorCode: 'cancelled' });
  });

  it('is released as cancelled when a look learns that another try had the proof', async () => {
    const { state: _, ...making } = cancelled(() => ({ verdict: 'ended' }));
    const { world } = await run(making);
    expect(settlements(world)).toEqual(['release cancelled']);
  });
});

describe('a video that completes after its cancel was sent', () => {
  const completed = () => cancelled((ms) => (ms > 5 * MINUTE_MS ? TO_ARCHIVE : OPEN));

  // MR-9
  it('is archived first, and only then charged', async () => {
    const { state: _, ...making } = completed();
    const { world, result } = await run({ ...making, archive: (copy) => (copy < 4 ? 'away' : 'archived') });
    // After the charge the archive is looked at once more, as for every video.
    expect(world.calls.slice(-4)).toEqual(['look', 'copy', 'capture', 'archive']);
    expect(result.outcome).toBe('captured');
  });

  it('is released when its content is on record as gone', async () => {
    const { state: _, ...making } = completed();
    const { world, result, tookMs } = await run({ ...making, archive: () => 'gone' });
    expect(settlements(world)).toEqual(['release cancelled']);
    expect(result).toMatchObject({ outcome: 'released', errorCode: 'cancelled' });
    expect(tookMs).toBeLessThan(HOUR_MS / 2);
  });

  it('is released at the hold’s end when the provider does not deliver it', async () => {
    const { state: _, ...making } = completed();
    const { world, result, tookMs } = await run({ ...making, archive: () => 'away' });
    expect(settlements(world)).toEqual(['release expired']);
    expect(result.errorCode).toBe('generation_timeout');
    // The last retry of the copy that is left out may have been due two minutes later; then the ledger's clock decides.
    expect(tookMs).toBeGreaterThan(HOUR_MS - 2 * MINUTE_MS);
  });

  // MR-5
  it('is charged when it is archived at last, though a fault of our own lasted past the hold’s end', async () => {
    const { state: _, ...making } = completed();
    const startedMs = await env.currentTimeMs();
    const lasts = async () => (await env.currentTimeMs()) - startedMs < 5 * HOUR_MS;
    const { world, result } = await run({ ...making, archive: async () => ((await lasts()) ? 'ours' : 'archived') });
    expect(settlements(world)).toEqual(['capture']);
    expect(result.outcome).toBe('captured');
    expect(world.calls).toContain('alert');
  });

  it('and is seen only by the last look is archived first too', async () => {
    const { state: _, ...making } = cancelled((ms) => (ms > HOUR_MS - MINUTE_MS ? TO_ARCHIVE : 'away'));
    const { world } = await run({ ...making, look: (ms) => (ms > HOUR_MS ? TO_ARCHIVE : making.look(ms)) });
    expect(world.calls.slice(-4)).toEqual(['look', 'copy', 'capture', 'archive']);
  });
});

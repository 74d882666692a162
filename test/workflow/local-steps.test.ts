import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApplicationFailure } from '@temporalio/common';
import { SETTLEMENT_REFUSED } from '../../contracts/activities.ts';
import type { FakeWorld, FakeWorldOptions } from '../harness/support/fakes.ts';
import { COMPLETED, fakeWorld, held } from '../harness/support/fakes.ts';
import type { Stage } from '../harness/support/temporal.ts';
import { durationMs, historyLength, openStage } from '../harness/support/temporal.ts';

/** The ledger's steps are tried inside the workflow task first (MR-103). */

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(async () => {
  await stage.close();
});

type Step = 'placeHold' | 'captureHold' | 'releaseHold' | 'startArchive';

const MADE: Omit<FakeWorldOptions, 'now'> = { placement: held({ providerVideoId: 'pv_1' }), look: () => COMPLETED };
const FAILED: typeof MADE = { ...MADE, look: () => ({ verdict: 'failed' }) };

/** Plays a generation whose `step` raises `failure` the first `times` times. */
async function run(options: typeof MADE, step: Step, times: number, failure: () => Error) {
  const world = fakeWorld({ ...options, now: () => stage.env.currentTimeMs() });
  let tries = 0;
  const failing = async (input: never) => {
    tries += 1;
    if (tries <= times) throw failure();
    return world.ledger[step](input) as never;
  };
  const broken: FakeWorld = { ...world, ledger: { ...world.ledger, [step]: failing } };
  return stage.play(broken, async (handle) => {
    const { outcome } = await handle.result();
    const { events } = await handle.fetchHistory();
    const scheduled = (events ?? []).flatMap(
      (event) => event.activityTaskScheduledEventAttributes?.activityType?.name ?? [],
    );
    return { world, outcome, tries, scheduled, length: await historyLength(handle), tookMs: await durationMs(handle) };
  });
}

const away = () => new Error('the database is away');

describe.each<[Step, typeof MADE, string]>([
  ['placeHold', MADE, 'captured'],
  ['captureHold', MADE, 'captured'],
  ['releaseHold', FAILED, 'released'],
  ['startArchive', MADE, 'captured'],
])('%s', (step, options, outcome) => {
  it('is one event of the history when all is well', async () => {
    const { scheduled, ...well } = await run(options, step, 0, away);
    expect(well.outcome).toBe(outcome);
    expect(scheduled).not.toContain(step);
  });

  it('is tried without end after a failed local try, as one activity, and adds no event a try', async () => {
    const steady = await run(options, step, 0, away);
    const shaken = await run(options, step, 40, away);
    expect(shaken.outcome).toBe(outcome);
    expect(shaken.tookMs).toBeGreaterThan(10 * 60_000);
    expect(shaken.scheduled.filter((name) => name === step)).toHaveLength(1);
    // The activity's three, and those of one workflow task.
    expect(shaken.length - steady.length).toBeLessThanOrEqual(6);
    expect(shaken.world.calls).toEqual(steady.world.calls);
  });
});

it.each<[Step, typeof MADE]>([
  ['captureHold', MADE],
  ['releaseHold', FAILED],
])('a refusal of %s is an answer: it is not tried as an activity', async (step, options) => {
  const refused = () => ApplicationFailure.nonRetryable('refused', SETTLEMENT_REFUSED);
  const { tries, scheduled, tookMs } = await run(options, step, 1, refused);
  expect(tries).toBe(2);
  expect(scheduled).not.toContain(step);
  // It waits before it asks again.
  expect(tookMs).toBeGreaterThanOrEqual(30_000);
});

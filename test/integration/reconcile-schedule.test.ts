import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { RECONCILE_SCHEDULE_ID } from '../../contracts/reconcile.ts';
import { describeReconcileSchedule, ensureReconcileSchedule, keepReconcileSchedule } from '../../temporal/schedule.ts';
import type { TestStack } from '../harness/support/stack.ts';
import { startStack } from '../harness/support/stack.ts';

/** A schedule whose next run is an hour away stands for one that has lost its timer: Temporal describes a run that doesn't come. */

let stack: TestStack;
beforeAll(async () => {
  stack = await startStack();
  await ensureReconcileSchedule(stack.temporal, 3_600_000);
});
afterAll(async () => {
  await stack.stop();
});

const LONG_AGO = new Date(0);
const keep = (everyMs: number, watchedSince = LONG_AGO) =>
  keepReconcileSchedule(stack.temporal, { everyMs, watchedSince });
const lastRun = async () => (await describeReconcileSchedule(stack.temporal))?.lastRun;
const untilSilentFor = (everyMs: number) => vi.waitFor(async () => expect(await keep(everyMs)).not.toBeNull());

it('a schedule that has missed three runs is triggered, and the reconciler runs', async () => {
  expect(await keep(600_000)).toBeNull();
  await untilSilentFor(20);
  const run = await vi.waitFor(async () => (await lastRun()) ?? expect.fail('no run yet'), { timeout: 10_000 });
  await stack.temporal.workflow.getHandle(run.workflowId, run.runId).result();
  // Its end counts, so that the silence begins anew.
  expect(await keep(600_000)).toBeNull();
});

it('is left alone while it is paused, and when nobody was there to see it run', async () => {
  const schedule = stack.temporal.schedule.getHandle(RECONCILE_SCHEDULE_ID);
  expect(await keep(10_000, new Date())).toBeNull();
  await schedule.pause();
  expect(await keep(0)).toBeNull();
  await schedule.unpause();
  await untilSilentFor(20);
});

it('is made again when it is gone', async () => {
  await stack.temporal.schedule.getHandle(RECONCILE_SCHEDULE_ID).delete();
  await vi.waitFor(async () => {
    await keep(300_000);
    expect((await describeReconcileSchedule(stack.temporal))?.everyMs).toBe(300_000);
  });
});

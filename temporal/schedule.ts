import type { Client, ScheduleOptions } from '@temporalio/client';
import { ScheduleAlreadyRunning, ScheduleNotFoundError, ScheduleOverlapPolicy } from '@temporalio/client';
import type { ReconcileInput } from '../contracts/reconcile.ts';
import { RECONCILE_HOLDS, RECONCILE_SCHEDULE_ID } from '../contracts/reconcile.ts';
import { TASK_QUEUE } from '../contracts/temporal.ts';

/**
 * Creates the reconciler's schedule, or sets its interval. Any number of workers may do it at once. Runs never overlap, and
 * those that were missed while Temporal was down are made up for by one run.
 */
export async function ensureReconcileSchedule(temporal: Client, everyMs: number): Promise<void> {
  const input: ReconcileInput = { dryRun: false };
  const options: ScheduleOptions = {
    scheduleId: RECONCILE_SCHEDULE_ID,
    spec: { intervals: [{ every: everyMs }] },
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1 minute' },
    action: {
      type: 'startWorkflow',
      workflowType: RECONCILE_HOLDS,
      taskQueue: TASK_QUEUE.workflowsAndLedger,
      args: [input],
      // A run that hangs must not prevent later ones.
      workflowExecutionTimeout: '30 minutes',
      workflowId: RECONCILE_HOLDS,
      staticSummary: 'Finishes what a workflow did not',
    },
  };
  try {
    await temporal.schedule.create(options);
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    await temporal.schedule.getHandle(RECONCILE_SCHEDULE_ID).update(({ state }) => ({ ...options, state }));
  }
}

/** Creates the reconciler's schedule if it is missing. An existing one, which an operator may have paused, is not changed. */
export async function restoreReconcileSchedule(temporal: Client, everyMs: number): Promise<void> {
  try {
    await temporal.schedule.getHandle(RECONCILE_SCHEDULE_ID).describe();
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError)) throw error;
    await ensureReconcileSchedule(temporal, everyMs);
  }
}

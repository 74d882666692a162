import type { Client, ScheduleOptions } from '@temporalio/client';
import {
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  ScheduleOverlapPolicy,
  WorkflowNotFoundError,
} from '@temporalio/client';
import type { ReconcileInput } from '../contracts/reconcile.ts';
import { MISSED_RUNS, RECONCILE_HOLDS, RECONCILE_SCHEDULE_ID } from '../contracts/reconcile.ts';
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

/** The reconciler's schedule, and the last run that it started. */
export interface ScheduleState {
  readonly isPaused: boolean;
  readonly everyMs: number;
  readonly createdAt: Date;
  readonly lastRun: { readonly startedAt: Date; readonly workflowId: string; readonly runId: string } | undefined;
}

/** Undefined: there is no schedule. */
export async function describeReconcileSchedule(temporal: Client): Promise<ScheduleState | undefined> {
  try {
    const { spec, state, info } = await temporal.schedule.getHandle(RECONCILE_SCHEDULE_ID).describe();
    const last = info.recentActions.at(-1);
    return {
      isPaused: state.paused,
      everyMs: spec.intervals?.[0]?.every ?? 0,
      createdAt: info.createdAt,
      lastRun: last && {
        startedAt: last.takenAt,
        workflowId: last.action.workflow.workflowId,
        runId: last.action.workflow.firstExecutionRunId,
      },
    };
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return undefined;
    throw error;
  }
}

/**
 * Creates the reconciler's schedule if it is missing, and triggers it if it has fallen silent: a server may lose a schedule's
 * timer and go on describing a next run that never comes (temporal#11869). A trigger runs the reconciler and sets the timer
 * again. An existing schedule, which an operator may have paused, is not changed. Returns how long it was
 * silent if it was triggered, else null. Any number of workers may do it at once: runs don't overlap.
 */
export async function keepReconcileSchedule(
  temporal: Client,
  { everyMs, watchedSince }: { readonly everyMs: number; readonly watchedSince: Date },
): Promise<{ silentMs: number } | null> {
  const schedule = await describeReconcileSchedule(temporal);
  if (schedule === undefined) {
    await ensureReconcileSchedule(temporal, everyMs);
    return null;
  }
  if (schedule.isPaused) return null;
  // What was missed before we watched was missed because nothing ran.
  const silentMs = Date.now() - Math.max(await readLastEndMs(temporal, schedule), watchedSince.getTime());
  if (silentMs <= MISSED_RUNS * everyMs) return null;
  await temporal.schedule.getHandle(RECONCILE_SCHEDULE_ID).trigger(ScheduleOverlapPolicy.SKIP);
  return { silentMs };
}

/** When the last run ended; the time of the schedule's creation if none has begun, and infinity while one runs. */
async function readLastEndMs(temporal: Client, { createdAt, lastRun }: ScheduleState): Promise<number> {
  if (lastRun === undefined) return createdAt.getTime();
  try {
    const { closeTime } = await temporal.workflow.getHandle(lastRun.workflowId, lastRun.runId).describe();
    // A run that hangs is timed out by Temporal.
    return closeTime?.getTime() ?? Infinity;
  } catch (error) {
    // The namespace keeps histories for a limited time.
    if (error instanceof WorkflowNotFoundError) return lastRun.startedAt.getTime();
    throw error;
  }
}

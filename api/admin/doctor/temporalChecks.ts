import type { Connection } from '@temporalio/client';
import { ScheduleNotFoundError } from '@temporalio/client';
import { RECONCILE_SCHEDULE_ID } from '../../../contracts/reconcile.ts';
import { SEARCH_ATTRIBUTE, TASK_QUEUE } from '../../../contracts/temporal.ts';
import type { ApiDependencies } from '../../http/deps.ts';
import type { Check, Finding } from './checks.ts';

/** The doctor's checks that ask Temporal. */

const connectionOf = ({ temporal }: ApiDependencies) => temporal.connection as Connection;
const namespaceOf = ({ temporal }: ApiDependencies) => temporal.options.namespace;

/** Whether the server answers, and which it is. */
export async function checkTemporal(deps: ApiDependencies): Promise<Finding> {
  const { serverVersion } = await connectionOf(deps).workflowService.getSystemInfo({});
  return { ok: true, message: `Temporal ${serverVersion} answers; the namespace is ${namespaceOf(deps)}.` };
}

/** Whether the namespace knows what workflows are found by. */
export async function checkSearchAttributes(deps: ApiDependencies): Promise<Finding> {
  const { customAttributes } = await connectionOf(deps).operatorService.listSearchAttributes({
    namespace: namespaceOf(deps),
  });
  const missing = Object.values(SEARCH_ATTRIBUTE).filter((name) => !Object.hasOwn(customAttributes, name));
  if (missing.length === 0) return { ok: true, message: 'All are registered.' };
  return {
    ok: false,
    message: `${missing.join(', ')}: not registered. Run npm run migrate; no workflow starts without them.`,
  };
}

/** The numbers of Temporal's TaskQueueType. */
const WORKFLOW_TASKS = 1;
const ACTIVITY_TASKS = 2;

/** A poll is answered after a minute at the latest, and the worker polls again. Whoever polled earlier is gone. */
const POLLED_WITHIN_MS = 90_000;

/** Whether somebody takes work from this task queue. */
export function checkWorkers(queue: string): Check {
  const kinds = queue === TASK_QUEUE.workflowsAndLedger ? [WORKFLOW_TASKS, ACTIVITY_TASKS] : [ACTIVITY_TASKS];
  return async (deps) => {
    const counts = await Promise.all(kinds.map((kind) => countPollers(deps, queue, kind)));
    const workers = Math.min(...counts);
    if (workers > 0)
      return { ok: true, message: `${workers} ${workers === 1 ? 'worker polls' : 'workers poll'} ${queue}.` };
    return {
      ok: false,
      message: `No worker has polled ${queue} for 90 s: start one (npm run worker), or look at its log.`,
    };
  };
}

async function countPollers(deps: ApiDependencies, queue: string, taskQueueType: number): Promise<number> {
  const { pollers } = await connectionOf(deps).workflowService.describeTaskQueue({
    namespace: namespaceOf(deps),
    taskQueue: { name: queue },
    taskQueueType,
  });
  const since = Date.now() - POLLED_WITHIN_MS;
  const recent = (pollers ?? []).filter(({ lastAccessTime }) => Number(lastAccessTime?.seconds ?? 0) * 1000 > since);
  return new Set(recent.map(({ identity }) => identity)).size;
}

/** Of its runs, this many in a row may be missed before something is wrong. */
const MISSED_RUNS = 3;
const FAILED = ['FAILED', 'TIMED_OUT', 'TERMINATED'];

/** Whether the reconciler's schedule runs, and how its last run ended. */
export async function checkReconciler({ temporal }: ApiDependencies): Promise<Finding> {
  const schedule = await temporal.schedule
    .getHandle(RECONCILE_SCHEDULE_ID)
    .describe()
    .catch((error: unknown) => {
      if (error instanceof ScheduleNotFoundError) return undefined;
      throw error;
    });
  if (schedule === undefined) return { ok: false, message: 'It has no schedule: a worker makes it at its start.' };
  const { spec, state, info } = schedule;
  if (state.paused)
    return { ok: false, message: `Its schedule ${RECONCILE_SCHEDULE_ID} is paused: unpause it in Temporal Web.` };
  const last = info.recentActions.at(-1);
  const everyMs = spec.intervals?.[0]?.every ?? 0;
  const quietMs = Date.now() - (last?.takenAt ?? info.createdAt).getTime();
  if (quietMs > MISSED_RUNS * everyMs + 60_000) {
    return {
      ok: false,
      message: `No run for ${minutes(quietMs)}: does the schedule ${RECONCILE_SCHEDULE_ID} run in Temporal Web?`,
    };
  }
  if (last === undefined) return { ok: true, message: `No run yet; one every ${minutes(everyMs)}.` };
  const { status } = await temporal.workflow.getHandle(last.action.workflow.workflowId).describe();
  const message = `The last run was ${minutes(quietMs)} ago: ${status.name.toLowerCase()}.`;
  return FAILED.includes(status.name)
    ? { ok: false, message: `${message} Its history in Temporal Web says why.` }
    : { ok: true, message };
}

function minutes(ms: number): string {
  return ms < 120_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`;
}

import { MISSED_RUNS, RECONCILE_SCHEDULE_ID } from '../../../contracts/reconcile.ts';
import type { ApiDependencies } from '../../http/deps.ts';
import type { Check, Finding } from './finding.ts';

/** The doctor's checks that ask Temporal. */

type Asked = Pick<ApiDependencies, 'temporal'>;

/** Whether the server answers, and which it is. */
export async function checkTemporal({ temporal: { inspection } }: Asked): Promise<Finding> {
  const version = await inspection.readServerVersion();
  return { ok: true, message: `Temporal ${version} answers; the namespace is ${inspection.namespace}.` };
}

/** Whether the namespace knows what workflows are found by. */
export async function checkSearchAttributes({ temporal: { inspection } }: Asked): Promise<Finding> {
  const missing = await inspection.listMissingSearchAttributes();
  if (missing.length === 0) return { ok: true, message: 'All are registered.' };
  return {
    ok: false,
    message: `${missing.join(', ')}: not registered. Run npm run migrate; no workflow starts without them.`,
  };
}

const WHILE_AWAY =
  'New requests may be refused with 503 meanwhile; credits stay reserved, and what is due is settled once a worker is back.';

/** Whether somebody takes work from this task queue. */
export function checkWorkers(queue: string): Check {
  return async ({ temporal }) => {
    const workers = await temporal.inspection.countWorkers(queue);
    if (workers > 0)
      return { ok: true, message: `${workers} ${workers === 1 ? 'worker polls' : 'workers poll'} ${queue}.` };
    return {
      ok: false,
      message: `No worker has polled ${queue} for 90 s: start one (npm run worker), or look at its log. ${WHILE_AWAY}`,
    };
  };
}

/** Which versions of the workers there are, whether what begins now has a worker, and whether anything open has none. */
export async function checkWorkerVersions({ temporal: { inspection } }: Asked): Promise<Finding> {
  const versions = await inspection.listWorkerVersions();
  const told = versions.map(
    ({ buildId, isCurrent, workers, openGenerations }) =>
      `${buildId}${isCurrent ? ' (current)' : ''} has ${counted(workers, 'worker')} and ${counted(openGenerations, 'open generation')}`,
  );
  const current = versions.find(({ isCurrent }) => isCurrent);
  const faults = [
    versions.length > 0 &&
      current === undefined &&
      `No version is current, so new requests are refused with 503. ${MAKE_CURRENT}`,
    current?.workers === 0 &&
      `No worker runs the current version, so new requests are refused with 503. ${MAKE_CURRENT}`,
    versions.some(({ workers, openGenerations }) => workers === 0 && openGenerations > 0) && STRANDED,
  ];
  const message = [told.length === 0 ? 'No worker has a version.' : `${told.join('; ')}.`, ...faults];
  return { ok: faults.every((fault) => fault === false), message: message.filter(Boolean).join(' ') };
}

const MAKE_CURRENT =
  'Start a worker of that version, or run npm run deploy:current with the version whose workers run.';
const STRANDED =
  'Generations of a version without a worker don’t go on; their credits stay reserved. Start a worker of that version, or move them (docs/operating.md, "Generations of a version that no worker runs").';

const counted = (count: number, what: string) => `${count} ${what}${count === 1 ? '' : 's'}`;

const FAILED = ['FAILED', 'TIMED_OUT', 'TERMINATED'];

/** Whether the reconciler's schedule runs, and how its last run ended. */
export async function checkReconciler({ temporal: { inspection } }: Asked): Promise<Finding> {
  const schedule = await inspection.describeReconcileSchedule();
  if (schedule === undefined) return { ok: false, message: 'It has no schedule: a worker makes it at its start.' };
  const { isPaused, everyMs, createdAt, lastRun } = schedule;
  if (isPaused)
    return { ok: false, message: `Its schedule ${RECONCILE_SCHEDULE_ID} is paused: unpause it in Temporal Web.` };
  const quietMs = Date.now() - (lastRun?.startedAt ?? createdAt).getTime();
  if (quietMs > MISSED_RUNS * everyMs + 60_000) {
    return {
      ok: false,
      message: `No run for ${minutes(quietMs)}, though its schedule shows a next one: the workers trigger it every half minute. If this stays, look at the schedule ${RECONCILE_SCHEDULE_ID} in Temporal Web.`,
    };
  }
  if (lastRun === undefined) return { ok: true, message: `No run yet; one every ${minutes(everyMs)}.` };
  const status = await inspection.readStatus(lastRun.workflowId);
  const message = `The last run was ${minutes(quietMs)} ago: ${status.toLowerCase()}.`;
  return FAILED.includes(status)
    ? { ok: false, message: `${message} Its history in Temporal Web says why.` }
    : { ok: true, message };
}

function minutes(ms: number): string {
  return ms < 120_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`;
}

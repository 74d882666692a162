import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { v7 as uuidv7 } from 'uuid';
import type { ReconcileInput, ReconcileReport } from '../../../contracts/reconcile.ts';
import { RECONCILE_HOLDS } from '../../../contracts/reconcile.ts';
import { TASK_QUEUE } from '../../../contracts/temporal.ts';
import type { ApiDependencies } from '../../http/deps.ts';
import { ApiError } from '../../http/errors.ts';

/** A run over a great many holds takes minutes; it goes on when its caller has left. */
const WAIT_MS = 10 * 60_000;

/** The id of a run that is asked for. */
export function newRunId(): string {
  return `${RECONCILE_HOLDS}-${uuidv7()}`;
}

/**
 * Runs the reconciler beside its schedule, once under this id, and waits for its report; a second call is answered with the
 * report of the first. Raises `temporarily_unavailable`.
 */
export async function reconcileNow(
  { temporal, log }: ApiDependencies,
  workflowId: string,
  dryRun: boolean,
): Promise<ReconcileReport> {
  const start = () =>
    temporal.workflow.start<(input: ReconcileInput) => Promise<ReconcileReport>>(RECONCILE_HOLDS, {
      workflowId,
      taskQueue: TASK_QUEUE.workflowsAndLedger,
      args: [{ dryRun }],
      workflowExecutionTimeout: '30 minutes',
      workflowIdReusePolicy: 'REJECT_DUPLICATE',
      staticSummary: dryRun ? 'What would the reconciler do?' : 'Finishes what a workflow did not, on request',
    });
  const report = async () => {
    try {
      return await (await start()).result();
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      const first = temporal.workflow.getHandle<() => Promise<ReconcileReport>>(workflowId);
      return first.result();
    }
  };
  try {
    // No deadline for the whole, but one for each of its long polls: a server that falls silent is noticed.
    return await temporal.withAbortSignal(AbortSignal.timeout(WAIT_MS), report);
  } catch (error) {
    log.warn({ err: error, workflowId }, 'the reconciler did not answer');
    throw new ApiError(
      'temporarily_unavailable',
      `The reconciler gave no report just now. If it was started, it goes on as the workflow ${workflowId}; it is safe to ask again.`,
      { headers: { 'retry-after': '10' } },
    );
  }
}

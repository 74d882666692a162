import { v7 as uuidv7 } from 'uuid';
import type { ReconcileReport } from '../../../contracts/reconcile.ts';
import { RECONCILE_HOLDS } from '../../../contracts/reconcile.ts';
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
  try {
    return await temporal.reconciler.run({ workflowId, dryRun, timeoutMs: WAIT_MS });
  } catch (error) {
    log.warn({ err: error, workflowId }, 'the reconciler did not answer');
    throw new ApiError(
      'temporarily_unavailable',
      `The reconciler gave no report just now. If it was started, it goes on as the workflow ${workflowId}; it is safe to ask again.`,
      { headers: { 'retry-after': '10' } },
    );
  }
}

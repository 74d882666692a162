import type { Context } from 'hono';
import { v7 as uuidv7 } from 'uuid';
import type { ReconcileReport } from '../../../contracts/reconcile.ts';
import { RECONCILE_HOLDS } from '../../../contracts/reconcile.ts';
import { isServed } from '../../http/connection.ts';
import type { ApiDependencies, Env } from '../../http/deps.ts';
import { ApiError } from '../../http/errors.ts';
import type { OnceDependencies } from '../../http/once.ts';
import { answerOnce } from '../../http/once.ts';

/** A run over very many holds takes minutes; it continues if its caller disconnects. */
const TIMEOUT_MS = 10 * 60_000;

/**
 * Runs the reconciler in addition to its schedule and waits for its report. What is kept for the Idempotency-Key is the id of
 * the workflow: a repeat waits for the report of the first run. Raises `temporarily_unavailable`.
 */
export async function reconcileNow(
  deps: OnceDependencies & Pick<ApiDependencies, 'temporal' | 'log'>,
  c: Context<Env>,
  dryRun: boolean,
): Promise<ReconcileReport> {
  // Nothing is sent during a long run; the server's idle timeout must not close the connection.
  if (isServed(c.env)) c.env.incoming.socket.setTimeout(0);
  const { workflowId } = await answerOnce(deps, c, { dry_run: dryRun }, () =>
    Promise.resolve({ workflowId: `${RECONCILE_HOLDS}-${uuidv7()}` }),
  );
  try {
    return await deps.temporal.reconciler.run({ workflowId, dryRun, timeoutMs: TIMEOUT_MS });
  } catch (error) {
    deps.log.warn({ err: error, workflowId }, 'the reconciler did not report in time');
    throw new ApiError(
      'temporarily_unavailable',
      `The reconciler has not reported yet. If it was started, it continues as the workflow ${workflowId}; it is safe to send this request again.`,
      { headers: { 'retry-after': '10' }, effect: 'in_message' },
    );
  }
}

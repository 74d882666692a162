import type { Client } from '@temporalio/client';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import type { ReconcileInput, ReconcileReport } from '../contracts/reconcile.ts';
import { RECONCILE_HOLDS } from '../contracts/reconcile.ts';
import { TASK_QUEUE } from '../contracts/temporal.ts';

type ReconcileWorkflow = (input: ReconcileInput) => Promise<ReconcileReport>;

/** A run beside the schedule. */
export interface RunOptions {
  readonly workflowId: string;
  readonly dryRun: boolean;
  /** How long its report is waited for; the run itself goes on. */
  readonly timeoutMs: number;
}

export function createReconciler(client: Client) {
  const start = ({ workflowId, dryRun }: RunOptions) =>
    client.workflow.start<ReconcileWorkflow>(RECONCILE_HOLDS, {
      workflowId,
      taskQueue: TASK_QUEUE.workflowsAndLedger,
      args: [{ dryRun }],
      workflowExecutionTimeout: '30 minutes',
      workflowIdReusePolicy: 'REJECT_DUPLICATE',
      staticSummary: dryRun ? 'What would the reconciler do?' : 'Finishes what a workflow did not, on request',
    });
  const startOrFind = async (options: RunOptions) => {
    try {
      return await start(options);
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      return client.workflow.getHandle<ReconcileWorkflow>(options.workflowId);
    }
  };
  return {
    /** Runs the reconciler once under this id and waits for its report; a second call gets the report of the first. */
    run(options: RunOptions): Promise<ReconcileReport> {
      // No deadline for the whole: each long poll has its own, so a server that falls silent is noticed.
      return client.withAbortSignal(AbortSignal.timeout(options.timeoutMs), async () =>
        (await startOrFind(options)).result(),
      );
    },
  };
}

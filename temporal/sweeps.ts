import type { Client } from '@temporalio/client';
import type { SweepInput } from '../contracts/sweep.ts';
import { SWEEP_PROVIDER, sweepWorkflowId } from '../contracts/sweep.ts';
import { TASK_QUEUE } from '../contracts/temporal.ts';

/**
 * Starts the sweeps that don't run. Any number of workers may do it at once. A sweep moves no credits and nothing waits for it, so
 * one that an operator terminated is started again too; a provider's settings end it.
 */
export async function keepSweeps(temporal: Client, providers: readonly string[]): Promise<void> {
  for (const provider of providers) {
    const input: SweepInput = { provider };
    await temporal.workflow.start<(input: SweepInput) => Promise<void>>(SWEEP_PROVIDER, {
      workflowId: sweepWorkflowId(input),
      taskQueue: TASK_QUEUE.workflowsAndLedger,
      args: [input],
      workflowIdConflictPolicy: 'USE_EXISTING',
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      staticSummary: `Reads the list of ${provider} while videos are open there`,
    });
  }
}

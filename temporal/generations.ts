import type { Client } from '@temporalio/client';
import { WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError } from '@temporalio/client';
import type { GenerationInput, GenerationResult } from '../contracts/temporal.ts';
import { SEARCH_ATTRIBUTE, TASK_QUEUE, workflowTypeOf } from '../contracts/temporal.ts';

/** What the reconciler asks of Temporal about a generation's workflow, whose id is the generation's. */
export function createGenerations(temporal: Client) {
  return {
    /** By describe, which is never behind. False also when Temporal has never heard of it; raises when it is away. */
    async isRunning(generationId: string): Promise<boolean> {
      try {
        const { status } = await temporal.workflow.getHandle(generationId).describe();
        return status.name === 'RUNNING';
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return false;
        throw error;
      }
    },

    /** Runs the workflow once more under its id; one that runs by now is left alone. */
    async resume(generation: GenerationInput): Promise<'resumed' | 'running'> {
      try {
        const type = workflowTypeOf(generation.generationId);
        await temporal.workflow.start<(input: GenerationInput) => Promise<GenerationResult>>(type, {
          workflowId: generation.generationId,
          taskQueue: TASK_QUEUE.workflowsAndLedger,
          args: [generation],
          workflowIdReusePolicy: 'ALLOW_DUPLICATE',
          workflowIdConflictPolicy: 'FAIL',
          typedSearchAttributes: [
            { key: { name: SEARCH_ATTRIBUTE.account, type: 'KEYWORD' }, value: generation.accountId },
          ],
          staticSummary: 'One paid generation, taken up again by the reconciler',
        });
        return 'resumed';
      } catch (error) {
        if (error instanceof WorkflowExecutionAlreadyStartedError) return 'running';
        throw error;
      }
    },
  };
}

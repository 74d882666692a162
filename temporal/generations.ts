import type { Client } from '@temporalio/client';
import {
  WithStartWorkflowOperation,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
} from '@temporalio/client';
import type { HoldPlacement } from '../contracts/activities.ts';
import type { GenerationInput, GenerationResult, HoldfastOutcome } from '../contracts/temporal.ts';
import {
  CANCEL_REQUESTED,
  PLACED_UPDATE,
  PLACED_UPDATE_ID,
  PRIORITY,
  PROVIDER_EVENT,
  SEARCH_ATTRIBUTE,
  TASK_QUEUE,
  workflowTypeOf,
} from '../contracts/temporal.ts';

type GenerationWorkflow = (input: GenerationInput) => Promise<GenerationResult>;

const startOptions = (generation: GenerationInput) => ({
  workflowId: generation.generationId,
  taskQueue: TASK_QUEUE.workflowsAndLedger,
  args: [generation] as [GenerationInput],
  // `held` from the start: what runs is what is held, or about to be.
  typedSearchAttributes: [
    { key: SEARCH_ATTRIBUTE.account, value: generation.accountId },
    { key: SEARCH_ATTRIBUTE.outcome, value: 'held' satisfies HoldfastOutcome },
  ],
});

export interface Patience {
  readonly timeoutMs: number;
  /** Aborted when the process ends. */
  readonly givingUp: AbortSignal;
}

/** The workflows of generations; each has its generation's id. */
export function createGenerations(client: Client) {
  return {
    /**
     * Starts the workflow, unless it was started before, and waits for its hold. When this raises, the workflow may have
     * started all the same: its caller voids the generation before it says that nothing is held (MR-28).
     */
    async start(generation: GenerationInput, { timeoutMs, givingUp }: Patience): Promise<HoldPlacement> {
      const startWorkflowOperation = new WithStartWorkflowOperation<GenerationWorkflow>(
        workflowTypeOf(generation.generationId),
        {
          ...startOptions(generation),
          workflowIdReusePolicy: 'REJECT_DUPLICATE',
          workflowIdConflictPolicy: 'USE_EXISTING',
          priority: PRIORITY.generation,
          staticSummary: 'One paid generation: hold, work, capture or release',
        },
      );
      // The SDK never removes its listener, so it gets a signal of this call alone: on the process's own they would pile up.
      const call = new AbortController();
      const giveUp = () => call.abort();
      givingUp.addEventListener('abort', giveUp, { once: true });
      try {
        return await client.withDeadline(Date.now() + timeoutMs, () =>
          client.withAbortSignal(call.signal, () =>
            client.workflow.executeUpdateWithStart(PLACED_UPDATE, {
              updateId: PLACED_UPDATE_ID,
              startWorkflowOperation,
            }),
          ),
        );
      } finally {
        givingUp.removeEventListener('abort', giveUp);
      }
    },

    /** Ends the workflow's wait; the client's wish is on record before. */
    async requestCancel(generationId: string): Promise<void> {
      await client.workflow.getHandle(generationId).signal(CANCEL_REQUESTED);
    },

    /** Makes the workflow look at the provider now. Does nothing when no such workflow runs. */
    async nudge(generationId: string): Promise<void> {
      try {
        await client.workflow.getHandle(generationId).signal(PROVIDER_EVENT);
      } catch (error) {
        if (!(error instanceof WorkflowNotFoundError)) throw error;
      }
    },

    /** By describe, which never lags behind (MR-55). False also when Temporal has never heard of it; raises when it is away. */
    async isRunning(generationId: string): Promise<boolean> {
      try {
        const { status } = await client.workflow.getHandle(generationId).describe();
        return status.name === 'RUNNING';
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return false;
        throw error;
      }
    },

    /** Runs the workflow once more under its id; one that is running by now is left alone. */
    async resume(generation: GenerationInput): Promise<'resumed' | 'running'> {
      try {
        await client.workflow.start<GenerationWorkflow>(workflowTypeOf(generation.generationId), {
          ...startOptions(generation),
          workflowIdReusePolicy: 'ALLOW_DUPLICATE',
          workflowIdConflictPolicy: 'FAIL',
          staticSummary: 'One paid generation, resumed by the reconciler',
        });
        return 'resumed';
      } catch (error) {
        if (error instanceof WorkflowExecutionAlreadyStartedError) return 'running';
        throw error;
      }
    },
  };
}

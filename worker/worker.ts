import type { NativeConnection, WorkflowBundle } from '@temporalio/worker';
import { Worker } from '@temporalio/worker';
import type { LedgerActivities, ProviderActivities } from '../contracts/activities.ts';
import { TASK_QUEUE } from '../contracts/temporal.ts';

export interface WorkerDependencies {
  readonly connection: NativeConnection;
  readonly namespace: string;
  readonly workflowBundle: WorkflowBundle;
  readonly ledgerActivities: LedgerActivities;
  readonly providerActivities: ProviderActivities;
}

/** What is under way at SIGTERM gets this long to end before it is left to another worker. */
const SHUTDOWN_GRACE = '20 seconds';

/** About 270 kB each; others are rebuilt from their history when they go on. */
const CACHED_WORKFLOWS = 1000;

/**
 * Two workers in one process, one for each task queue: each has its own slots, so calls that hang at the provider never
 * take one from the ledger (RULES, exploit 12).
 */
export async function createWorkers(deps: WorkerDependencies): Promise<Worker[]> {
  const { connection, namespace, workflowBundle, ledgerActivities, providerActivities } = deps;
  const common = { connection, namespace, shutdownGraceTime: SHUTDOWN_GRACE, shutdownForceTime: '25 seconds' };
  return Promise.all([
    Worker.create({
      ...common,
      taskQueue: TASK_QUEUE.workflowsAndLedger,
      workflowBundle,
      activities: ledgerActivities,
      maxCachedWorkflows: CACHED_WORKFLOWS,
      maxConcurrentWorkflowTaskExecutions: 100,
      maxConcurrentActivityTaskExecutions: 50,
    }),
    Worker.create({
      ...common,
      taskQueue: TASK_QUEUE.provider,
      activities: providerActivities,
      maxConcurrentActivityTaskExecutions: 500,
    }),
  ]);
}

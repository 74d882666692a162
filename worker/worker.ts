import type { NativeConnection, WorkflowBundle } from '@temporalio/worker';
import { Worker } from '@temporalio/worker';
import type { Activities } from '../activities/index.ts';
import { TASK_QUEUE } from '../contracts/temporal.ts';

export interface WorkerDependencies {
  readonly connection: NativeConnection;
  readonly namespace: string;
  readonly workflowBundle: WorkflowBundle;
  /** Tests may leave out what they don't need. */
  readonly activities: { readonly [Queue in keyof Activities]: Partial<Activities[Queue]> };
}

/** What is under way at SIGTERM gets this long to end before it is left to another worker. */
const SHUTDOWN_GRACE = '20 seconds';

/** A copy that is cut goes on elsewhere from where it was, so nothing waits for its end. */
const COPY_GRACE = '3 seconds';

/** About 270 kB each; others are rebuilt from their history when they go on. */
const CACHED_WORKFLOWS = 1000;

/**
 * Three workers in one process, one for each task queue: each has its own slots, so calls that hang at the provider, and
 * copies that take long, never take one from the ledger (MR-92).
 */
export async function createWorkers(deps: WorkerDependencies): Promise<Worker[]> {
  const { connection, namespace, workflowBundle, activities } = deps;
  const common = { connection, namespace, shutdownGraceTime: SHUTDOWN_GRACE, shutdownForceTime: '25 seconds' };
  return Promise.all([
    Worker.create({
      ...common,
      taskQueue: TASK_QUEUE.workflowsAndLedger,
      workflowBundle,
      activities: activities.ledger,
      maxCachedWorkflows: CACHED_WORKFLOWS,
      maxConcurrentWorkflowTaskExecutions: 100,
      maxConcurrentActivityTaskExecutions: 50,
    }),
    Worker.create({
      ...common,
      taskQueue: TASK_QUEUE.provider,
      activities: activities.provider,
      maxConcurrentActivityTaskExecutions: 500,
    }),
    Worker.create({
      ...common,
      taskQueue: TASK_QUEUE.outbound,
      activities: activities.outbound,
      maxConcurrentActivityTaskExecutions: 100,
      shutdownGraceTime: COPY_GRACE,
    }),
  ]);
}

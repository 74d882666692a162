import { hostname } from 'node:os';
import type {
  NativeConnection,
  WorkerDeploymentOptions,
  WorkerOptions,
  WorkflowBundleOption,
} from '@temporalio/worker';
import { Worker } from '@temporalio/worker';
import type { Activities } from '../activities/index.ts';
import { TASK_QUEUE, WORKER_DEPLOYMENT } from '../contracts/temporal.ts';

export interface WorkerDependencies {
  readonly connection: NativeConnection;
  readonly namespace: string;
  readonly workflowBundle: WorkflowBundleOption;
  /** The version that these workers are. Without it they have none, as on a server that does not know versions. */
  readonly buildId?: string;
  /** Only with a bundle that has the interceptors in it. */
  readonly tracing?: Pick<WorkerOptions, 'interceptors' | 'sinks'>;
  /** Tests may leave out activities that they don't need. */
  readonly activities: { readonly [Queue in keyof Activities]: Partial<Activities[Queue]> };
}

/** Activities under way at SIGTERM get this long to end before another worker repeats them. */
const SHUTDOWN_GRACE = '20 seconds';

/** A copy that is cut off resumes in another worker, so nothing waits for its end. */
const COPY_GRACE = '3 seconds';

/** About 270 kB each. An evicted workflow is rebuilt from its history when it goes on. */
const CACHED_WORKFLOWS = 700;

/**
 * Three workers in one process, one for each task queue. Each has slots of its own, so calls that wait for the provider, and
 * long copies, never take one from the ledger (MR-92).
 */
export async function createWorkers(deps: WorkerDependencies): Promise<Worker[]> {
  const { connection, namespace, workflowBundle, buildId, tracing, activities } = deps;
  const common = {
    ...tracing,
    ...{ connection, namespace, shutdownGraceTime: SHUTDOWN_GRACE, shutdownForceTime: '25 seconds' },
    ...(buildId === undefined ? {} : { workerDeploymentOptions: versionOf(buildId), identity: identityOf(buildId) }),
  };
  return Promise.all([
    Worker.create({
      ...common,
      taskQueue: TASK_QUEUE.workflowsAndLedger,
      workflowBundle,
      activities: activities.ledger,
      maxCachedWorkflows: CACHED_WORKFLOWS,
      maxConcurrentWorkflowTaskExecutions: 100,
      maxConcurrentActivityTaskExecutions: 50,
      maxConcurrentLocalActivityExecutions: 50,
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

/** Temporal Web shows it beside the polls of this process. */
const identityOf = (buildId: string) => `${process.pid}@${hostname()} ${buildId}`;

/** Generations stay on the version that began them (`workflows/index.ts`); all other workflows go on with the current one. */
function versionOf(buildId: string): WorkerDeploymentOptions {
  return {
    useWorkerVersioning: true,
    version: { deploymentName: WORKER_DEPLOYMENT, buildId },
    defaultVersioningBehavior: 'AUTO_UPGRADE',
  };
}

import type { Client, Connection } from '@temporalio/client';

/** Temporal's number of this type of a task queue. */
const ACTIVITY_TASKS = 2;

/** A poll is answered after a minute at the latest, and the worker polls again: one that polled earlier is gone. */
const POLLED_WITHIN_MS = 90_000;

export interface Poller {
  /** Of one worker process. */
  readonly identity: string;
  /** Null: a worker without a version. */
  readonly buildId: string | null;
}

/** Who takes work of this type from a task queue. */
export async function listPollers(client: Client, queue: string, taskQueueType = ACTIVITY_TASKS): Promise<Poller[]> {
  const { workflowService } = client.connection as Connection;
  const { namespace } = client.options;
  const { pollers } = await workflowService.describeTaskQueue({ namespace, taskQueue: { name: queue }, taskQueueType });
  const since = Date.now() - POLLED_WITHIN_MS;
  return pollers
    .filter(({ lastAccessTime }) => Number(lastAccessTime?.seconds ?? 0) * 1000 > since)
    .map(({ identity, deploymentOptions }) => ({
      identity: identity ?? '',
      buildId: deploymentOptions?.buildId || null,
    }));
}

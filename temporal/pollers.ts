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

export interface Queue {
  readonly pollers: readonly Poller[];
  /** The version to which new work of this queue goes; null: none. */
  readonly currentBuild: string | null;
}

/** Who takes work of this type from a task queue. */
export async function listPollers(
  client: Client,
  queue: string,
  taskQueueType = ACTIVITY_TASKS,
): Promise<readonly Poller[]> {
  return (await describeQueue(client, queue, taskQueueType)).pollers;
}

export async function describeQueue(client: Client, queue: string, taskQueueType = ACTIVITY_TASKS): Promise<Queue> {
  const { workflowService } = client.connection as Connection;
  const { namespace } = client.options;
  const request = { namespace, taskQueue: { name: queue }, taskQueueType };
  const { pollers: listed, versioningInfo } = await workflowService.describeTaskQueue(request);
  const since = Date.now() - POLLED_WITHIN_MS;
  const pollers = listed
    .filter(({ lastAccessTime }) => Number(lastAccessTime?.seconds ?? 0) * 1000 > since)
    .map(({ identity, deploymentOptions }) => ({
      identity: identity ?? '',
      buildId: deploymentOptions?.buildId || null,
    }));
  return { pollers, currentBuild: versioningInfo?.currentDeploymentVersion?.buildId || null };
}

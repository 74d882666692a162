import type { Client, Connection } from '@temporalio/client';
import { SEARCH_ATTRIBUTE, TASK_QUEUE } from '../contracts/temporal.ts';
import { listPollers } from './pollers.ts';
import { describeReconcileSchedule } from './schedule.ts';
import { listWorkerVersions } from './workerVersions.ts';

/** Temporal's numbers of a task queue's types. */
const WORKFLOW_TASKS = 1;
const ACTIVITY_TASKS = 2;

/** What the doctor asks. */
export function createInspection(client: Client) {
  const { workflowService, operatorService } = client.connection as Connection;
  const { namespace } = client.options;

  async function countPollersOf(queue: string, taskQueueType: number): Promise<number> {
    const pollers = await listPollers(client, queue, taskQueueType);
    return new Set(pollers.map(({ identity }) => identity)).size;
  }

  return {
    namespace,

    async readServerVersion(): Promise<string> {
      return (await workflowService.getSystemInfo({})).serverVersion;
    },

    /** Those of ours that the namespace does not know. */
    async listMissingSearchAttributes(): Promise<string[]> {
      const { customAttributes } = await operatorService.listSearchAttributes({ namespace });
      return Object.values(SEARCH_ATTRIBUTE)
        .map(({ name }) => name)
        .filter((name) => !Object.hasOwn(customAttributes, name));
    },

    /** How many workers take every kind of work that is on this task queue. */
    async countWorkers(queue: string): Promise<number> {
      const types = queue === TASK_QUEUE.workflowsAndLedger ? [WORKFLOW_TASKS, ACTIVITY_TASKS] : [ACTIVITY_TASKS];
      return Math.min(...(await Promise.all(types.map((type) => countPollersOf(queue, type)))));
    },

    listWorkerVersions: () => listWorkerVersions(client),

    describeReconcileSchedule: () => describeReconcileSchedule(client),

    /** In Temporal's word, as `COMPLETED`. Raises when the workflow is unknown. */
    async readStatus(workflowId: string): Promise<string> {
      return (await client.workflow.getHandle(workflowId).describe()).status.name;
    },
  };
}

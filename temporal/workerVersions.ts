import { setTimeout as delay } from 'node:timers/promises';
import type { Client, Connection } from '@temporalio/client';
import { isGrpcServiceError } from '@temporalio/client';
import { GENERATE_TEXT, GENERATE_VIDEO, TASK_QUEUE, WORKER_DEPLOYMENT } from '../contracts/temporal.ts';
import { isAway } from './connection.ts';
import { describeQueue, listPollers } from './pollers.ts';

/**
 * The versions of the workers, each named by the build id of its workflows. Temporal starts every workflow on the version that
 * is *current*, and keeps an open generation on the version that began it (docs/operating.md).
 */

/** gRPC's status codes. */
const NOT_FOUND = 5;
const FAILED_PRECONDITION = 9;

/** Temporal's number of a version that carries nothing any more. */
const DRAINED = 2;
const WORKFLOW_TASKS = 1;

const serviceOf = (client: Client) => (client.connection as Connection).workflowService;

export interface Routing {
  /** Null: none, so no workflow would begin. */
  readonly currentBuild: string | null;
  /** Names this state: a change that was decided on an earlier one is refused. */
  readonly conflictToken: Uint8Array | null;
}

interface Deployment extends Routing {
  /** The versions that may carry workflows. */
  readonly builds: readonly string[];
}

async function describeDeployment(client: Client): Promise<Deployment> {
  const { namespace } = client.options;
  try {
    const { workerDeploymentInfo, conflictToken } = await serviceOf(client).describeWorkerDeployment({
      namespace,
      deploymentName: WORKER_DEPLOYMENT,
    });
    const summaries = workerDeploymentInfo?.versionSummaries ?? [];
    const builds = summaries
      .filter(({ drainageStatus }) => drainageStatus !== DRAINED)
      .map(({ deploymentVersion }) => deploymentVersion?.buildId ?? '');
    const currentBuild = workerDeploymentInfo?.routingConfig?.currentDeploymentVersion?.buildId;
    return { currentBuild: currentBuild || null, conflictToken, builds };
  } catch (error) {
    // Temporal learns of a deployment by the first poll of one of its workers.
    if (isGrpcServiceError(error) && error.code === NOT_FOUND)
      return { currentBuild: null, conflictToken: null, builds: [] };
    throw error;
  }
}

/**
 * Makes a build current whose workers run: everything that begins from now on begins there, and what is open stays where it is.
 * Returns false, and changes nothing, when no worker of it polls each task queue.
 */
async function makeCurrent(client: Client, buildId: string): Promise<boolean> {
  // The queues are asked, for the deployment does not answer in the second after its current version has changed.
  const queues = await Promise.all(Object.values(TASK_QUEUE).map((queue) => describeQueue(client, queue)));
  if (queues.every(({ currentBuild }) => currentBuild === buildId)) return true;
  if (!queues.every(({ pollers }) => pollers.some((poller) => poller.buildId === buildId))) return false;
  try {
    await setCurrent(client, { buildId, conflictToken: null, allowNoPollers: false });
    return true;
  } catch (error) {
    if (isGrpcServiceError(error) && [NOT_FOUND, FAILED_PRECONDITION].includes(error.code)) return false;
    throw error;
  }
}

const ASK_AGAIN_MS = 50;

/**
 * Makes a build current, once its workers run; asks again where Temporal is away for a moment, or slow to do it. Returns false after
 * `limitMs` if there is still no such worker; raises if Temporal is still away.
 */
export async function untilCurrent(client: Client, buildId: string, limitMs: number): Promise<boolean> {
  const untilMs = performance.now() + limitMs;
  for (;;) {
    const isOver = performance.now() > untilMs;
    try {
      if (await makeCurrent(client, buildId)) return true;
      if (isOver) return false;
    } catch (error) {
      if (isOver || !isAway(error)) throw error;
    }
    await delay(ASK_AGAIN_MS);
  }
}

function setCurrent(
  client: Client,
  {
    buildId,
    conflictToken,
    allowNoPollers,
  }: Pick<Routing, 'conflictToken'> & { buildId: string; allowNoPollers: boolean },
) {
  const { namespace } = client.options;
  const request = { namespace, deploymentName: WORKER_DEPLOYMENT, buildId, allowNoPollers };
  return serviceOf(client).setWorkerDeploymentCurrentVersion(
    conflictToken === null ? request : { ...request, conflictToken },
  );
}

/** Where the build that was current last is kept, in case Temporal loses its database. */
export interface BuildMemory {
  readonly ownBuild: string;
  readonly recall: () => Promise<string | null>;
  readonly remember: (buildId: string) => Promise<void>;
}

/**
 * Keeps in memory which build is current. Where none is, makes the one current that was it last, or this worker's own where
 * there never was one: an old worker must not take over from a newer one because Temporal has lost its database.
 * Returns false if Temporal doesn't know any worker yet, so that nothing could be made current.
 */
export async function keepCurrent(client: Client, { ownBuild, recall, remember }: BuildMemory): Promise<boolean> {
  // First: after a deployment between the two, the memory must not be set back to what Temporal said before.
  const kept = await recall();
  const { currentBuild, conflictToken } = await describeDeployment(client);
  if (currentBuild !== null) {
    if (currentBuild !== kept) await remember(currentBuild);
    return true;
  }
  try {
    await setCurrent(client, { buildId: kept ?? ownBuild, conflictToken, allowNoPollers: true });
  } catch (error) {
    if (isGrpcServiceError(error) && error.code === NOT_FOUND) return false;
    throw error;
  }
  if (kept === null) await remember(ownBuild);
  return true;
}

export interface WorkerVersion {
  readonly buildId: string;
  readonly isCurrent: boolean;
  /** How many workers run it. */
  readonly workers: number;
  /** By Temporal's visibility, which lags a little. */
  readonly openGenerations: number;
}

/** The versions that are current, carry generations or have a worker; `only` narrows what is counted. */
export async function listWorkerVersions(
  client: Client,
  only: (version: Omit<WorkerVersion, 'openGenerations'>) => boolean = () => true,
): Promise<WorkerVersion[]> {
  const [{ currentBuild, builds }, pollers] = await Promise.all([
    describeDeployment(client),
    listPollers(client, TASK_QUEUE.workflowsAndLedger, WORKFLOW_TASKS),
  ]);
  const versions = builds.map((buildId) => ({
    buildId,
    isCurrent: buildId === currentBuild,
    workers: new Set(pollers.filter((poller) => poller.buildId === buildId).map(({ identity }) => identity)).size,
  }));
  return Promise.all(
    versions.filter(only).map(async (version) => ({ ...version, openGenerations: await countOpen(client, version) })),
  );
}

async function countOpen(client: Client, { buildId }: { readonly buildId: string }): Promise<number> {
  const isGeneration = `WorkflowType IN ('${GENERATE_VIDEO}', '${GENERATE_TEXT}')`;
  const query = `TemporalWorkerDeploymentVersion = '${WORKER_DEPLOYMENT}:${buildId}' AND ExecutionStatus = 'Running' AND ${isGeneration}`;
  return (await client.workflow.count(query)).count;
}

/** How many open generations are on versions that no worker runs: none of them goes on. */
export async function countStranded(client: Client): Promise<number> {
  const versions = await listWorkerVersions(client, ({ workers }) => workers === 0);
  return versions.reduce((sum, { openGenerations }) => sum + openGenerations, 0);
}

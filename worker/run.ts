import { setTimeout as delay } from 'node:timers/promises';
import { NativeConnection, Runtime } from '@temporalio/worker';
import { createActivities } from '../activities/index.ts';
import type { Config } from '../config.ts';
import type { Build } from '../platform/buildId.ts';
import { endUnableToListen, onShutdown } from '../platform/lifecycle.ts';
import { serveMetrics } from '../platform/metrics.ts';
import { DEFAULT_NAMESPACE, registerNamespace, registerSearchAttributes } from '../temporal/connection.ts';
import { keepRegistered } from '../temporal/registration.ts';
import { ensureReconcileSchedule } from '../temporal/schedule.ts';
import { keepSweeps } from '../temporal/sweeps.ts';
import type { BuildMemory } from '../temporal/workerVersions.ts';
import { keepCurrent } from '../temporal/workerVersions.ts';
import type { Dependencies } from './dependencies.ts';
import { keepRunning } from './keepRunning.ts';
import { temporalLogger } from './temporalLogger.ts';
import { createWorkers } from './worker.ts';

/** Runs the workers of this process until a signal stops them. */
export async function runWorker(
  config: Pick<Config, 'temporal' | 'reconcileIntervalMs' | 'host' | 'workerMetricsPort'>,
  {
    log,
    registry,
    client,
    tracing,
    activities: activityDependencies,
    builds,
    stopping,
    keepProbing,
    close,
  }: Dependencies,
  build: Build,
): Promise<void> {
  Runtime.install({ logger: temporalLogger(log), shutdownSignals: [] });
  await registerNamespace(client);
  const activities = createActivities(activityDependencies);
  const create = async () => {
    const connection = await NativeConnection.connect(config.temporal.connectionOptions);
    const namespace = config.temporal.namespace ?? DEFAULT_NAMESPACE;
    const workflowBundle = { codePath: build.bundlePath };
    const given = { connection, namespace, workflowBundle, buildId: build.id, activities };
    const workers = await createWorkers(tracing === undefined ? given : { ...given, tracing });
    return { workers, close: () => connection.close() };
  };
  const [first] = await Promise.all([create(), registerSearchAttributes(client)]);
  const running = keepRunning(first, {
    create,
    stopping: stopping.signal,
    onError: (error) => log.error({ err: error }, 'a worker ended; all are started again'),
  });
  void keepProbing();
  await ensureReconcileSchedule(client, config.reconcileIntervalMs);
  const sweptProviders = activityDependencies.providers.all
    .filter(({ sweepIntervalMs }) => sweepIntervalMs !== null)
    .map(({ identity }) => identity);
  await keepSweeps(client, sweptProviders);
  const memory: BuildMemory = {
    ownBuild: build.id,
    recall: builds.getCurrentBuild,
    remember: builds.recordCurrentBuild,
  };
  await waitUntilKnown(client, memory).catch((error: unknown) =>
    log.warn({ err: error }, 'could not look which version of the workers is current; trying again'),
  );
  keepRegistered(client, {
    reconcileIntervalMs: config.reconcileIntervalMs,
    sweptProviders,
    memory,
    stopping: stopping.signal,
    onStranded: (generations) => {
      activityDependencies.observe('stranded_generations', generations);
      if (generations === 0) return;
      activityDependencies.count('generation_stranded');
      log.error({ generations }, 'no worker runs the version of open generations: start its workers, or move them');
    },
    onSilent: (silentMs) => {
      activityDependencies.count('reconciler_silent');
      log.warn({ silentMs }, 'the schedule of the reconciler had fallen silent: it was triggered');
    },
    onError: (error) => log.warn({ err: error }, 'could not look whether Temporal knows this service; trying again'),
  });
  log.info({ build: build.id }, 'ready');
  // Last: who asks for the metrics takes an answer as the sign that this worker takes work.
  const metrics = await serveMetrics(registry, config.host, config.workerMetricsPort).catch(
    endUnableToListen(log, 'WORKER_METRICS_PORT'),
  );
  onShutdown(log, async () => {
    stopping.abort();
    await running;
    metrics.close();
    await close();
  });
  await running;
}

const KNOWN_WITHIN_MS = 10_000;
const ASK_AGAIN_MS = 100;

/** Temporal knows a version from its first poll on; until one is current, no workflow begins. */
async function waitUntilKnown(client: Dependencies['client'], memory: BuildMemory): Promise<void> {
  const untilMs = performance.now() + KNOWN_WITHIN_MS;
  while (!(await keepCurrent(client, memory)) && performance.now() < untilMs) await delay(ASK_AGAIN_MS);
}

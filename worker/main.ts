import { NativeConnection, Runtime } from '@temporalio/worker';
import { createActivities } from '../activities/index.ts';
import { loadConfig } from '../config.ts';
import { createLedger } from '../ledger/index.ts';
import { Announcer, createPool, createStore, openDatabase } from '../store/index.ts';
import { createFolderStore, createWebhookSender } from '../outbound/index.ts';
import { onShutdown } from '../platform/lifecycle.ts';
import { createLog } from '../platform/log.ts';
import { createGenerations } from '../temporal/generations.ts';
import { countAlarms, createMetrics, observeGauges, serveMetrics } from '../platform/metrics.ts';
import { keepRegistered } from '../temporal/registration.ts';
import { ensureReconcileSchedule } from '../temporal/schedule.ts';
import {
  createTemporalClient,
  DEFAULT_NAMESPACE,
  registerNamespace,
  registerSearchAttributes,
} from '../temporal/connection.ts';
import { createProvider, watchHealth } from '../provider/index.ts';
import { buildWorkflowBundle } from './bundle.ts';
import { crashAt } from './crashAt.ts';
import { keepRunning } from './keepRunning.ts';
import { temporalLogger } from './temporalLogger.ts';
import { createWorkers } from './worker.ts';

/** Of a copy: a quarter of a megabyte in half a minute, and less than the hour of its activity. */
const LEAST_SPEED = { leastBytes: 256 * 1024, withinMs: 30_000, tryMs: 59 * 60_000 };

const config = loadConfig();
const log = createLog('worker', config.logLevel);
Runtime.install({ logger: temporalLogger(log), shutdownSignals: [] });

const pool = createPool({
  databaseUrl: config.databaseUrl,
  size: config.databasePoolSize,
  applicationName: 'holdfast worker',
  onError: (error) => log.warn({ err: error }, 'an idle database connection broke; it will be replaced'),
});
const announcer = new Announcer(pool);
const database = openDatabase(pool, (id) => announcer.add(id));
const provider = watchHealth(createProvider(config.provider), (change) => {
  if (change.state === 'down') log.warn(change, 'the provider gives no usable answer');
  else log.info(change, 'the provider answers again');
});
const temporal = createTemporalClient(config.temporal);
const registry = createMetrics();

await registerNamespace(temporal);
const [workflowBundle] = await Promise.all([buildWorkflowBundle(), registerSearchAttributes(temporal)]);
const activities = createActivities({
  ledger: createLedger(database),
  store: createStore(database),
  provider,
  archive: createFolderStore(config.archiveFolder),
  webhooks: createWebhookSender({ allowPrivate: config.webhookAllowPrivate }),
  generations: createGenerations(temporal),
  holdTtlSeconds: config.holdTtlSeconds,
  providerEventsExpected: config.provider.webhookSecret !== undefined,
  lookForCreateMs: config.lookForCreateMs,
  textLeaseMs: config.textLeaseMs,
  copyLimits: { ...LEAST_SPEED, maximumBytes: config.archiveContentMaximumBytes },
  count: countAlarms(registry),
  observe: observeGauges(registry),
  at: crashAt(config.crashAt),
  log,
});
const create = async () => {
  const connection = await NativeConnection.connect(config.temporal.connectionOptions);
  const namespace = config.temporal.namespace ?? DEFAULT_NAMESPACE;
  const workers = await createWorkers({ connection, namespace, workflowBundle, activities });
  return { workers, close: () => connection.close() };
};
const stopping = new AbortController();
const running = keepRunning(await create(), {
  create,
  stopping: stopping.signal,
  onError: (error) => log.error({ err: error }, 'a worker ended; all are started again'),
});
await ensureReconcileSchedule(temporal, config.reconcileIntervalMs);
keepRegistered(temporal, {
  reconcileIntervalMs: config.reconcileIntervalMs,
  stopping: stopping.signal,
  onError: (error) => log.warn({ err: error }, 'could not look whether Temporal knows this service; trying again'),
});
log.info('ready');
// Last: the embedded stack takes metrics that answer for a worker that takes work.
const metrics = await serveMetrics(registry, config.host, config.workerMetricsPort);
onShutdown(log, async () => {
  stopping.abort();
  await running;
  metrics.close();
  await Promise.all([pool.end(), temporal.connection.close()]);
});
await running;

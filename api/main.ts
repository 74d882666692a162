import { setMaxListeners } from 'node:events';
import type { AddressInfo } from 'node:net';
import { loadConfig } from '../config.ts';
import { createLedger } from '../ledger/index.ts';
import { Announcer, contactDatabase, createPool, createStore, listenForChanges, openDatabase } from '../store/index.ts';
import { listSchemaFiles } from '../migrations/files.ts';
import { createFolderStore } from '../outbound/index.ts';
import { readEnvFile } from '../platform/envFile.ts';
import { endUnableToListen, onShutdown, sayFault } from '../platform/lifecycle.ts';
import { createLog } from '../platform/log.ts';
import { countRefusedStarts, countWebhooks, createMetrics, observeDoor, serveMetrics } from '../platform/metrics.ts';
import { startTracing } from '../platform/tracing.ts';
import { contactTemporal, createTemporalClient, temporalFault } from '../temporal/connection.ts';
import { createTemporal } from '../temporal/index.ts';
import { createWorkflowLinks } from '../temporal/web.ts';
import { createProviders, takeTurnOrNone } from '../provider/index.ts';
import { createApp } from './app.ts';
import { Door } from './door/door.ts';
import { sayWhenReady } from './health/readiness.ts';
import { createServer } from './server.ts';

/** After this long without an answer of Temporal, a line of the log says so. */
const TEMPORAL_CONTACT_MS = 10_000;

readEnvFile();
const config = loadConfig();
const log = createLog('api', config.logLevel);
const pool = createPool({
  databaseUrl: config.databaseUrl,
  size: config.databasePoolSize,
  applicationName: 'holdfast api',
  onError: (error) => log.warn({ err: error }, 'an idle database connection broke; it will be replaced'),
});
const tracing = await startTracing('api', config);
const temporalClient = createTemporalClient(config.temporal, tracing?.clientInterceptors);
const announcer = new Announcer(pool);
const database = openDatabase(pool, (id) => announcer.add(id));
const changes = listenForChanges({
  databaseUrl: config.databaseUrl,
  onError: (error) =>
    log.warn({ why: error.message }, 'the connection that hears of changes broke; it will be replaced'),
});
const closing = new AbortController();
const givingUp = new AbortController();
// As many as there are streams and creates at once; each takes its own back.
setMaxListeners(0, closing.signal, givingUp.signal);
const registry = createMetrics();
const store = createStore(database);
const temporal = createTemporal(temporalClient);
const door = new Door(givingUp.signal, countRefusedStarts(registry));
observeDoor(registry, door);
const app = createApp({
  database,
  ledger: createLedger(database),
  store,
  changes,
  closing: closing.signal,
  givingUp: givingUp.signal,
  temporal,
  door,
  providers: createProviders(config.providers, { takeTurn: takeTurnOrNone(store.takeTurn) }),
  archive: createFolderStore(config.archiveFolder),
  adminKey: config.adminKey,
  requestsPerMinute: config.requestsPerMinute,
  streamLimits: config.streamLimits,
  webhooksPrivateFor: config.webhooksPrivateFor,
  countWebhook: countWebhooks(registry),
  startTimeoutMs: config.startTimeoutMs,
  linkToWorkflow: createWorkflowLinks(config.temporalWebUrl, config.temporal.namespace ?? 'default'),
  log,
  schemaFiles: await listSchemaFiles(),
});
const metrics = await serveMetrics(registry, config.host, config.metricsPort).catch(
  endUnableToListen(log, 'METRICS_PORT'),
);
const server = createServer(app);
server.on('error', endUnableToListen(log, 'PORT'));
server.listen(config.port, config.host, () => {
  log.info({ port: (server.address() as AddressInfo).port }, 'listening');
});

void sayWhenReady({ store, temporal, closing: closing.signal, log });
// Neither is waited for: /readyz says so until both answer.
void contactDatabase(pool, 'DATABASE_URL', config.databaseUrl).then((fault) => sayFault(log, fault));
contactTemporal(temporalClient, TEMPORAL_CONTACT_MS).catch((error: unknown) => {
  sayFault(log, { why: temporalFault(error, config.temporal), refused: false });
});

/** What is in flight at SIGTERM gets this long to end. */
const DRAIN_MS = 9000;

/** Who waits for a hold by then is told that nothing is held, while there is time to say so. */
const GIVE_UP_AFTER_MS = 5000;

onShutdown(log, async () => {
  closing.abort();
  setTimeout(() => givingUp.abort(), GIVE_UP_AFTER_MS).unref();
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  server.closeIdleConnections();
  const cut = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
  await closed;
  clearTimeout(cut);
  metrics.close();
  await changes.close();
  await Promise.all([pool.end(), temporalClient.connection.close(), tracing?.close()]);
});

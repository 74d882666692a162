import { randomUUID } from 'node:crypto';
import { type ActivityDependencies, takeTurnOfActivity } from '../activities/index.ts';
import type { Config } from '../config.ts';
import { createLedger } from '../ledger/index.ts';
import { Announcer, contactDatabase, createPool, createStore, openDatabase } from '../store/index.ts';
import { createFolderStore, createWebhookSender } from '../outbound/index.ts';
import { createLog } from '../platform/log.ts';
import { countAlarms, createMetrics, observeGauges, observeProviders, observeSweeps } from '../platform/metrics.ts';
import { createProbe, createProviders, identityOf, takeTurnOrNone, watchHealth } from '../provider/index.ts';
import type { Tracing } from '../platform/tracing.ts';
import { createTemporalClient } from '../temporal/connection.ts';
import { createTemporal } from '../temporal/index.ts';
import { keepProbing } from './probing.ts';

/** A copy must receive 256 KiB in each half minute, and end before its activity's time-out of an hour. */
const LEAST_SPEED = { leastBytes: 256 * 1024, withinMs: 30_000, tryMs: 59 * 60_000 };

/** A local try takes 4 s at most (workflows/activities.ts), and each of its two statements may wait. */
const HASTY = { connectTimeoutMs: 1000, statementTimeoutMs: 1500 };

/** The dependencies of a worker process. None of them is connected yet. */
export function createDependencies(config: Config, tracing?: Tracing) {
  const log = createLog('worker', config.logLevel);
  const registry = createMetrics();
  const poolOptions = {
    databaseUrl: config.databaseUrl,
    size: config.databasePoolSize,
    onError: (error: Error) => log.warn({ err: error }, 'an idle database connection broke; it will be replaced'),
  };
  const pool = createPool({ ...poolOptions, applicationName: 'holdfast worker' });
  const announcer = new Announcer(pool);
  const changed = (id: string) => announcer.add(id);
  const database = openDatabase(pool, changed);
  const hastyPool = createPool({ ...poolOptions, ...HASTY, applicationName: 'holdfast worker, local steps' });
  const hasty = openDatabase(hastyPool, changed);
  const client = createTemporalClient(config.temporal, tracing?.clientInterceptors);
  const temporal = createTemporal(client);
  const store = createStore(database);
  const count = countAlarms(registry);
  const stopping = new AbortController();
  const activities: ActivityDependencies = {
    ledger: createLedger(database),
    store,
    hasty: { ledger: createLedger(hasty), store: createStore(hasty) },
    providers: createProviders(config.providers, {
      takeTurn: takeTurnOfActivity({ store, count }),
      wrap: (provider) =>
        watchHealth(provider, (change) => {
          const said = { provider: provider.name, ...change };
          if (change.state === 'down') log.warn(said, 'the provider gives no usable answer');
          else log.info(said, 'the provider answers again');
        }),
    }),
    archive: createFolderStore(config.archiveFolder),
    webhooks: createWebhookSender({ privateFor: config.webhooksPrivateFor }),
    generations: temporal.generations,
    archives: temporal.archives,
    holdTtlSeconds: config.holdTtlSeconds,
    lookForCreateMs: config.lookForCreateMs,
    textLeaseMs: config.textLeaseMs,
    copyLimits: { ...LEAST_SPEED, maximumBytes: config.archiveContentMaximumBytes },
    count,
    observe: observeGauges(registry),
    sweepMeter: observeSweeps(registry),
    stopping: stopping.signal,
    log,
  };
  const prober = randomUUID();
  const probed = config.providers.map((settings, place) => ({
    ...{ name: settings.name, identity: identityOf(settings), isDefault: place === 0, isProbed: settings.probe },
    requestsPerMinute: settings.requestsPerMinute ?? null,
    probe: createProbe({ ...settings, takeTurn: takeTurnOrNone(store.takeTurn) }),
  }));
  return {
    log,
    registry,
    client,
    tracing: tracing?.worker,
    activities,
    /** To be aborted when the process ends. */
    stopping,
    /** Probes the providers until then. */
    keepProbing: () =>
      keepProbing(
        probed.filter(({ isProbed }) => isProbed),
        {
          record: (provider, why) => store.recordProbe(prober, provider, why),
          ...{ observe: observeProviders(registry), log, stopping: stopping.signal },
        },
      ),
    builds: { getCurrentBuild: store.getCurrentBuild, recordCurrentBuild: store.recordCurrentBuild },
    contactDatabase: () => contactDatabase(pool, 'DATABASE_URL', config.databaseUrl),
    close: async () => {
      await Promise.all([pool.end(), hastyPool.end(), client.connection.close(), tracing?.close()]);
    },
  };
}

export type Dependencies = ReturnType<typeof createDependencies>;

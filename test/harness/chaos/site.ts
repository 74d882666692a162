import { chmod, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import pg from 'pg';
import { findTemporalCli } from '../../../dev/binaries.ts';
import { build as buildPrograms } from '../../../dev/build.mjs';
import { portVariables, untilItWorks } from '../../../dev/ports.ts';
import type { Cluster } from '../../../dev/postgres.ts';
import { initialise, ownerUrl, prepareDatabase, serverCommand, superuserUrl } from '../../../dev/postgres.ts';
import { owned, postgresUser, reachableParent } from '../../../dev/postgres-place.ts';
import { repository } from '../../../dev/state.ts';
import { prepareNamespace, serverCommand as temporalCommand } from '../../../dev/temporal.ts';
import type { Pool } from '../../../store/index.ts';
import { createPool } from '../../../store/index.ts';
import type { Mutant } from '../mutants/mutant.ts';
import { applyMutant } from '../mutants/mutant.ts';
import { WITH_SEARCH_PATH } from '../support/template.ts';
import { makeNext, runProgram } from '../upgrades/next.ts';
import { Ground } from './ground.ts';
import type { Link } from './link.ts';
import type { ChaosOptions } from './options.ts';
import type { PartName, ProcessName, Way } from './plan.ts';
import { PROCESSES, PROVIDERS } from './plan.ts';
import { ownPort } from './ports.ts';
import { SiteProviders } from './siteProviders.ts';
import type { Supervised } from './supervised.ts';

/** Everything that runs: four servers, four processes of ours, and a proxy on each connection between them. */
export interface Site {
  readonly folder: string;
  readonly adminKey: string;
  readonly apis: readonly string[];
  readonly workerMetrics: readonly string[];
  readonly providers: SiteProviders;
  readonly temporal: Client;
  /** Connections of the superuser, which bypass the proxies. */
  readonly database: Pool;
  readonly part: (name: PartName) => Supervised;
  readonly parts: () => readonly Supervised[];
  /** What commands of an operator need; their connections are struck with those of all. */
  readonly operator: NodeJS.ProcessEnv;
  /** Where the next version is; undefined: this run has no upgrade. */
  readonly next: string | undefined;
  readonly links: (way: Way) => readonly Link[];
  /** Ends every process; the folder goes unless it is kept. */
  readonly close: (keep: boolean) => Promise<void>;
}

/** Longer than a call may take (30 s), and longer than a create can be delayed on its way (plan.ts). */
const LOOK_FOR_CREATE_SECONDS = 35;
const RECONCILE_INTERVAL_SECONDS = 15;

const READY_LIMIT_MS = 60_000;
const PASSWORDS = { superuserPassword: 'superuser', ownerPassword: 'owner' };

/** Starts everything; resolves when all of it is ready. */
export async function openSite(options: ChaosOptions, say: (line: string) => void, over: AbortSignal): Promise<Site> {
  const user = postgresUser();
  const folder = await mkdtemp(join(reachableParent(user, [tmpdir(), '/tmp', '/var/tmp']), 'holdfast-chaos-'));
  const ground = new Ground(folder);
  try {
    // PostgreSQL's user has to pass through.
    await chmod(folder, 0o711);
    const postgresFolder = owned(join(folder, 'postgres'), user);
    const cluster: Cluster = { folder: postgresFolder, port: await ownPort(), user, ...PASSWORDS, durable: true };
    return await build(ground, cluster, options, say, over);
  } catch (error) {
    await ground.close(false);
    throw error;
  }
}

async function build(
  ground: Ground,
  cluster: Cluster,
  options: ChaosOptions,
  say: (line: string) => void,
  over: AbortSignal,
): Promise<Site> {
  const { folder } = ground;
  await buildPrograms();
  const next = options.kinds.includes('upgrade') ? await makeNext(folder) : undefined;
  const webhookPort = await ownPort();
  const [temporalPort, providers] = await Promise.all([
    startTemporal(ground, say),
    SiteProviders.start(ground, withoutSettings(folder), options.speeches, webhookPort),
    startPostgres(ground, cluster),
  ]);
  over.throwIfAborted();
  const temporalAddress = `127.0.0.1:${temporalPort}`;
  const serviceUrl = (port: number) => `postgres://holdfast_service:service@127.0.0.1:${port}/holdfast`;
  const shared = {
    ...withoutSettings(folder),
    HOLD_TTL_SECONDS: String(options.holdTtlSeconds),
    LOOK_FOR_CREATE_SECONDS: String(LOOK_FOR_CREATE_SECONDS),
    RECONCILE_INTERVAL_SECONDS: String(RECONCILE_INTERVAL_SECONDS),
    START_TIMEOUT_MS: String(options.startTimeoutMs),
    ADMIN_KEY: 'the-admin-key-of-the-chaos',
    DATABASE_POOL_SIZE: '10',
    RATE_LIMIT_PER_MINUTE: '1000000',
    ARCHIVE_DIR: join(folder, 'archive'),
    ...providers.variables,
  };
  const operatorsPort = await ground.link('all', 'postgres', cluster.port);
  const operator = {
    ...shared,
    DATABASE_URL: serviceUrl(operatorsPort),
    MIGRATE_DATABASE_URL: ownerUrl({ ...cluster, port: operatorsPort }, 'holdfast'),
    TEMPORAL_ADDRESS: `127.0.0.1:${await ground.link('all', 'temporal', temporalPort)}`,
  };
  await runProgram(repository, 'dist/migrations/main.js', operator);
  const { without } = options;
  if (without !== undefined) await takeOut(cluster, without);
  over.throwIfAborted();
  const processes = await Promise.all(
    PROCESSES.map(async (name) => {
      const ways = {
        DATABASE_URL: serviceUrl(await ground.link(name, 'postgres', cluster.port)),
        TEMPORAL_ADDRESS: `127.0.0.1:${await ground.link(name, 'temporal', temporalPort)}`,
      };
      return startProcess(ground, name, { ...shared, ...ways }, name === 'api-1' ? webhookPort : await ownPort());
    }),
  );
  const database = createPool({
    databaseUrl: `${superuserUrl(cluster, 'holdfast')}?options=${encodeURIComponent(WITH_SEARCH_PATH)}`,
    size: 4,
    applicationName: 'chaos',
    onError: () => undefined,
    statementTimeoutMs: 30_000,
  });
  const connection = Connection.lazy({ address: temporalAddress });
  ground.closing.push(
    () => database.end(),
    () => connection.close(),
  );
  const site: Site = {
    folder,
    adminKey: shared.ADMIN_KEY,
    apis: processes.filter(({ isApi }) => isApi).map(({ url }) => url),
    workerMetrics: processes.filter(({ isApi }) => !isApi).map(({ url }) => `${url}/metrics`),
    providers,
    temporal: new Client({ connection }),
    database,
    part: (name) => ground.part(name),
    parts: () => [...ground.supervised.values()],
    operator,
    next,
    links: (way) => ground.linksOn(way),
    close: (keep) => ground.close(keep),
  };
  await untilReady(site, READY_LIMIT_MS);
  return site;
}

async function startPostgres(ground: Ground, cluster: Cluster): Promise<void> {
  await initialise(cluster);
  ground.run('postgres', serverCommand(cluster));
  await prepareDatabase(cluster, READY_LIMIT_MS);
}

async function startTemporal(ground: Ground, say: (line: string) => void): Promise<number> {
  const cli = await findTemporalCli(say);
  const ports = { ...portVariables, TEMPORAL_PORT: await ownPort(), TEMPORAL_UI_PORT: await ownPort() };
  ground.run('temporal', temporalCommand(cli, ports, ground.folder));
  await prepareNamespace(ports.TEMPORAL_PORT, READY_LIMIT_MS);
  return ports.TEMPORAL_PORT;
}

async function startProcess(ground: Ground, name: ProcessName, env: NodeJS.ProcessEnv, port: number) {
  const isApi = name.startsWith('api');
  const metricsPort = await ownPort();
  const ports = isApi
    ? { PORT: String(port), METRICS_PORT: String(metricsPort) }
    : { WORKER_METRICS_PORT: String(port) };
  const args = [`dist/${isApi ? 'api' : 'worker'}/main.js`];
  ground.run(name, { command: process.execPath, args, cwd: repository, env: { ...env, ...ports } });
  return { isApi, url: `http://127.0.0.1:${port}` };
}

/** A shell's environment, without the settings of a stack that the developer runs. */
function withoutSettings(folder: string): NodeJS.ProcessEnv {
  const shells = ['PATH', 'HOME', 'USER', 'TMPDIR', 'LANG'];
  return {
    HOLDFAST_ENV_FILE: '/dev/null',
    ...Object.fromEntries(shells.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : []))),
    TEMPORAL_CONFIG_FILE: join(folder, 'temporal.toml'),
  };
}

async function takeOut(cluster: Cluster, guard: Mutant): Promise<void> {
  const client = new pg.Client({ connectionString: superuserUrl(cluster, 'holdfast'), options: WITH_SEARCH_PATH });
  await client.connect();
  try {
    await applyMutant(client, guard);
  } finally {
    await client.end();
  }
}

/** Resolves when everything answers; rejects with the parts that don't. */
export async function untilReady({ apis, workerMetrics, providers }: Site, limit_ms: number): Promise<void> {
  const simulators = PROVIDERS.map((name) => `${providers.simulator(name)}/_simulator/stats`);
  const urls = [...apis.map((api) => `${api}/readyz`), ...workerMetrics, ...simulators];
  await Promise.all(
    urls.map((url) =>
      untilItWorks(
        async () => {
          const answer = await fetch(url, { signal: AbortSignal.timeout(3000) });
          if (!answer.ok) throw new Error(`${url} answers ${answer.status}`);
          await answer.arrayBuffer();
        },
        limit_ms,
        200,
      ),
    ),
  );
}

import { join } from 'node:path';
import type { Config } from './configuration.ts';
import { readBuild } from '../platform/buildId.ts';
import { findTemporalCli } from './binaries.ts';
import { demoKey } from './demo.ts';
import { say, timed } from './output.ts';
import { contactDatabase, contactServer, migrateDatabase } from './outside.ts';
import { type Part, program, waitingProgram } from './parts.ts';
import { StartRefused, untilItWorks } from './ports.ts';
import {
  type Cluster,
  disownDeadServer,
  initialise,
  ownerUrl,
  prepareDatabase,
  serverCommand as postgresServer,
} from './postgres.ts';
import { dataFolder, postgresUser } from './postgres-place.ts';
import type { Running } from './running.ts';
import type { Settings } from './settings.ts';
import { repository, type Secrets } from './state.ts';
import { addresses, type Endpoints } from './summary.ts';
import { prepareNamespace, serverCommand as temporalServer, withoutTemporalSettings } from './temporal.ts';

/**
 * Starts everything at once. Worker and API are loaded meanwhile, and run once the database has its schema and Temporal answers.
 */

const READY_LIMIT_MS = 60_000;

/** What all steps of a start use. */
export interface Start {
  readonly settings: Settings;
  readonly folder: string;
  readonly secrets: Secrets;
  readonly running: Running;
}

/** Where the parts find the database: the user's, or the one that this stack starts. */
function databaseUrls({ settings, secrets }: Start) {
  const { ownerPassword, servicePassword } = secrets;
  const port = settings.ports.POSTGRES_PORT;
  return (
    settings.database ?? {
      url: `postgres://holdfast_service:${servicePassword}@127.0.0.1:${port}/holdfast`,
      ownerUrl: ownerUrl({ ownerPassword, port }, 'holdfast'),
    }
  );
}

function temporalAddress({ settings }: Start): string {
  return settings.temporalAddress ?? `127.0.0.1:${settings.ports.TEMPORAL_PORT}`;
}

async function startDatabase({ settings, folder, secrets, running }: Start): Promise<Part> {
  const user = postgresUser();
  const { superuserPassword, ownerPassword } = secrets;
  const port = settings.ports.POSTGRES_PORT;
  const place = dataFolder(folder, user);
  const cluster: Cluster = { folder: place, port, user, superuserPassword, ownerPassword, durable: true };
  await initialise(cluster);
  disownDeadServer(cluster);
  const part = running.start(postgresServer(cluster));
  await prepareDatabase(cluster, READY_LIMIT_MS);
  return part;
}

async function startTemporal({ settings, folder, running }: Start): Promise<Part> {
  const cli = await findTemporalCli(say);
  const part = running.start(temporalServer(cli, settings.ports, folder));
  await prepareNamespace(settings.ports.TEMPORAL_PORT, READY_LIMIT_MS);
  return part;
}

function startSimulator(start: Start): Part | undefined {
  const { settings, folder, running } = start;
  if (!settings.simulated) return undefined;
  const env = {
    ...process.env,
    SIMULATOR_PORT: String(settings.ports.SIMULATOR_PORT),
    SIMULATOR_DIR: join(folder, 'simulator'),
    SIMULATOR_WEBHOOK_URL: `http://127.0.0.1:${settings.ports.PORT}/webhooks/openai`,
    SIMULATOR_WEBHOOK_SECRET: webhookSecretOf(start),
  };
  return running.start(program('simulator', 'dev/simulator/main', repository, env));
}

/** The secret with which the simulator signs and the API verifies. */
function webhookSecretOf({ secrets }: Start): string {
  return process.env['OPENAI_WEBHOOK_SECRET'] || secrets.webhookSecret;
}

/** The simulator accepts any key. This one is no word, because our key is removed from whatever a provider says. */
const SIMULATORS_KEY = 'sk-simulator-3f9c1b7e52d84a06';

/** Of the simulator; the user's own providers are in the environment as it is. */
function providerSettings(start: Start) {
  if (!start.settings.simulated) return {};
  return {
    OPENAI_API_KEY: SIMULATORS_KEY,
    PROVIDER_PROXY_URL: '',
    OPENAI_BASE_URL: `http://127.0.0.1:${start.settings.ports.SIMULATOR_PORT}/v1`,
    OPENAI_WEBHOOK_SECRET: webhookSecretOf(start),
  };
}

/** Temporal Web's address; undefined: the user's own Temporal may have one. */
function temporalWeb({ temporalAddress, ports }: Settings): string | undefined {
  return temporalAddress === undefined ? `http://127.0.0.1:${ports.TEMPORAL_UI_PORT}` : undefined;
}

/** The environment of our programs: the user's, with the addresses and keys of this stack. */
export function partEnvironment(start: Start) {
  const { settings, folder, secrets } = start;
  const inherited = settings.temporalAddress === undefined ? withoutTemporalSettings(process.env, folder) : process.env;
  const { MIGRATE_DATABASE_URL: _, ...rest } = inherited;
  const ports = Object.entries(settings.ports).map(([variable, port]) => [variable, String(port)]);
  return {
    ...rest,
    ...(Object.fromEntries(ports) as Record<string, string>),
    DATABASE_URL: databaseUrls(start).url,
    TEMPORAL_ADDRESS: temporalAddress(start),
    TEMPORAL_NAMESPACE: rest['TEMPORAL_NAMESPACE'] || 'default',
    TEMPORAL_WEB_URL: temporalWeb(settings) ?? rest['TEMPORAL_WEB_URL'],
    ...providerSettings(start),
    ADMIN_KEY: rest['ADMIN_KEY'] || secrets.adminKey,
    ARCHIVE_DIR: rest['ARCHIVE_DIR'] || join(folder, 'archive'),
    // High, so that a user can try a load on this machine.
    RATE_LIMIT_PER_MINUTE: rest['RATE_LIMIT_PER_MINUTE'] || '60000',
    // A user's webhook receiver runs on this machine.
    WEBHOOK_ALLOW_PRIVATE_ADDRESSES: rest['WEBHOOK_ALLOW_PRIVATE_ADDRESSES'] || 'true',
  };
}

async function answers(url: string): Promise<void> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(2000) });
  if (!answer.ok) throw new StartRefused(`${url} answers ${answer.status}: ${await answer.text()}`);
}

/** Asks the user's own servers, if there are any, before anything starts. Raises `StartRefused` with what to do. */
export async function contactOutside({ settings }: Start, config: Config): Promise<void> {
  const { database, temporalAddress: outside } = settings;
  await Promise.all([
    // The migrations make the service's role, so only the owner can be asked yet.
    database && timed('Your PostgreSQL', contactDatabase('MIGRATE_DATABASE_URL', database.ownerUrl)),
    outside && timed('Your Temporal', contactServer(config.temporal)),
  ]);
}

/** Resolves with the database's process, if it is ours, once it has the schema and lets the service in. */
async function prepareDatabaseServer(start: Start): Promise<Part | undefined> {
  const postgres = start.settings.database === undefined ? await timed('PostgreSQL', startDatabase(start)) : undefined;
  const { url, ownerUrl } = databaseUrls(start);
  await timed('Database schema', migrateDatabase({ ownerUrl, serviceUrl: url }));
  await contactDatabase('DATABASE_URL', url);
  return postgres;
}

/** Keeps the build. What deploys it loads Temporal's client, which takes half a second: everything is started before. */
async function prepareDeployment(folder: string, build: string) {
  const [{ deploy }, { keepBuild }] = await Promise.all([import('./deploy.ts'), import('./earlierBuilds.ts')]);
  keepBuild(folder, build);
  return deploy;
}

/** The servers that everything needs; undefined: one of the user's own. */
async function startServers(start: Start) {
  const [postgres, temporal] = await Promise.all([
    prepareDatabaseServer(start),
    start.settings.temporalAddress === undefined ? timed('Temporal', startTemporal(start)) : undefined,
  ]);
  return { postgres, temporal };
}

/**
 * Resolves with all addresses once the API is ready and the worker runs; rejects when a step fails. What has started by then is
 * in `running`.
 */
export async function startAll(start: Start, config: Config): Promise<Endpoints> {
  const { settings, running, folder } = start;
  const env = partEnvironment(start);
  const starting = startServers(start);
  const worker = running.start(waitingProgram('worker', 'worker/main', repository, env));
  const api = running.start(waitingProgram('api', 'api/main', repository, env));
  const simulator = startSimulator(start);
  const ownBuild = readBuild(join(repository, 'dist', 'workflow-bundle.js')).id;
  const [servers, deploy] = await Promise.all([starting, prepareDeployment(folder, ownBuild)]);
  const where = addresses(settings.ports);
  await Promise.all([timed('Worker', run(worker, where.workerMetrics)), timed('API', run(api, `${where.api}/readyz`))]);
  await deploy(config.temporal, { stateFolder: folder, ownBuild, env, running }, READY_LIMIT_MS);
  const database = databaseUrls(start);
  return {
    ...where,
    temporalWeb: env.TEMPORAL_WEB_URL ?? null,
    temporalAddress: env.TEMPORAL_ADDRESS,
    temporalNamespace: env.TEMPORAL_NAMESPACE,
    databaseUrl: database.url,
    migrateDatabaseUrl: database.ownerUrl,
    provider: config.providers[0].baseUrl,
    apiKey: await demoKey(where.api, env.ADMIN_KEY, folder),
    adminKey: env.ADMIN_KEY,
    pids: pidsOf({ api, worker, ...servers, simulator }),
  };

  function run(part: Part, url: string): Promise<void> {
    running.begin(part);
    return untilItWorks(() => answers(url), READY_LIMIT_MS);
  }
}

function pidsOf(parts: Record<keyof Endpoints['pids'], Part | undefined>): Endpoints['pids'] {
  const pid = (name: keyof Endpoints['pids']) => parts[name]?.record.pid ?? null;
  return {
    api: pid('api'),
    worker: pid('worker'),
    postgres: pid('postgres'),
    temporal: pid('temporal'),
    simulator: pid('simulator'),
  };
}

import { setMaxListeners } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import OpenAI from 'openai';
import type { ActivityDependencies } from '../../../activities/index.ts';
import { createActivities } from '../../../activities/index.ts';
import { createApp } from '../../../api/app.ts';
import type { Clock } from '../../../api/door/clock.ts';
import { Door } from '../../../api/door/door.ts';
import type { ServerLimits } from '../../../api/server.ts';
import type { StreamLimits } from '../../../api/http/deps.ts';
import { createServer } from '../../../api/server.ts';
import { freePort } from '../../../dev/ports.ts';
import { createSimulator, listen } from '../../../dev/simulator/server.ts';
import { createLedger } from '../../../ledger/index.ts';
import { Announcer, createStore, listenForChanges, openDatabase } from '../../../store/index.ts';
import type { ContentStore, PrivateFor } from '../../../outbound/index.ts';
import { createFolderStore, createWebhookSender } from '../../../outbound/index.ts';
import { listSchemaFiles } from '../../../migrations/files.ts';
import { createTemporal } from '../../../temporal/index.ts';
import { createWorkflowLinks } from '../../../temporal/web.ts';
import { createTemporalClient } from '../../../temporal/connection.ts';
import { createProviders, type Providers } from '../../../provider/index.ts';
import type { Tracing } from '../../../platform/tracing.ts';
import { COPY_LIMITS } from './copyLimits.ts';
import type { TestDatabase } from './database.ts';
import { createTestDatabase } from './database.ts';
import type { SwallowingProxy } from './swallowingProxy.ts';
import { startSwallowingProxy } from './swallowingProxy.ts';
import { createDevServer, startWorkers } from './temporal.ts';

export const ADMIN_KEY = 'the-admin-key-of-the-tests';

export interface TestStack {
  readonly url: string;
  readonly database: TestDatabase;
  /** The number of APIs, and of workers. */
  readonly processes: number;
  /** The door of each API. */
  readonly doors: readonly Door[];
  readonly env: TestWorkflowEnvironment;
  /** The API's client of Temporal. */
  readonly temporal: Client;
  readonly simulatorUrl: string;
  /** Ends the simulator for good, as if the provider were gone. */
  readonly stopSimulator: () => Promise<void>;
  readonly archive: ContentStore;
  /** The archive's folder. */
  readonly archiveFolder: string;
  /** Everything the API logged as a warning or an error. */
  readonly logged: string[];
  /** Everything that API and workers logged at the level info. */
  readonly told: string[];
  readonly alarms: string[];
  /** The outcome of each webhook of the provider. */
  readonly webhooks: string[];
  /** The result of each call of a sweep, and the reason of each of its nudges. */
  readonly sweeps: string[];
  /** Acts as the API does a while after SIGTERM: clients that wait for a hold are told that nothing is held. */
  readonly giveUp: () => void;
  readonly stopWorkers: () => Promise<void>;
  readonly startWorkers: () => Promise<void>;
  /** Deletes Temporal's data and starts a new server at the same address, with workers. */
  readonly loseTemporal: () => Promise<void>;
  /** The same while the workers go on; nothing is registered with the new server. */
  readonly replaceTemporal: () => Promise<void>;
  /** The proxies in front of these; only in a `proxied` stack. */
  readonly between: { readonly temporal: SwallowingProxy; readonly provider: SwallowingProxy } | undefined;
  readonly stop: () => Promise<void>;
}

/** `npm run test:twice`: two APIs and two workers on one database and one Temporal; requests go to either in turn. */
const TWICE = process.env['TEST_TWICE'] === '1';

/** The product in this process: real PostgreSQL, a real Temporal server, the simulator and the API over real HTTP. */
export async function startStack(
  options: {
    videoSeconds?: number;
    /** What recent videos took, so the first look at one comes after 0.6 of it. If null, nothing is known: after 10 s. */
    expectedMs?: number | null;
    holdTtlSeconds?: number;
    startTimeoutMs?: number;
    lookForCreateMs?: number;
    textLeaseMs?: number;
    /** The address at which workers reach Temporal, if not its own. */
    workersReach?: (temporalAddress: string) => Promise<string>;
    /** If set, the simulator sends webhooks signed with it. */
    webhookSecret?: string;
    /** Wraps the dependencies of each worker. */
    wrapped?: (deps: ActivityDependencies) => ActivityDependencies;
    /** Whose webhooks may go to private addresses; everybody's without it. */
    webhooksPrivateFor?: PrivateFor;
    /** If set, Temporal and its file can be lost. */
    keepTemporalOnDisk?: boolean;
    /** The limit of keys without their own. Tests send more requests in a minute than people do. */
    requestsPerMinute?: number;
    streamLimits?: StreamLimits;
    serverLimits?: Partial<ServerLimits>;
    /** The clock of the APIs' doors, if not the real one. */
    doorClock?: Clock;
    /** If set, there are proxies in front of Temporal (for the API) and of the provider. */
    proxied?: boolean;
    /** The providers of all processes, instead of the simulator alone, given its URL or that of what is in front of it. */
    providers?: (providerUrl: string) => Providers;
    /** If set, API and workers trace. */
    tracing?: Tracing;
    /** What stands in front of the simulator, if anything. */
    providerBehind?: (simulatorUrl: string) => Promise<{ readonly url: string; readonly close: () => Promise<void> }>;
  } = {},
): Promise<TestStack> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-stack-'));
  const temporalFile = options.keepTemporalOnDisk
    ? { file: join(folder, 'temporal.db'), port: await freePort() }
    : undefined;
  // It listens before anything else can take its port.
  let serve = (_request: Request, _bindings?: object): Response | Promise<Response> =>
    new Response(null, { status: 503 });
  const server = createServer(
    { fetch: (request: Request, bindings?: object) => serve(request, bindings) },
    options.serverLimits,
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const { webhookSecret } = options;
  const webhook =
    webhookSecret === undefined
      ? undefined
      : { url: `http://127.0.0.1:${port}/webhooks/openai`, secret: webhookSecret, retry_ms: 200 };
  const [database, firstEnv, simulator] = await Promise.all([
    createTestDatabase().then((created) => expectVideosAfter(created, options.expectedMs)),
    createDevServer(temporalFile),
    listen(createSimulator({ dir: folder, videoSeconds: options.videoSeconds ?? 0.5, webhook })),
  ]);
  let env = firstEnv;
  // A separate connection: the environment's is closed with its server.
  const between = options.proxied
    ? {
        temporal: await startSwallowingProxy(`http://${env.address}`),
        provider: await startSwallowingProxy(simulator.url),
      }
    : undefined;
  const temporal = createTemporalClient(
    { connectionOptions: { address: between === undefined ? env.address : `127.0.0.1:${between.temporal.port}` } },
    options.tracing?.clientInterceptors,
  );
  const gateway = await options.providerBehind?.(simulator.url);
  const providerUrl =
    gateway?.url ?? (between === undefined ? simulator.url : `http://127.0.0.1:${between.provider.port}`);
  const baseUrl = `${providerUrl}/v1`;
  const providers =
    options.providers?.(providerUrl) ??
    createProviders([{ name: 'openai', baseUrl, apiKey: 'key', createEncoding: 'multipart', webhookSecret }]);
  const archiveFolder = join(folder, 'archive');
  const archive = createFolderStore(archiveFolder);
  const alarms: string[] = [];
  const logged: string[] = [];
  const webhooks: string[] = [];
  const sweeps: string[] = [];
  let stopping = new AbortController();
  const told: string[] = [];
  const log = { error: record(logged), warn: record(logged), info: record(told) };
  function record(into: string[]): (fields: object, message: string) => void {
    return (fields, message) => into.push(line(fields, message));
  }
  function line(fields: object, message: string): string {
    return `${message} ${JSON.stringify(fields, (_key, value: unknown) => (value instanceof Error ? String(value) : value))}`;
  }
  const closing = new AbortController();
  const givingUp = new AbortController();
  setMaxListeners(0, closing.signal, givingUp.signal);
  const schemaFiles = await listSchemaFiles();
  const processes = (TWICE ? [database.pool, database.openPool()] : [database.pool]).map((pool) => {
    const announcer = new Announcer(pool);
    const opened = openDatabase(pool, (id) => announcer.add(id));
    const books = { database: opened, ledger: createLedger(opened), store: createStore(opened) };
    const dependencies: ActivityDependencies = {
      ...books,
      hasty: books,
      providers,
      archive,
      webhooks: createWebhookSender({ privateFor: options.webhooksPrivateFor ?? 'everybody' }),
      generations: createTemporal(temporal).generations,
      archives: createTemporal(temporal).archives,
      holdTtlSeconds: options.holdTtlSeconds ?? 3600,
      lookForCreateMs: options.lookForCreateMs ?? 3000,
      textLeaseMs: options.textLeaseMs ?? 1000,
      copyLimits: COPY_LIMITS,
      count: (alarm) => alarms.push(alarm),
      observe: () => undefined,
      sweepMeter: {
        listed: (_provider, result) => sweeps.push(result),
        nudged: (_provider, reason, workflows) => sweeps.push(...Array<string>(workflows).fill(reason)),
      },
      get stopping() {
        return stopping.signal;
      },
      log,
    };
    const activities = createActivities(options.wrapped?.(dependencies) ?? dependencies);
    const door = new Door(givingUp.signal, undefined, options.doorClock);
    const changes = listenForChanges({ databaseUrl: database.url, onError: () => undefined });
    const app = createApp({
      ...books,
      changes,
      closing: closing.signal,
      givingUp: givingUp.signal,
      temporal: createTemporal(temporal),
      door,
      providers,
      archive,
      adminKey: ADMIN_KEY,
      requestsPerMinute: options.requestsPerMinute ?? 1_000_000,
      streamLimits: options.streamLimits ?? { ofOneKey: 1000, inAll: 1000 },
      webhooksPrivateFor: options.webhooksPrivateFor ?? 'everybody',
      countWebhook: (_provider, outcome) => webhooks.push(outcome),
      startTimeoutMs: options.startTimeoutMs ?? 8000,
      linkToWorkflow: createWorkflowLinks('http://temporal.test', 'default'),
      log,
      schemaFiles,
    });
    return { activities, changes, door, fetch: app.fetch };
  });
  let requests = 0;
  serve = (request, bindings) =>
    // At least one.
    (processes[requests++ % processes.length] as (typeof processes)[number]).fetch(request, bindings);
  const startAll = async () => {
    const address = (await options.workersReach?.(env.address)) ?? env.address;
    const reached = { address, namespace: env.namespace ?? 'default' };
    const traced = options.tracing === undefined ? {} : { tracing: options.tracing.worker };
    const stops = await Promise.all(processes.map(({ activities }) => startWorkers(reached, activities, traced)));
    return async () => {
      stopping.abort();
      await Promise.all(stops.map((stop) => stop()));
    };
  };
  let stopWorkers = await startAll();
  return {
    url: `http://127.0.0.1:${port}`,
    database,
    processes: processes.length,
    doors: processes.map(({ door }) => door),
    get env() {
      return env;
    },
    temporal,
    simulatorUrl: simulator.url,
    between,
    stopSimulator: () => simulator.close(),
    archive,
    archiveFolder,
    logged,
    told,
    alarms,
    webhooks,
    sweeps,
    giveUp: () => givingUp.abort(),
    stopWorkers: () => stopWorkers(),
    loseTemporal: async () => {
      if (temporalFile === undefined) throw new Error('this Temporal is in memory');
      await stopWorkers();
      await env.teardown();
      await Promise.all(['', '-wal', '-shm'].map((suffix) => rm(temporalFile.file + suffix, { force: true })));
      env = await createDevServer(temporalFile);
      stopping = new AbortController();
      stopWorkers = await startAll();
    },
    replaceTemporal: async () => {
      if (temporalFile === undefined) throw new Error('this Temporal is in memory');
      await env.teardown();
      await Promise.all(['', '-wal', '-shm'].map((suffix) => rm(temporalFile.file + suffix, { force: true })));
      env = await createDevServer(temporalFile, { isForgetful: true });
    },
    startWorkers: async () => {
      stopping = new AbortController();
      stopWorkers = await startAll();
    },
    stop: async () => {
      await stopWorkers();
      closing.abort();
      await new Promise((resolve) => server.close(resolve));
      await Promise.all(processes.map(({ changes }) => changes.close()));
      await between?.provider.close();
      await gateway?.close();
      await simulator.close();
      await Promise.all([env.teardown(), temporal.connection.close(), database.drop()]);
      await between?.temporal.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** By default the first look comes just after the simulator has made a video. */
async function expectVideosAfter(database: TestDatabase, expectedMs: number | null = 1000): Promise<TestDatabase> {
  if (expectedMs !== null)
    await database.admin.query(
      `CREATE OR REPLACE FUNCTION expected_duration_ms(p_model text, p_seconds integer, p_size text) RETURNS bigint
        LANGUAGE sql STABLE AS 'SELECT ${expectedMs}::bigint'`,
    );
  return database;
}

export async function adminPost(
  stack: Pick<TestStack, 'url'>,
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
) {
  return fetch(`${stack.url}/admin${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
}

export interface TestAccount {
  readonly id: string;
  readonly key: string;
  readonly client: OpenAI;
  /** Calls the API with this account's key. */
  readonly fetch: (path: string, init?: RequestInit) => Promise<Response>;
  readonly credits: () => Promise<{ available_microcredits: number; held_microcredits: number }>;
}

/** An account made as an operator makes one, with these credits. */
export async function openAccount(stack: Pick<TestStack, 'url'>, amountMicrocredits: number): Promise<TestAccount> {
  const { id } = (await (await adminPost(stack, '/accounts', { name: 'a customer' })).json()) as { id: string };
  const { key } = (await (await adminPost(stack, `/accounts/${id}/keys`, { name: 'first' })).json()) as { key: string };
  if (amountMicrocredits > 0) {
    const grant = { amount_microcredits: amountMicrocredits, reason: 'test' };
    await adminPost(stack, `/accounts/${id}/grants`, grant, { 'idempotency-key': 'first' });
  }
  const call = (path: string, init: RequestInit = {}) =>
    fetch(`${stack.url}${path}`, {
      ...init,
      headers: { authorization: `Bearer ${key}`, ...(init.headers as Record<string, string>) },
    });
  return {
    id,
    key,
    client: new OpenAI({ apiKey: key, baseURL: `${stack.url}/v1` }),
    fetch: call,
    credits: async () =>
      (await (await call('/v1/credits')).json()) as { available_microcredits: number; held_microcredits: number },
  };
}

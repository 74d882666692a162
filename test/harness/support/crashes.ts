import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from '@temporalio/client';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { inject } from 'vitest';
import { createActivities } from '../../../activities/index.ts';
import { parseConfig } from '../../../config.ts';
import { SEARCH_ATTRIBUTE } from '../../../contracts/temporal.ts';
import { createSimulator, listen } from '../../../dev/simulator/server.ts';
import { readBuild } from '../../../platform/buildId.ts';
import { createDependencies } from '../../../worker/dependencies.ts';
import { createWorkers } from '../../../worker/worker.ts';
import type { CrashPoint } from './crashPoints.ts';
import type { TestDatabase } from './database.ts';
import { createTestDatabase } from './database.ts';
import { quietRuntime } from './temporal.ts';

const repository = fileURLToPath(new URL('../../../', import.meta.url));

/** The environment in which workers crash and recover: one database, simulator and Temporal server for several namespaces. */
export interface CrashSite {
  readonly database: TestDatabase;
  readonly simulatorUrl: string;
  /** A client of one of the namespaces. */
  readonly client: (namespace: string) => Client;
  /** The environment of a worker, as `npm run worker` reads it. */
  readonly environment: (namespace: string) => Record<string, string>;
  /** Runs a worker of this namespace in this process; returns a function that stops it. */
  readonly recover: (namespace: string) => Promise<() => Promise<void>>;
  readonly close: () => Promise<void>;
}

/** A namespace for each crash point, because the worker that must die has to be the only one that gets the work. */
export function namespaceOf(point: CrashPoint): string {
  return point.replace(':', '-');
}

export async function openCrashSite(points: readonly CrashPoint[]): Promise<CrashSite> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-crash-'));
  quietRuntime();
  const [database, simulator, env] = await Promise.all([
    createTestDatabase(),
    listen(createSimulator({ dir: folder, videoSeconds: 0.5 })),
    startTemporal(points.map(namespaceOf)),
  ]);
  const bundle = await readFile(inject('bundlePath'), 'utf8');
  const environment = (namespace: string) => ({
    PATH: process.env['PATH'] ?? '',
    DATABASE_URL: database.url,
    DATABASE_POOL_SIZE: '2',
    TEMPORAL_ADDRESS: env.address,
    TEMPORAL_NAMESPACE: namespace,
    OPENAI_API_KEY: 'key',
    OPENAI_BASE_URL: `${simulator.url}/v1`,
    WORKER_METRICS_PORT: '0',
    WORKFLOW_BUNDLE: inject('bundlePath'),
    LOOK_FOR_CREATE_SECONDS: '3',
    SWEEP_INTERVAL_MS: '0',
    ARCHIVE_DIR: join(folder, 'archive'),
  });
  return {
    database,
    simulatorUrl: simulator.url,
    client: (namespace) => new Client({ connection: env.connection, namespace }),
    environment,
    recover: (namespace) => runWorker(env, bundle, environment(namespace)),
    close: async () => {
      await env.teardown();
      await simulator.close();
      await database.drop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function startTemporal(namespaces: readonly string[]) {
  const attributes = Object.values(SEARCH_ATTRIBUTE).flatMap(({ name }) => ['--search-attribute', `${name}=Keyword`]);
  return TestWorkflowEnvironment.createLocal({
    server: {
      executable: { type: 'existing-path', path: inject('temporalCli') },
      extraArgs: ['--log-level', 'never', ...namespaces.flatMap((name) => ['--namespace', name]), ...attributes],
    },
  });
}

/** The worker's own dependencies in this process; sharing them between namespaces starts faster. */
async function runWorker(
  env: TestWorkflowEnvironment,
  bundle: string,
  environment: Record<string, string>,
): Promise<() => Promise<void>> {
  const config = parseConfig({ ...environment, LOG_LEVEL: 'fatal' });
  const { activities, close } = createDependencies(config);
  const workers = await createWorkers({
    connection: env.nativeConnection,
    namespace: config.temporal.namespace ?? 'default',
    workflowBundle: { code: bundle },
    activities: createActivities(activities),
    // Of the same version as the worker that died.
    buildId: readBuild(inject('bundlePath')).id,
  });
  const runs = workers.map((worker) => worker.run());
  return async () => {
    for (const worker of workers) worker.shutdown();
    await Promise.all(runs);
    await close();
  };
}

export interface WorkerProcess {
  /** Resolves once it runs; rejects with its output if it ends before. */
  readonly ready: Promise<void>;
  /** Resolves with the signal that ended it, or null. */
  readonly ended: Promise<NodeJS.Signals | null>;
  readonly kill: () => void;
}

/** A worker in a process of its own; see `workerProcess.ts`. */
export function spawnWorker(environment: Record<string, string>): WorkerProcess {
  const child = spawn(process.execPath, ['--import', 'tsx', 'test/harness/support/workerProcess.ts'], {
    cwd: repository,
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<NodeJS.Signals | null>((resolve) => child.on('close', (_code, signal) => resolve(signal)));
  let output = '';
  const ready = new Promise<void>((resolve, reject) => {
    const read = (chunk: Buffer): void => {
      output += chunk.toString();
      if (output.includes('"msg":"ready"')) resolve();
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    void ended.then(() => reject(new Error(`the worker ended before it was ready:\n${output}`)));
  });
  ready.catch(() => undefined);
  return { ready, ended, kill: () => child.kill('SIGKILL') };
}

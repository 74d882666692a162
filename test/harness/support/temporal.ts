import { readFileSync } from 'node:fs';
import type { WorkflowHandle } from '@temporalio/client';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { NativeConnection, Runtime } from '@temporalio/worker';
import { inject } from 'vitest';
import { videoId } from '../../../contracts/ids.ts';
import type { GenerationInput, GenerationResult } from '../../../contracts/temporal.ts';
import { GENERATE_VIDEO, TASK_QUEUE } from '../../../contracts/temporal.ts';
import { registerSearchAttributes } from '../../../temporal/connection.ts';
import { keepRunning } from '../../../worker/keepRunning.ts';
import type { WorkerDependencies } from '../../../worker/worker.ts';
import { createWorkers } from '../../../worker/worker.ts';
import type { FakeWorld } from './fakes.ts';
import { fakeWorld } from './fakes.ts';

const QUIET = {
  log: () => undefined,
  trace: () => undefined,
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
let installed = false;

/** The SDK allows it once a process. */
export function quietRuntime(): void {
  // The time-skipping server makes the core warn at each worker's start; tests assert what matters.
  if (!installed) Runtime.install({ logger: QUIET, telemetryOptions: { logging: { filter: 'OFF' } } });
  installed = true;
}

/** A server whose clock skips timers. One for each test file, because its clock is global. */
export async function createTimeSkipping(): Promise<TestWorkflowEnvironment> {
  quietRuntime();
  const env = await TestWorkflowEnvironment.createTimeSkipping({
    server: { executable: { type: 'existing-path', path: inject('testServer') } },
  });
  await registerSearchAttributes(env.client);
  return env;
}

/** A real dev server in memory; with a file, on disk and always on the same port. */
export async function createDevServer(
  kept?: { file: string; port: number },
  options: { readonly isForgetful?: boolean } = {},
): Promise<TestWorkflowEnvironment> {
  quietRuntime();
  const env = await TestWorkflowEnvironment.createLocal({
    server: {
      executable: { type: 'existing-path', path: inject('temporalCli') },
      ...(kept === undefined ? {} : { dbFilename: kept.file, port: kept.port }),
      // As in dev/temporal.ts: without the pragmas each step of each workflow waits for the disk.
      extraArgs: [
        ...['--dynamic-config-value', 'frontend.enableCancelWorkerPollsOnShutdown=true'],
        ...(kept === undefined ? [] : ['--sqlite-pragma', 'journal_mode=wal', '--sqlite-pragma', 'synchronous=normal']),
      ],
    },
  });
  if (!options.isForgetful) await registerSearchAttributes(env.client);
  return env;
}

export type TestActivities = WorkerDependencies['activities'];

/** Starts workers with these activities, and maybe a version and tracing; returns a function that stops them. */
export async function startWorkers(
  env: Pick<TestWorkflowEnvironment, 'address' | 'namespace'>,
  activities: TestActivities,
  options: Pick<WorkerDependencies, 'buildId' | 'tracing'> = {},
): Promise<() => Promise<void>> {
  const stopping = new AbortController();
  const { address, namespace = 'default' } = env;
  const create = async () => {
    // A separate connection: the SDK allows one worker of a task queue for each connection.
    const connection = await NativeConnection.connect({ address });
    const path = inject(options.tracing === undefined ? 'bundlePath' : 'tracedBundlePath');
    const workflowBundle = { code: readFileSync(path, 'utf8') };
    const workers = await createWorkers({ connection, namespace, workflowBundle, activities, ...options });
    return { workers, close: () => connection.close() };
  };
  const running = keepRunning(await create(), { create, stopping: stopping.signal, onError: () => undefined });
  return () => {
    stopping.abort();
    return running;
  };
}

/** Real workflows with fake activities: a time-skipping server, and workers that serve all tests of a file. */
export interface Stage {
  readonly env: TestWorkflowEnvironment;
  /** Starts a generation whose activities are this world's, while `body` runs. */
  readonly play: <Result>(world: FakeWorld, body: (handle: GenerationHandle) => Promise<Result>) => Promise<Result>;
  readonly close: () => Promise<void>;
}

export async function openStage(): Promise<Stage> {
  const env = await createTimeSkipping();
  const worlds = new Map<string, FakeWorld>();
  const stop = await startWorkers(env, castOf(worlds));
  return {
    env,
    play: async (world, body) => {
      const generationId = videoId(crypto.randomUUID());
      worlds.set(generationId, world);
      try {
        return await body(await startGeneration(env, generationId));
      } finally {
        worlds.delete(generationId);
      }
    },
    close: async () => {
      await stop();
      await env.teardown();
    },
  };
}

/** Activities that delegate to the world of their generation. */
function castOf(worlds: ReadonlyMap<string, FakeWorld>): TestActivities {
  type Activity = (input: { generationId: string }) => Promise<unknown>;
  type Group = Readonly<Record<string, Activity>>;
  const cast = (group: 'ledger' | 'provider' | 'outbound') =>
    Object.fromEntries(
      Object.keys(fakeWorld({ now: async () => 0 })[group]).map((name): [string, Activity] => [
        name,
        async (input) => {
          const world = worlds.get(input.generationId);
          if (world === undefined) throw new Error('its test is over');
          return (world[group] as unknown as Group)[name]?.(input);
        },
      ]),
    );
  return { ledger: cast('ledger'), provider: cast('provider'), outbound: cast('outbound') };
}

type GenerateVideo = (input: GenerationInput) => Promise<GenerationResult>;
export type GenerationHandle = WorkflowHandle<GenerateVideo>;

export async function startGeneration(
  env: TestWorkflowEnvironment,
  generationId: string,
  accountId = 'acct_00',
): Promise<GenerationHandle> {
  return env.client.workflow.start<GenerateVideo>(GENERATE_VIDEO, {
    workflowId: generationId,
    taskQueue: TASK_QUEUE.workflowsAndLedger,
    args: [{ generationId, accountId }],
  });
}

export async function historyLength(handle: WorkflowHandle): Promise<number> {
  return (await handle.describe()).historyLength;
}

/** From its start to its end, on the server's clock. */
export async function durationMs(handle: WorkflowHandle): Promise<number> {
  const { startTime, closeTime } = await handle.describe();
  return (closeTime?.getTime() ?? Number.NaN) - startTime.getTime();
}

import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import pg from 'pg';
import { build } from '../../../dev/build.mjs';
import { freePort, untilItWorks } from '../../../dev/ports.ts';
import { repository } from '../../../dev/state.ts';
import { type OwnStack, startOwnStack } from '../support/ownStack.ts';
import { stopWithThisProcess } from '../support/stopWithThisProcess.ts';
import { cpuMsOf, residentMegabytes } from './processes.ts';

/** What is measured: the programs of `dist/`, on the PostgreSQL and the Temporal of `npm start`, each in its own process. */

export const OURS = ['temporal', 'worker', 'api', 'postgres'] as const;
export const PARTS = [...OURS, 'simulator'] as const;
export type Part = (typeof PARTS)[number];

export interface Site {
  readonly stack: OwnStack;
  readonly database: pg.Pool;
  readonly simulator: Simulator;
  /** The CPU time that each part has used so far. */
  readonly cpuMs: () => Record<Part, number>;
  readonly megabytes: (part: Part) => number;
  readonly stop: () => Promise<void>;
}

export interface SiteOptions {
  /** Whether the provider tells the API when a video ends; else the workflows ask until it has ended. */
  readonly webhooks: boolean;
  readonly videoSeconds: number;
  readonly variables?: Record<string, string>;
}

/** Starts a stack and its provider, on ports and in folders of their own. */
export async function startSite({ webhooks, videoSeconds, variables = {} }: SiteOptions): Promise<Site> {
  await build();
  const apiPort = await freePort();
  const secret = `whsec_${Buffer.from('a secret of the benches').toString('base64')}`;
  const simulator = await startSimulator({
    SIMULATOR_VIDEO_SECONDS: String(videoSeconds),
    ...(webhooks
      ? {
          SIMULATOR_WEBHOOK_URL: `http://127.0.0.1:${apiPort}/webhooks/openai`,
          SIMULATOR_WEBHOOK_SECRET: secret,
        }
      : {}),
  });
  const stack = await startOwnStack({
    PORT: String(apiPort),
    LOG_LEVEL: 'warn',
    RATE_LIMIT_PER_MINUTE: '1000000',
    OPENAI_API_KEY: 'sk-simulator-3f9c1b7e52d84a06',
    OPENAI_BASE_URL: `${simulator.url}/v1`,
    OPENAI_WEBHOOK_SECRET: webhooks ? secret : '',
    ...variables,
  }).catch(async (error: unknown) => {
    await simulator.stop();
    throw error;
  });
  const pids = { ...stack.endpoints.pids, simulator: simulator.pid };
  const pidOf = (part: Part) => {
    const pid = pids[part];
    if (pid === null) throw new Error(`${part} is not a process of the stack`);
    return pid;
  };
  const database = new pg.Pool({
    connectionString: stack.endpoints.migrateDatabaseUrl,
    options: '-c search_path=holdfast,public',
    max: 2,
  });
  // The server ends with connections still open.
  database.on('error', () => undefined);
  return {
    stack,
    database,
    simulator,
    cpuMs: () => Object.fromEntries(PARTS.map((part) => [part, cpuMsOf(pidOf(part))])) as Record<Part, number>,
    megabytes: (part) => residentMegabytes(pidOf(part)),
    stop: async () => {
      await database.end();
      await stack.stop();
      await simulator.stop();
    },
  };
}

export interface Simulator {
  readonly url: string;
  readonly pid: number;
  /** How many requests it has answered, by what was asked for. */
  readonly requests: Readonly<Record<Call, number>>;
  /** When each of its videos ends, by the video's id. */
  readonly ends: () => Promise<Map<string, number>>;
  readonly stop: () => Promise<void>;
}

const CALLS = ['create', 'look', 'list', 'content', 'other'] as const;
type Call = (typeof CALLS)[number];

async function startSimulator(variables: Record<string, string>): Promise<Simulator> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-simulator-'));
  const port = await freePort();
  const child = spawn(process.execPath, ['dist/dev/simulator/main.js'], {
    cwd: repository,
    env: {
      HOLDFAST_ENV_FILE: '/dev/null',
      SIMULATOR_PORT: String(port),
      SIMULATOR_DIR: folder,
      SIMULATOR_LOG: '1',
      ...variables,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const endWatch = stopWithThisProcess(child);
  const ended = new Promise((resolve) => child.once('close', resolve));
  const requests = Object.fromEntries(CALLS.map((call) => [call, 0])) as Record<Call, number>;
  createInterface({ input: child.stdout }).on('line', (line) => {
    const call = callOf(line);
    if (call !== undefined) requests[call] += 1;
  });
  const url = `http://127.0.0.1:${port}`;
  await untilItWorks(() => fetch(`${url}/_simulator/stats`), 30_000);
  return {
    url,
    pid: child.pid!,
    requests,
    ends: async () => endsIn(await readFile(join(folder, 'journal.jsonl'), 'utf8')),
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
      endWatch();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** `GET /v1/videos/vid_1 200 3 ms` is a look. */
function callOf(line: string): Call | undefined {
  const [, method = '', path = ''] = /^(GET|POST|DELETE) \/v1(\/\S*) \d+ \d+ ms$/.exec(line) ?? [];
  if (method === '') return undefined;
  if (method === 'POST') return path === '/videos' ? 'create' : 'other';
  if (method === 'GET' && path === '/videos') return 'list';
  if (method === 'GET' && path.endsWith('/content')) return 'content';
  return method === 'GET' && /^\/videos\/[^/]+$/.test(path) ? 'look' : 'other';
}

function endsIn(journal: string): Map<string, number> {
  const entries = journal
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { video?: { id: string; created_ms: number; duration_ms: number } });
  return new Map(entries.flatMap(({ video }) => (video ? [[video.id, video.created_ms + video.duration_ms]] : [])));
}

import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import OpenAI from 'openai';
import { vi } from 'vitest';
import { freePort, portVariables } from '../../../dev/ports.ts';
import { forgetDataFolder } from '../../../dev/postgres-place.ts';
import type { Endpoints } from '../../../dev/summary.ts';
import { stopWithThisProcess } from './stopWithThisProcess.ts';

const repository = fileURLToPath(new URL('../../../', import.meta.url));
const START_LIMIT = { timeout: 50_000, interval: 50 };

/** A folder and ports of its own, for `npm start`. */
export interface Place {
  readonly folder: string;
  readonly ports: Readonly<Record<string, number>>;
  readonly remove: () => Promise<void>;
}

export async function findPlace(): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-operator-'));
  const variables = Object.keys(portVariables);
  const ports = await Promise.all(variables.map(() => freePort()));
  return {
    folder,
    ports: Object.fromEntries(variables.map((variable, index) => [variable, ports[index]!])),
    remove: async () => {
      forgetDataFolder(folder);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A stack that an operator started. */
export interface Operated {
  readonly endpoints: Endpoints;
  /** The mode of endpoints.json, as in `ls -l`: 0o600. */
  readonly endpointsMode: number;
  readonly output: () => string;
  /** Resolves with the exit code of npm once everything that could write to our terminal has ended. */
  readonly ended: Promise<number | null>;
  readonly stop: () => Promise<number | null>;
}

/** Runs `npm start` until endpoints.json is there. Rejects with what was printed when it ends before. */
export async function npmStart({ folder, ports }: Place, variables: Record<string, string> = {}): Promise<Operated> {
  const npm = spawn('npm', ['start'], {
    cwd: repository,
    env: { ...operatorsEnvironment(), ...asText(ports), HOLDFAST_DIR: folder, ...variables },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const endWatch = stopWithThisProcess(npm);
  let output = '';
  let over = false;
  for (const stream of [npm.stdout, npm.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => {
    npm.on('close', (code) => {
      over = true;
      endWatch();
      resolve(code);
    });
  });
  const path = join(folder, 'endpoints.json');
  const stop = () => {
    npm.kill('SIGTERM');
    return ended;
  };
  const text = await vi
    .waitUntil(async () => over || (await readFile(path, 'utf8').catch(() => false as const)), START_LIMIT)
    .catch(() => true as const);
  if (text === true) {
    await stop();
    throw new Error(`npm start did not come to its end:\n${output}`);
  }
  return {
    endpoints: JSON.parse(text) as Endpoints,
    endpointsMode: (await stat(path)).mode & 0o777,
    output: () => output,
    ended,
    stop,
  };
}

function asText(ports: Place['ports']): Record<string, string> {
  return Object.fromEntries(Object.entries(ports).map(([variable, port]) => [variable, String(port)]));
}

/** Only what a shell has: nothing of vitest's, and no setting or `.env` of a stack that the developer runs. */
function operatorsEnvironment(): Record<string, string> {
  const shells = [
    'PATH',
    'HOME',
    'USER',
    'TMPDIR',
    'LANG',
    'TEMPORAL_CLI_PATH',
    'SSL_CERT_FILE',
    'NODE_EXTRA_CA_CERTS',
  ];
  const kept = shells.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : []));
  return { ...Object.fromEntries(kept), HOLDFAST_ENV_FILE: '/dev/null' };
}

/** A customer with these credits, made as an operator makes one. */
export async function openCustomer({ endpoints }: Operated, amountMicrocredits: number): Promise<Customer> {
  const post = async (path: string, body: object, headers: Record<string, string> = {}) => {
    const authorization = { authorization: `Bearer ${endpoints.adminKey}`, 'content-type': 'application/json' };
    const init = { method: 'POST', headers: { ...authorization, ...headers }, body: JSON.stringify(body) };
    const answer = await fetch(`${endpoints.api}/admin${path}`, init);
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as { id: string; key: string };
  };
  const { id } = await post('/accounts', { name: 'a customer' });
  const { key } = await post(`/accounts/${id}/keys`, { name: 'first' });
  const grant = { amount_microcredits: amountMicrocredits, reason: 'test' };
  await post(`/accounts/${id}/grants`, grant, { 'idempotency-key': 'first' });
  return new Customer(endpoints.api, key);
}

export interface ShownVideo {
  readonly id: string;
  readonly status: string;
  readonly error: { code: string; message: string } | null;
  readonly credits: { state: string; amount_microcredits: number; message: string };
}

/** A user of OpenAI's Node SDK. */
export class Customer {
  readonly openai: OpenAI;

  constructor(
    private readonly api: string,
    readonly key: string,
  ) {
    this.openai = new OpenAI({ apiKey: key, baseURL: `${api}/v1` });
  }

  async create(prompt: string): Promise<string> {
    return (await this.openai.videos.create({ prompt, model: 'sora-2', seconds: '4' })).id;
  }

  async retrieve(id: string): Promise<ShownVideo> {
    return (await this.openai.videos.retrieve(id)) as unknown as ShownVideo;
  }

  async until(id: string, ...statuses: string[]): Promise<ShownVideo> {
    return vi.waitFor(
      async () => {
        const video = await this.retrieve(id);
        if (!statuses.includes(video.status)) throw new Error(`${id} is ${video.status}`);
        return video;
      },
      { timeout: 50_000, interval: 200 },
    );
  }

  async credits(): Promise<{ available_microcredits: number; held_microcredits: number }> {
    const answer = await fetch(`${this.api}/v1/credits`, { headers: { authorization: `Bearer ${this.key}` } });
    return (await answer.json()) as { available_microcredits: number; held_microcredits: number };
  }
}

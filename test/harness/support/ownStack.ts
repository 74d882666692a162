import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, portVariables, untilItWorks } from '../../../dev/ports.ts';
import { forgetDataFolder } from '../../../dev/postgres-place.ts';
import { repository } from '../../../dev/state.ts';
import type { Endpoints } from '../../../dev/summary.ts';
import { stopWithThisProcess } from './stopWithThisProcess.ts';

const START_LIMIT_MS = 90_000;

export interface OwnAccount {
  readonly id: string;
  readonly keyId: string;
  readonly key: string;
}

/** A stack like that of `npm start`, with its own folder and ports, for tools other than tests. */
export interface OwnStack {
  readonly endpoints: Endpoints;
  /** Calls the admin API; raises unless the answer is a 2xx. */
  readonly admin: (path: string, body: unknown, headers?: Record<string, string>) => Promise<Record<string, unknown>>;
  /** An account with these credits and a key. */
  readonly openAccount: (amountMicrocredits: number) => Promise<OwnAccount>;
  readonly stop: () => Promise<void>;
}

/** Starts it with these variables over the environment's. Raises with its last lines if it doesn't start. */
export async function startOwnStack(variables: Record<string, string> = {}): Promise<OwnStack> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-own-'));
  const names = Object.keys(portVariables);
  const ports = await Promise.all(names.map(async (name) => [name, String(await freePort())] as const));
  const child = spawn(process.execPath, ['dev/start.mjs'], {
    cwd: repository,
    env: {
      ...process.env,
      ...Object.fromEntries(ports),
      HOLDFAST_DIR: folder,
      HOLDFAST_ENV_FILE: '/dev/null',
      ...variables,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let tail = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (tail = (tail + chunk.toString()).slice(-4000)));
  }
  const endWatch = stopWithThisProcess(child);
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => {
      endWatch();
      resolve();
    });
  });
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
    forgetDataFolder(folder);
    await rm(folder, { recursive: true, force: true });
  };
  const endpoints = await untilItWorks(async () => {
    if (child.exitCode !== null) return undefined;
    return JSON.parse(await readFile(join(folder, 'endpoints.json'), 'utf8')) as Endpoints;
  }, START_LIMIT_MS).catch(() => undefined);
  if (endpoints === undefined) {
    await stop();
    throw new Error(`the stack did not start:\n${tail}`);
  }
  const admin: OwnStack['admin'] = (path, body, headers = {}) => post(endpoints, path, body, headers);
  return {
    endpoints,
    admin,
    openAccount: async (amount_microcredits) => {
      const { id } = (await admin('/accounts', { name: 'a tool' })) as { id: string };
      const made = (await admin(`/accounts/${id}/keys`, { name: 'key' })) as { id: string; key: string };
      await admin(`/accounts/${id}/grants`, { amount_microcredits, reason: 'a tool' }, { 'idempotency-key': id });
      return { id, keyId: made.id, key: made.key };
    },
    stop,
  };
}

async function post({ api, adminKey }: Endpoints, path: string, body: unknown, headers: Record<string, string>) {
  const answer = await fetch(`${api}/admin${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`POST /admin${path}: ${answer.status}`);
  return (await answer.json()) as Record<string, unknown>;
}

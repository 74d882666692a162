import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serve } from '@hono/node-server';
import type { ServerType } from '@hono/node-server';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import OpenAI from 'openai';
import { createLedgerActivities, createProviderActivities } from '../../activities/index.ts';
import { createApp } from '../../api/app.ts';
import { createSimulator, listen } from '../../dev/simulator/server.ts';
import { isTemporalUp } from '../../platform/temporal.ts';
import { createProvider } from '../../provider/index.ts';
import type { TestDatabase } from './database.ts';
import { createTestDatabase } from './database.ts';
import { createDevServer, startWorkers } from './temporal.ts';

const noCrash = () => undefined;

export const ADMIN_KEY = 'the-admin-key-of-the-tests';

export interface TestStack {
  readonly url: string;
  readonly database: TestDatabase;
  readonly env: TestWorkflowEnvironment;
  readonly simulatorUrl: string;
  /** Everything the API logged as a warning or an error. */
  readonly logged: string[];
  readonly alarms: string[];
  readonly stopWorkers: () => Promise<void>;
  readonly startWorkers: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** The product in this process: real PostgreSQL, a real Temporal server, the simulator and the API over real HTTP. */
export async function startStack(
  options: { videoSeconds?: number; holdTtlSeconds?: number; startTimeoutMs?: number; lookForCreateMs?: number } = {},
): Promise<TestStack> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-stack-'));
  const [database, env, simulator] = await Promise.all([
    createTestDatabase(),
    createDevServer(),
    listen(createSimulator({ dir: folder, videoSeconds: options.videoSeconds ?? 0.5 })),
  ]);
  const { ledger } = database;
  const provider = createProvider({ baseUrl: `${simulator.url}/v1`, apiKey: 'key', createEncoding: 'multipart' });
  const alarms: string[] = [];
  const activities = {
    ledger: createLedgerActivities({
      ledger,
      holdTtlSeconds: options.holdTtlSeconds ?? 3600,
      count: (alarm) => alarms.push(alarm),
      at: noCrash,
    }),
    provider: createProviderActivities({
      ledger,
      provider,
      providerEventsExpected: false,
      lookForCreateMs: options.lookForCreateMs ?? 3000,
      count: (alarm) => alarms.push(alarm),
      at: noCrash,
    }),
  };
  const logged: string[] = [];
  const log = { error: record, warn: record };
  function record(fields: object, message: string): void {
    logged.push(
      `${message} ${JSON.stringify(fields, (_key, value: unknown) => (value instanceof Error ? String(value) : value))}`,
    );
  }
  const app = createApp({
    ledger,
    temporal: env.client,
    provider,
    adminKey: ADMIN_KEY,
    startTimeoutMs: options.startTimeoutMs ?? 8000,
    log,
    isTemporalUp: () => isTemporalUp(env.client, 2000),
  });
  const server = await new Promise<ServerType>((resolve) => {
    const started = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, () => resolve(started));
  });
  let stopWorkers = await startWorkers(env, activities);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    database,
    env,
    simulatorUrl: simulator.url,
    logged,
    alarms,
    stopWorkers: () => stopWorkers(),
    startWorkers: async () => {
      stopWorkers = await startWorkers(env, activities);
    },
    stop: async () => {
      await stopWorkers();
      await new Promise((resolve) => server.close(resolve));
      await simulator.close();
      await Promise.all([env.teardown(), database.drop()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
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

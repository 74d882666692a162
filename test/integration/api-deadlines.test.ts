import { openBooks } from '../harness/support/database.ts';
import { openDatabase } from '../../store/index.ts';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createApp } from '../../api/app.ts';
import type { ApiDependencies } from '../../api/http/deps.ts';
import { createServer } from '../../api/server.ts';
import { createProviders } from '../../provider/index.ts';
import { createPool } from '../../store/index.ts';
import { PRICE } from '../harness/support/database.ts';
import { ADMIN_KEY, adminPost, openAccount, startStack } from '../harness/support/stack.ts';
import type { TestStack } from '../harness/support/stack.ts';
import type { SwallowingProxy } from '../harness/support/swallowingProxy.ts';
import { startSwallowingProxy } from '../harness/support/swallowingProxy.ts';

/** Temporal, the provider or PostgreSQL falls silent: connections stay, answers don't come. Every request is answered in time. */

const SECRET = `whsec_${Buffer.from('the secret of the provider').toString('base64')}`;
let stack: TestStack;
let temporal: SwallowingProxy;
let provider: SwallowingProxy;
beforeAll(async () => {
  const rest = { apiKey: 'key', createEncoding: 'multipart', webhookSecret: SECRET, callTimeoutMs: 3000 } as const;
  const providers = (url: string) => createProviders([{ name: 'openai', baseUrl: `${url}/v1`, ...rest }]);
  stack = await startStack({ proxied: true, startTimeoutMs: 2000, webhookSecret: SECRET, providers });
  if (stack.between === undefined) throw new Error('the stack has no proxies');
  ({ temporal, provider } = stack.between);
});
afterEach(() => {
  temporal.pass();
  provider.pass();
});
afterAll(async () => {
  await stack.stop();
});

/** What a call to Temporal or to the provider may take, with the time of a loaded machine. */
const IN_TIME_MS = 9000;

async function inTime<Answer>(request: () => Promise<Answer>, limitMs = IN_TIME_MS): Promise<Answer> {
  const began = performance.now();
  const answer = await request();
  expect(performance.now() - began).toBeLessThan(limitMs);
  return answer;
}

function tellCompleted(video: string): Promise<Response> {
  const [id, at] = [`evt_${randomUUID()}`, new Date()];
  const created_at = Math.floor(at.getTime() / 1000);
  const body = JSON.stringify({ id, object: 'event', type: 'video.completed', created_at, data: { id: video } });
  const headers = {
    'webhook-id': id,
    'webhook-timestamp': String(created_at),
    'webhook-signature': new Webhook(SECRET).sign(id, at, body),
  };
  return fetch(`${stack.url}/webhooks/openai`, { method: 'POST', body, headers });
}

describe('while Temporal is silent', () => {
  it('a cancel is answered 200 in time: the wish is on record, and the credits come back without a signal', async () => {
    const account = await openAccount(stack, 1_000_000);
    const made = await account.fetch('/v1/videos', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ prompt: 'cancelled in silence [[create:429]] [[retry-after:8]]' }),
    });
    const { id } = (await made.json()) as { id: string };
    temporal.swallow();
    const cancel = await inTime(() => account.fetch(`/v1/videos/${id}/cancel`, { method: 'POST' }));
    expect(cancel.status).toBe(200);
    const { rows } = await stack.database.admin.query<{ wished: boolean }>(
      'SELECT cancel_requested_at IS NOT NULL AS wished FROM generations WHERE id = $1',
      [id],
    );
    expect(rows).toEqual([{ wished: true }]);
    // Never signalled: the workflow reads the wish where it would create.
    await vi.waitFor(
      async () =>
        expect(await account.credits()).toMatchObject({ available_microcredits: 1_000_000, held_microcredits: 0 }),
      { timeout: 30_000, interval: 200 },
    );
    const video = await (await account.fetch(`/v1/videos/${id}`)).json();
    expect(video).toMatchObject({ status: 'failed', error: { code: 'cancelled' } });
  });

  it('a create, a reconciliation and the probes are answered in time, and nothing is held', async () => {
    const account = await openAccount(stack, 1_000_000);
    temporal.swallow();
    const [create, reconciliation, readyz, doctor] = await Promise.all([
      inTime(() =>
        account.fetch('/v1/videos', {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ prompt: 'into the silence' }),
        }),
      ),
      inTime(() => adminPost(stack, '/reconcile', { dry_run: true })),
      inTime(() => fetch(`${stack.url}/readyz`), 4000),
      inTime(() => fetch(`${stack.url}/admin/doctor`, { headers: { authorization: `Bearer ${ADMIN_KEY}` } }), 6000),
    ]);
    expect([create, reconciliation, readyz, doctor].map(({ status }) => status)).toEqual([503, 503, 503, 200]);
    expect(await account.credits()).toMatchObject({ available_microcredits: 1_000_000, held_microcredits: 0 });
  });

  it('a webhook of the provider is answered in time', async () => {
    const account = await openAccount(stack, 1_000_000);
    const { id } = await account.client.videos.create({ prompt: 'nudged [[never]]' });
    const providerId = await vi.waitFor(async () => {
      const { rows } = await stack.database.admin.query<{ id: string | null }>(
        'SELECT provider_video_id AS id FROM generations WHERE id = $1',
        [id],
      );
      if (rows[0]?.id == null) throw new Error('not created yet');
      return rows[0].id;
    });
    temporal.swallow();
    const nudge = await inTime(() => tellCompleted(providerId));
    expect(nudge.status).toBe(200);
  });
});

describe('while the provider is silent', () => {
  it('a download and a delete are told to try again, and the charge stands', async () => {
    const account = await openAccount(stack, 1_000_000);
    const { id } = await account.client.videos.create({ prompt: 'soon silent' });
    await vi.waitFor(async () => expect((await account.client.videos.retrieve(id)).status).toBe('completed'), {
      timeout: 20_000,
    });
    await stack.archive.remove(id);
    provider.swallow();
    const [content, deleted] = await Promise.all([
      inTime(() => account.fetch(`/v1/videos/${id}/content`)),
      inTime(() => account.fetch(`/v1/videos/${id}`, { method: 'DELETE' })),
    ]);
    expect([content.status, deleted.status]).toEqual([503, 503]);
    expect(content.headers.get('retry-after')).not.toBeNull();
    expect(await account.credits()).toMatchObject({ available_microcredits: 1_000_000 - PRICE });
  });
});

describe('while PostgreSQL is silent', () => {
  it('every request is answered 503 in time, and the probe at once', async () => {
    const database = await startSwallowingProxy(stack.database.url);
    const url = new URL(stack.database.url);
    url.port = String(database.port);
    url.hostname = '127.0.0.1';
    const pool = createPool({ databaseUrl: url.href, size: 2, applicationName: 'test', onError: () => undefined });
    const app = createApp({
      database: openDatabase(pool),
      ledger: openBooks(openDatabase(pool)),
      store: openBooks(openDatabase(pool)),
      temporal: { isUp: () => Promise.resolve(true) },
      requestsPerMinute: 1000,
      streamLimits: { ofOneKey: 1, inAll: 1 },
      adminKey: ADMIN_KEY,
      log: { error: () => undefined, warn: () => undefined },
    } as unknown as ApiDependencies);
    const server = createServer(app);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const at = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    expect((await fetch(`${at}/readyz`)).status).toBe(200);
    database.swallow();
    const auth = { headers: { authorization: 'Bearer hf_some_key' } };
    const answers = await Promise.all([
      inTime(() => fetch(`${at}/readyz`), 4000),
      // More than the pool has: who waits for a connection waits in time too.
      ...Array.from({ length: 6 }, () => inTime(() => fetch(`${at}/v1/credits`, auth), 20_000)),
      inTime(() => fetch(`${at}/admin/overview`, { headers: { authorization: `Bearer ${ADMIN_KEY}` } }), 20_000),
    ]);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([503]));
    database.pass();
    await vi.waitFor(async () => expect((await fetch(`${at}/readyz`)).status).toBe(200), { timeout: 20_000 });
    server.closeAllConnections();
    server.close();
    await pool.end();
    await database.close();
  }, 60_000);
});

import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createSimulator, listen } from '../../dev/simulator/server.ts';
import { createProbe, createProviders, identityOf } from '../../provider/index.ts';
import { keepProbing } from '../../worker/probing.ts';
import { jsonPost } from '../harness/support/answers.ts';
import { expectNoDrift, untilSettled } from '../harness/support/generations.ts';
import type { TestAccount, TestStack } from '../harness/support/stack.ts';
import { ADMIN_KEY, adminPost, openAccount, startStack } from '../harness/support/stack.ts';
import { startSwallowingProxy, type SwallowingProxy } from '../harness/support/swallowingProxy.ts';

/** Two providers, of which one answers nothing for a while, or is full: what is sold of each meanwhile (MR-76, MR-99). */

const GRANTED = 100_000_000;
let stack: TestStack;
let account: TestAccount;
let other: SwallowingProxy;
let main: SwallowingProxy;
const stopping = new AbortController();
const undo: (() => Promise<unknown>)[] = [];
const said: string[] = [];
const isUp = new Map<string, boolean>();

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-other-'));
  const simulator = await listen(createSimulator({ dir: folder, videoSeconds: 0.3 }));
  other = await startSwallowingProxy(simulator.url);
  const settings = {
    name: 'gpu-1',
    baseUrl: `http://127.0.0.1:${other.port}/v1`,
    apiKey: 'key',
    callTimeoutMs: 1000,
    videosAtOnce: 2,
  };
  const providers = (url: string) =>
    createProviders([{ name: 'openai', baseUrl: `${url}/v1`, apiKey: 'key' }, settings]);
  stack = await startStack({ videoSeconds: 0.3, proxied: true, providers });
  if (stack.between === undefined) throw new Error('not proxied');
  main = stack.between.provider;
  account = await openAccount(stack, GRANTED);
  const price = { model: 'wan', size: '720x1280', cost_per_second_microcredits: 10_000, margin_basis_points: 0 };
  expect((await adminPost(stack, '/prices', price, { 'idempotency-key': 'wan' })).status).toBe(200);
  const offer = { model: 'wan', provider: 'gpu-1', provider_model: 'sora-2' };
  expect((await adminPost(stack, '/offers', offer, { 'idempotency-key': 'wan' })).status).toBe(200);
  const openai = { name: 'openai', baseUrl: `http://127.0.0.1:${main.port}/v1`, apiKey: 'key' };
  const log = (_: object, message: string) => said.push(message);
  const probing = keepProbing(
    [openai, settings].map((each, place) => ({
      ...{ name: each.name, identity: identityOf(each), isDefault: place === 0, requestsPerMinute: null },
      probe: createProbe({ ...each, callTimeoutMs: 300 }),
    })),
    {
      record: (provider, why) => stack.database.ledger.recordProbe('a worker', provider, why),
      observe: (provider, up) => isUp.set(provider, up),
      log: { warn: log, info: log } as never,
      ...{ stopping: stopping.signal, everyMs: 20, againAfterMs: 20 },
    },
  );
  undo.push(
    () => probing,
    () => other.close(),
    () => simulator.close(),
    () => rm(folder, { recursive: true }),
  );
});
afterEach(async () => {
  main.pass();
  other.pass();
  await untilItIs('openai', true);
  await untilItIs('gpu-1', true);
});
afterAll(async () => {
  stopping.abort();
  for (const step of undo) await step();
  await expectNoDrift(stack);
  await stack.stop();
});

/** Waits for the probes; ten seconds of failures pass at once. */
const untilItIs = (provider: string, up: boolean) =>
  vi.waitFor(
    async () => {
      await stack.database.admin.query(
        "UPDATE provider_probes SET failing_since = failing_since - interval '10 seconds' WHERE failures > 0",
      );
      expect(isUp.get(provider)).toBe(up);
    },
    { timeout: 20_000, interval: 50 },
  );

async function create(model: string, prompt: string = randomUUID(), headers: Record<string, string> = {}, query = '') {
  const init = jsonPost({ model, prompt });
  const all = { ...(init.headers as Record<string, string>), ...headers };
  const answer = await account.fetch(`/v1/videos${query}`, { ...init, headers: all });
  const body = (await answer.json()) as { id: string; error: { code: string; message: string } };
  return { status: answer.status, headers: answer.headers, body };
}
const outages = async () => {
  const answer = await fetch(`${stack.url}/admin/doctor`, { headers: { authorization: `Bearer ${ADMIN_KEY}` } });
  const { checks } = (await answer.json()) as { checks: { name: string; ok: boolean; message: string }[] };
  return checks.find(({ name }) => name === 'provider outages');
};

describe.each([
  ['sora-2', 'openai', () => main, 'wan'],
  ['wan', 'gpu-1', () => other, 'sora-2'],
])('while the provider of %s is down', (model, provider, wire, elsewhere) => {
  it(
    'its models are 503 and hold nothing, another one’s are made, and its own again once it answers',
    { timeout: 60_000 },
    async () => {
      wire().swallow();
      await untilItIs(provider, false);
      const before = await account.credits();
      const refused = await create(model, 'a fox', { 'idempotency-key': `k ${provider}` });
      expect(refused.status).toBe(503);
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(refused.body.error.code).toBe('temporarily_unavailable');
      expect(refused.body.error.message).toMatch(/provider does not answer.*Nothing was held/);
      expect(refused.body.error.message).not.toContain(provider);
      expect(await account.credits()).toEqual(before);
      const dry = await create(model, 'a fox', {}, '?dry_run=true');
      expect(dry.body).toMatchObject({ would_be_accepted: false, error: { code: 'temporarily_unavailable' } });
      expect((await create(elsewhere, 'a fox', {}, '?dry_run=true')).body).toMatchObject({ would_be_accepted: true });
      const made = await create(elsewhere);
      expect(await untilSettled(stack, [made.body.id])).toMatchObject([{ state: 'charged' }]);
      expect(await outages()).toMatchObject({
        ok: false,
        message: expect.stringContaining(`${provider}@http`) as string,
      });

      wire().pass();
      await untilItIs(provider, true);
      expect(await outages()).toMatchObject({ ok: true });
      const again = await create(model, 'a fox', { 'idempotency-key': `k ${provider}` });
      expect(again.status).toBe(200);
      expect(await untilSettled(stack, [again.body.id])).toMatchObject([{ state: 'charged' }]);
    },
  );

  it('a replay and an SDK’s retry are answered, and what runs is settled by what it says afterwards', async () => {
    const keyed = { 'idempotency-key': randomUUID() };
    const [first, second] = [await create(model, 'one [[after:1s]]', keyed), await create(model, 'two [[after:1s]]')];
    wire().swallow();
    await untilItIs(provider, false);
    const replay = await create(model, 'one [[after:1s]]', keyed);
    const retry = await create(model, 'two [[after:1s]]', { 'x-stainless-retry-count': '1' });
    expect([replay.status, replay.body.id]).toEqual([200, first.body.id]);
    expect([retry.status, retry.body.id]).toEqual([200, second.body.id]);
    wire().pass();
    const settled = await untilSettled(stack, [first.body.id, second.body.id]);
    expect(settled).toMatchObject([{ state: 'charged' }, { state: 'charged' }]);
  });
});

it('each change is logged once', async () => {
  said.length = 0;
  other.swallow();
  await untilItIs('gpu-1', false);
  other.pass();
  await untilItIs('gpu-1', true);
  expect(said.map((message) => message.replace(/:.*/, ''))).toEqual([
    'the provider does not answer our probes',
    'the provider answers our probes again',
  ]);
});

it('a provider that has as many videos as it may have is 503 for one more, and holds nothing for it (MR-99)', async () => {
  for (const each of ['one', 'two']) expect((await create('wan', `${each} [[never]]`)).status).toBe(200);
  const before = await account.credits();
  const refused = await create('wan');
  expect(refused.status).toBe(503);
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(refused.body.error.message).toMatch(/As many videos as can be made at once.*Nothing was held/);
  expect(await account.credits()).toEqual(before);
  expect((await create('wan', 'x', {}, '?dry_run=true')).body).toMatchObject({
    would_be_accepted: false,
    error: { code: 'temporarily_unavailable' },
  });
  expect((await create('sora-2', 'x', {}, '?dry_run=true')).body).toMatchObject({ would_be_accepted: true });
});

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createSimulator, listen } from '../../dev/simulator/server.ts';
import { PRICE } from '../harness/support/database.ts';
import {
  ask,
  expectNoDrift,
  forEachOf,
  movementsOf,
  standings,
  type Standing,
  untilRow,
  untilSettled,
} from '../harness/support/generations.ts';
import { ADMIN_KEY, openAccount, startStack, type TestAccount, type TestStack } from '../harness/support/stack.ts';
import { startSwallowingProxy, type SwallowingProxy } from '../harness/support/swallowingProxy.ts';
import { settingsAt, switchedProviders } from '../harness/support/switchedProviders.ts';

/** Several providers: what becomes of what is under way when one is down, moved, given another key, or taken out (MR-38). */

vi.setConfig({ testTimeout: 90_000 });

const providers = switchedProviders();
const RUNNING = 50;
/** The model that the second provider makes. */
const OTHERS = `wan ${randomUUID()}`;
let stack: TestStack;
let account: TestAccount;
let folder: string;
let second: { url: string; close: () => Promise<void> };
/** In front of the first one. */
let proxy: SwallowingProxy;
const at = ({ port }: SwallowingProxy) => `http://127.0.0.1:${port}`;
const first = () => settingsAt('openai', at(proxy));
let key = 'first-key';
const gpu = () => settingsAt('gpu', second.url, { apiKey: key });
const startSecond = (port?: number) => listen(createSimulator({ dir: folder, videoSeconds: 1, apiKey: key }), port);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-second-'));
  second = await startSecond();
  stack = await startStack({
    expectedMs: null,
    videoSeconds: 3,
    providers: (url) => providers.configure(settingsAt('openai', url)),
  });
  proxy = await startSwallowingProxy(stack.simulatorUrl);
  account = await openAccount(stack, 1000 * PRICE);
  const { ledger } = stack.database;
  const from = { effectiveFrom: null };
  const price = { size: '720x1280', costPerSecondMicrocredits: 100_000, marginBasisPoints: 3000 };
  await ledger.setPrice({ model: OTHERS, ...price, ...from, idempotencyKey: randomUUID() });
  await ledger.setOffer({
    model: OTHERS,
    terms: { provider: 'gpu', provider_model: 'sora-2' },
    ...from,
    idempotencyKey: randomUUID(),
  });
});
afterAll(async () => {
  await proxy.close();
  await stack.stop();
  await second.close();
  await rm(folder, { recursive: true });
});
afterEach(() => expectNoDrift(stack));

const many = Array.from({ length: RUNNING }, (_, n) => n);

/** As many videos of the first provider, all submitted and none of them looked at. */
async function running(): Promise<string[]> {
  const ids = await forEachOf(many, 10, (n) => ask(account, `number ${n} ${randomUUID()} [[after:15s]]`));
  for (const id of ids) await untilRow(stack, id, 'provider_video_id IS NOT NULL');
  return ids;
}

/** Charged once each, for one submission. */
async function expectChargedOnce(settled: readonly Standing[]): Promise<void> {
  expect(settled.map(({ state, charged, attempts }) => [state, charged, attempts])).toEqual(
    settled.map(() => ['charged', PRICE, ['created']]),
  );
  for (const { id } of settled) expect(await movementsOf(stack, id)).toEqual(['hold', 'capture']);
}

async function order(model: string, directives = ''): Promise<string> {
  const body = JSON.stringify({ model, prompt: `a fox ${randomUUID()} ${directives}`, seconds: '4', size: '720x1280' });
  const headers = { 'content-type': 'application/json' };
  const answer = await account.fetch('/v1/videos', { method: 'POST', headers, body });
  const video = (await answer.json()) as { id: string };
  expect([answer.status, video]).toMatchObject([200, {}]);
  return video.id;
}

describe('while one of two providers is down', () => {
  it('the other’s videos are sold, made and charged, and those of the one that is down end when it is back', async () => {
    providers.configure(first(), gpu());
    proxy.swallow();
    const waiting = await ask(account, `waits ${randomUUID()}`);
    const others = await forEachOf(many.slice(0, 10), 5, () => order(OTHERS));
    await expectChargedOnce(await untilSettled(stack, others));
    const { rows } = await stack.database.pool.query<{ provider: string }>(
      'SELECT DISTINCT provider FROM generations WHERE id = ANY($1)',
      [others],
    );
    expect(rows).toEqual([{ provider: `gpu@${second.url}` }]);
    expect(await standings(stack, [waiting])).toMatchObject([{ state: 'held' }]);
    proxy.pass();
    expect(await untilSettled(stack, [waiting])).toMatchObject([{ state: 'charged' }]);
  });
});

it('videos of a provider that takes its old key no more are charged once it is configured with the new one', async () => {
  providers.configure(first(), gpu());
  const ids = await forEachOf(many.slice(0, 5), 5, () => order(OTHERS, '[[after:3s]]'));
  for (const id of ids) await untilRow(stack, id, 'provider_video_id IS NOT NULL');
  await second.close();
  key = 'second-key';
  second = await startSecond(Number(new URL(second.url).port));
  // 401 until then.
  const before = await lookTriesOf(ids[0] ?? '');
  await vi.waitFor(async () => expect(await lookTriesOf(ids[0] ?? '')).toBeGreaterThan(before + 2), {
    timeout: 30_000,
    interval: 100,
  });
  expect((await standings(stack, ids)).map(({ state }) => state)).toEqual(ids.map(() => 'held'));
  providers.configure(first(), gpu());
  await expectChargedOnce(await untilSettled(stack, ids));
});

async function lookTriesOf(id: string): Promise<number> {
  const { raw } = await stack.env.client.workflow.getHandle(id).describe();
  return raw.pendingActivities?.find(({ activityType }) => activityType?.name === 'watchVideo')?.attempt ?? 0;
}

describe(`while ${RUNNING} videos run`, () => {
  it('another key and another address that is declared as moved change nothing', async () => {
    providers.configure(first(), gpu());
    const ids = await running();
    const old = at(proxy);
    const moved = await startSwallowingProxy(stack.simulatorUrl);
    await proxy.close();
    proxy = moved;
    providers.configure(settingsAt('openai', at(moved), { apiKey: 'sk-another', previousUrls: [`${old}/v1`] }), gpu());
    await expectChargedOnce(await untilSettled(stack, ids));
    const next = await ask(account, `after the move ${randomUUID()}`);
    await untilRow(stack, next, `provider = 'openai@${old}' AND state = 'charged'`);
  });

  it('a provider that is taken out leaves their credits reserved, the doctor counts them, and put back it ends them', async () => {
    providers.configure(first(), gpu());
    const ids = await running();
    providers.configure(gpu());
    await vi.waitFor(
      async () => {
        const headers = { authorization: `Bearer ${ADMIN_KEY}` };
        const examined = await fetch(`${stack.url}/admin/doctor`, { headers });
        const { checks } = (await examined.json()) as { checks: { name: string; message: string }[] };
        const said = checks.find(({ name }) => name === 'removed providers')?.message;
        expect(said).toContain(`${RUNNING} at openai@${at(proxy)}`);
      },
      { timeout: 20_000, interval: 200 },
    );
    // Longer than they take to be made.
    await vi.waitFor(
      async () => {
        const { rows } = await stack.database.pool.query<{ s: number }>(
          'SELECT extract(epoch FROM now() - max(requested_at))::float AS s FROM generations WHERE id = ANY($1)',
          [ids],
        );
        expect(rows[0]?.s).toBeGreaterThan(18);
      },
      { timeout: 30_000, interval: 200 },
    );
    expect((await standings(stack, ids)).map(({ state }) => state)).toEqual(ids.map(() => 'held'));
    providers.configure(first(), gpu());
    await expectChargedOnce(await untilSettled(stack, ids, 80_000));
  });
});

import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Provider } from '../../provider/index.ts';
import { providersOf } from '../../provider/index.ts';
import { adminPost, openAccount, startStack, type TestStack } from '../harness/support/stack.ts';

/** A provider that makes half of what it is asked for, behind the whole product (MR-75). */

let stack: TestStack;
beforeAll(async () => {
  stack = await startStack({
    wrapped: (deps) => {
      const [first, ...others] = deps.providers.all;
      return { ...deps, providers: providersOf([halving(first), ...others.map(halving)]) };
    },
  });
});
afterAll(async () => {
  await stack.stop();
});

function halving(provider: Provider): Provider {
  return {
    ...provider,
    retrieveVideo: async (id) => {
      const seen = await provider.retrieveVideo(id);
      if (seen.outcome !== 'seen') return seen;
      return { ...seen, video: { ...seen.video, seconds: (seen.video.seconds ?? 0) / 2 } };
    },
  };
}

it('is paid for what it made; the customer, the statement and the operator see both figures', async () => {
  const account = await openAccount(stack, 1_000_000);
  const price = { size: '720x1280', cost_per_second_microcredits: 1000, margin_basis_points: 0 };
  await adminPost(stack, '/prices', { model: 'half', ...price }, { 'idempotency-key': 'half' });
  const offer = { model: 'half', charge_rule: 'as_made', lengths: [2, 4, 8] };
  expect((await adminPost(stack, '/offers', offer, { 'idempotency-key': 'half offer' })).status).toBe(200);
  const { id } = await account.client.videos.create({ model: 'half', prompt: 'a fox', seconds: '8' });
  await expect
    .poll(async () => account.client.videos.retrieve(id), { timeout: 30_000 })
    .toMatchObject({ status: 'completed', seconds: '8', credits: { amount_microcredits: 4000 } });
  const { credits } = await account.client.videos.retrieve(id);
  expect(credits.message).toContain('0.004000 credits were charged: 4 of 8 seconds were made.');
  expect(await account.credits()).toMatchObject({ available_microcredits: 996_000, held_microcredits: 0 });
  const csv = await (await account.fetch('/v1/credits/transactions', { headers: { accept: 'text/csv' } })).text();
  expect(csv.split('\n').find((line) => line.includes('capture'))).toContain('0.004000');
  expect(stack.alarms.filter((alarm) => alarm === 'made_otherwise')).toHaveLength(1);
});

it('whose file is shorter than it told gives the rest back, in the video, the timeline, the statement and the CSV', async () => {
  const account = await openAccount(stack, 1_000_000);
  // It tells 4 s of 8, and its file shows 2.
  const { id } = await account.client.videos.create({ model: 'half', prompt: 'a fox [[file:2s]]', seconds: '8' });
  await expect
    .poll(async () => account.client.videos.retrieve(id), { timeout: 30_000 })
    .toMatchObject({
      credits: { amount_microcredits: 4000, refunded_microcredits: 2000, refunded_by: 'Holdfast itself' },
    });
  const { credits } = await account.client.videos.retrieve(id);
  expect(credits.message).toMatch(
    /0\.002000 of them were refunded, last by Holdfast itself, on \S+Z; 0\.002000 remain/,
  );
  expect(await account.credits()).toMatchObject({ available_microcredits: 998_000, held_microcredits: 0 });
  const get = async (path: string, headers = {}) => (await account.fetch(path, { headers })).text();
  expect(await get(`/v1/videos/${id}/timeline`)).toContain('the archived video shows less than was charged');
  const csv = await get('/v1/credits/transactions', { accept: 'text/csv' });
  expect(csv.split('\n').find((line) => line.includes('refund'))).toMatch(
    /content_otherwise.*0\.002000|0\.002000.*content_otherwise/,
  );
  expect(stack.alarms).toContain('content_otherwise');
});

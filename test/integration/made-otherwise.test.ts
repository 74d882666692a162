import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Provider } from '../../provider/index.ts';
import { providersOf } from '../../provider/index.ts';
import { jsonPost } from '../harness/support/answers.ts';
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

/** The simulator knows no resolutions. */
const OF_A_RESOLUTION = '1280x720';

/** Makes half the length, and 854x480 of every resolution. */
function halving(provider: Provider): Provider {
  return {
    ...provider,
    createVideo: ({ sizeField, ...request }) =>
      provider.createVideo({ ...request, size: sizeField === 'resolution' ? OF_A_RESOLUTION : request.size }),
    retrieveVideo: async (id) => {
      const seen = await provider.retrieveVideo(id);
      if (seen.outcome !== 'seen') return seen;
      const { seconds, size } = seen.video;
      return {
        ...seen,
        video: { ...seen.video, seconds: (seconds ?? 0) / 2, size: size === OF_A_RESOLUTION ? '854x480' : size },
      };
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

it.each([
  ['720p', 800],
  ['480p', 800],
])(
  'is paid for the resolution that it made, though it tells its width and height: sold as %s',
  async (size, charged) => {
    const account = await openAccount(stack, 1_000_000);
    const model = `of-${size}`;
    for (const [sold, cost] of [
      ['720p', 1000],
      ['480p', 200],
    ] as const) {
      const price = { model, size: sold, cost_per_second_microcredits: cost, margin_basis_points: 0 };
      await adminPost(stack, '/prices', price, { 'idempotency-key': `${model} ${sold}` });
    }
    const offer = { model, charge_rule: 'as_made', size_field: 'resolution' };
    expect((await adminPost(stack, '/offers', offer, { 'idempotency-key': model })).status).toBe(200);
    const asked = jsonPost({ model, prompt: 'a fox', seconds: '8', resolution: size });
    const { id } = (await (await account.fetch('/v1/videos', asked)).json()) as { id: string };
    await expect
      .poll(async () => account.client.videos.retrieve(id), { timeout: 30_000 })
      .toMatchObject({ status: 'completed', credits: { amount_microcredits: charged } });
    const { rows } = await stack.database.pool.query('SELECT made_size FROM generations WHERE id = $1', [id]);
    expect(rows).toEqual([{ made_size: '480p' }]);
  },
);

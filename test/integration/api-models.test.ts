import { afterAll, beforeAll, expect, it } from 'vitest';
import { adminPost, openAccount, startStack, type TestAccount, type TestStack } from '../harness/support/stack.ts';

/** The models that are sold, in OpenAI's shape. */

let stack: TestStack;
let account: TestAccount;
beforeAll(async () => {
  stack = await startStack();
  account = await openAccount(stack, 0);
});
afterAll(async () => {
  await stack.stop();
});

const read = async (path: string) => (await (await account.fetch(path)).json()) as { data: { model: string }[] };

it("are listed and retrieved by OpenAI's SDK", async () => {
  const listed = [];
  for await (const model of account.client.models.list()) listed.push(model);
  expect(listed.map(({ id, object, owned_by: owner }) => [id, object, owner])).toEqual([
    ['sora-2', 'model', 'holdfast'],
    ['sora-2-pro', 'model', 'holdfast'],
    ['gpt-4.1-mini', 'model', 'holdfast'],
  ]);
  for (const model of listed) expect(await account.client.models.retrieve(model.id)).toEqual(model);
});

it('say their kind and the very prices of GET /v1/prices, every one of them once', async () => {
  const { data: prices } = await read('/v1/prices');
  const { data: models } = (await (await account.fetch('/v1/models')).json()) as {
    data: { id: string; kind: string; prices: { model: string }[] }[];
  };
  expect(models.map(({ kind }) => kind)).toEqual(['video', 'video', 'text']);
  expect(models.flatMap((model) => model.prices)).toEqual(prices);
  for (const { id, prices: own } of models) expect(new Set(own.map(({ model }) => model))).toEqual(new Set([id]));
});

it('are those with a price that is in force: one to come is not sold, one whose price changes is there once', async () => {
  const price = { size: '720x1280', cost_per_second_microcredits: 1, margin_basis_points: 0 };
  const set = (model: string, more: object, key: string) =>
    adminPost(stack, '/prices', { ...price, model, ...more }, { 'idempotency-key': key });
  const later = Math.floor(Date.now() / 1000) + 3600;
  expect((await set('to/come', { effective_from: later }, 'later')).status).toBe(200);
  expect((await set('sold/now', {}, 'now')).status).toBe(200);
  expect((await set('sold/now', { cost_per_second_microcredits: 2 }, 'again')).status).toBe(200);
  const { data } = await account.client.models.list();
  expect(data.filter(({ id }) => id.includes('/')).map(({ id }) => id)).toEqual(['sold/now']);
  expect((await account.client.models.retrieve('sold/now')).created).toBeGreaterThan(1_700_000_000);
  await expect(account.client.models.retrieve('to/come')).rejects.toMatchObject({ status: 404, code: 'not_found' });
});

it('are read with the scope that prices need', async () => {
  const { key } = (await (
    await adminPost(stack, `/accounts/${account.id}/keys`, { name: 'videos', scopes: ['videos:read'] })
  ).json()) as { key: string };
  for (const path of ['/v1/models', '/v1/models/sora-2', '/v1/prices']) {
    const answer = await fetch(`${stack.url}${path}`, { headers: { authorization: `Bearer ${key}` } });
    expect([path, answer.status]).toEqual([path, 403]);
  }
});

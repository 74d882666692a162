import { randomUUID } from 'node:crypto';
import type OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tablesWith } from '../harness/support/erasure.ts';
import { ask, expectNoDrift, readableHistory, untilRow, untilSettled } from '../harness/support/generations.ts';
import type { TestAccount, TestStack } from '../harness/support/stack.ts';
import { openAccount, startStack } from '../harness/support/stack.ts';

/** `user` and `metadata`: a client's own references on its generations. */

let stack: TestStack;
let account: TestAccount;
let stranger: TestAccount;
beforeAll(async () => {
  stack = await startStack();
  [account, stranger] = [await openAccount(stack, 100_000_000), await openAccount(stack, 100_000_000)];
});
afterAll(async () => {
  await expectNoDrift(stack);
  await stack.stop();
});

interface Labelled {
  readonly id: string;
  readonly user: string | null;
  readonly metadata: Record<string, string>;
}

const send = (path: string, body: object, headers: Record<string, string> = {}, { fetch } = account) =>
  fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
const post = async (path: string, body: object, headers?: Record<string, string>, by?: TestAccount) => {
  const answer = await send(path, body, headers, by);
  const made = (await answer.json()) as Labelled;
  expect({ status: answer.status, made }).toMatchObject({ status: 200 });
  return made;
};
const get = async (path: string, { fetch } = account) => (await (await fetch(path)).json()) as Labelled;

function form(fields: Record<string, string>): FormData {
  const body = new FormData();
  for (const [name, value] of Object.entries(fields)) body.append(name, value);
  return body;
}
const sendForm = (fields: Record<string, string>, headers: Record<string, string> = {}) =>
  account.fetch('/v1/videos', { method: 'POST', body: form({ prompt: 'a red fox', ...fields }), headers });

const LABELS = { user: 'user-1234', metadata: { project: 'winter', 'a b': 'ü 😀 "x"', empty: '' } };
const NONE = { user: null, metadata: {} };

describe('what a client refers to a generation by is given back', () => {
  it('by the create, by retrieve and by the list, as it was sent', async () => {
    const made = await post('/v1/videos', { prompt: 'a red fox', ...LABELS });
    expect(made).toMatchObject(LABELS);
    expect((await get(`/v1/videos/${made.id}`)).metadata).toEqual(LABELS.metadata);
    const { data } = (await (await account.fetch('/v1/videos?limit=1')).json()) as { data: Labelled[] };
    expect(data).toEqual([expect.objectContaining({ id: made.id, ...LABELS })]);
  });

  it('the same from a form: by fields of their own, or as JSON in one', async () => {
    const { metadata, user } = LABELS;
    const fields = Object.fromEntries(Object.entries(metadata).map(([key, value]) => [`metadata[${key}]`, value]));
    for (const way of [fields, { metadata: JSON.stringify(metadata) }]) {
      expect(await (await sendForm({ user, ...way })).json()).toMatchObject(LABELS);
    }
  });

  it("the same from OpenAI's SDK, which knows no such fields of a video", async () => {
    const request = { prompt: 'a red fox', ...LABELS } as OpenAI.VideoCreateParams;
    expect(await account.client.videos.create(request)).toMatchObject(LABELS);
  });

  it.each(['scripts', 'threads'])('by %s as well', async (texts) => {
    const { id, ...made } = await post(`/v1/${texts}`, { topic: 'a red fox', ...LABELS });
    expect(made).toMatchObject(LABELS);
    expect(await get(`/v1/${texts}/${id}`)).toMatchObject(LABELS);
  });

  it('as null and an empty object where there is none', async () => {
    expect(await post('/v1/videos', { prompt: 'a red fox' })).toMatchObject(NONE);
    expect(await post('/v1/scripts', { topic: 'a red fox' })).toMatchObject(NONE);
    expect((await post('/v1/videos', { prompt: 'a red fox', metadata: {} })).metadata).toEqual({});
  });

  it('to its bounds: 16 pairs, keys of 64 characters, values of 512, in letters of four bytes', async () => {
    const key = (place: number) => `${String(place).padStart(2, '0')}${'😀'.repeat(31)}`;
    const pairs = Array.from({ length: 16 }, (_, place) => [key(place), '😀'.repeat(256)] as const);
    const labels = { user: '😀'.repeat(32), metadata: Object.fromEntries(pairs) };
    const made = await post('/v1/videos', { prompt: 'a red fox', ...labels });
    expect((await get(`/v1/videos/${made.id}`)).metadata).toEqual(labels.metadata);
    const [name, value] = [key(15), '😀'.repeat(256)].map(encodeURIComponent);
    expect(await idsOf(`metadata[${name}]=${value}&user=${encodeURIComponent(labels.user)}`)).toEqual([made.id]);
  });

  it('of a remix: its own, not its original’s', async () => {
    const { id } = await post('/v1/videos', { prompt: 'a red fox', ...LABELS });
    await untilSettled(stack, [id]);
    expect(await post(`/v1/videos/${id}/remix`, { prompt: 'at night' })).toMatchObject(NONE);
    const own = { user: 'another', metadata: { of: 'the remix' } };
    expect(await post(`/v1/videos/${id}/remix`, { prompt: 'at night', ...own })).toMatchObject(own);
    const fields = form({ prompt: 'at night', user: own.user, 'metadata[of]': own.metadata.of });
    const asForm = await account.fetch(`/v1/videos/${id}/remix`, { method: 'POST', body: fields });
    expect(await asForm.json()).toMatchObject(own);
  });
});

describe('a request with an Idempotency-Key', () => {
  it('is the same as JSON and as a form, and its repeat answers with its labels', async () => {
    const key = { 'idempotency-key': randomUUID() };
    const made = await post('/v1/videos', { prompt: 'a red fox', ...LABELS }, key);
    const again = await sendForm({ user: LABELS.user, metadata: JSON.stringify(LABELS.metadata) }, key);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(await again.json()).toMatchObject({ id: made.id, ...LABELS });
  });

  it.each([
    ['/v1/videos', { prompt: 'a red fox' }],
    ['/v1/scripts', { topic: 'a red fox' }],
  ])('to %s with other labels is another request', async (path, body) => {
    const key = { 'idempotency-key': randomUUID() };
    await post(path, { ...body, metadata: {} }, key);
    expect((await send(path, body, key)).headers.get('idempotency-replayed')).toBe('true');
    for (const labels of [{ user: 'another' }, { metadata: { project: 'another' } }]) {
      const answer = await send(path, { ...body, ...labels }, key);
      expect([answer.status, await answer.json()]).toMatchObject([422, { error: { code: 'idempotency_key_reused' } }]);
    }
  });
});

describe('a dry run', () => {
  it.each([
    ['/v1/videos', { prompt: 'a dry fox' }],
    ['/v1/scripts', { topic: 'a dry fox' }],
  ])('of %s takes labels and keeps nothing', async (path, body) => {
    const user = `dry ${randomUUID()}`;
    expect(await post(`${path}?dry_run=true`, { ...body, user })).toMatchObject({ would_be_accepted: true });
    const kept = await stack.database.admin.query('SELECT FROM generation_labels WHERE value = $1', [user]);
    expect(kept.rowCount).toBe(0);
  });
});

const pairs = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, each) => [`key ${each}`, 'x']));

describe('refused with its field named, and nothing is held', () => {
  it.each([
    ['an empty user', { user: '' }, 'user'],
    ['a user that is too long', { user: 'x'.repeat(65) }, 'user'],
    ['a user of two lines', { user: 'a\nb' }, 'user'],
    ['half a letter', { user: '\ud83d' }, 'user'],
    ['a user that is no text', { user: 7 }, 'user'],
    ['17 pairs', { metadata: pairs(17) }, 'metadata'],
    ['an empty key', { metadata: { '': 'x' } }, 'metadata'],
    ['a key that is too long', { metadata: { ['x'.repeat(65)]: 'x' } }, 'metadata'],
    ['a key with a control character', { metadata: { 'a\u0000': 'x' } }, 'metadata'],
    ['a value that is too long', { metadata: { project: 'x'.repeat(513) } }, 'metadata.project'],
    ['a value with a control character', { metadata: { project: 'a\tb' } }, 'metadata.project'],
    ['a value that is no text', { metadata: { project: 7 } }, 'metadata.project'],
    ['a value that is nested', { metadata: { project: { a: 'b' } } }, 'metadata.project'],
    ['a list', { metadata: ['a'] }, 'metadata'],
    ['text', { metadata: '{}' }, 'metadata'],
  ])('%s', async (_what, labels, param) => {
    for (const [path, body] of [
      ['/v1/videos', { prompt: 'a red fox' }],
      ['/v1/threads', { topic: 'a red fox' }],
    ] as const) {
      const answer = await send(path, { ...body, ...labels }, {}, stranger);
      expect([answer.status, await answer.json()]).toMatchObject([400, { error: { code: 'invalid_request', param } }]);
    }
    expect(await stranger.credits()).toMatchObject({ held_microcredits: 0 });
  });

  it('a key that JavaScript would lose', async () => {
    const answer = await account.fetch('/v1/videos', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"prompt":"a red fox","metadata":{"__proto__":"x"}}',
    });
    expect([answer.status, await answer.json()]).toMatchObject([400, { error: { param: 'metadata' } }]);
  });

  it.each([
    ['no JSON', { metadata: 'winter' }, 'metadata'],
    ['JSON of something else', { metadata: '["winter"]' }, 'metadata'],
    ['JSON that is far too long', { metadata: `{"a":"${' '.repeat(100_000)}"}` }, 'metadata'],
    ['both ways at once', { metadata: '{"a":"b"}', 'metadata[c]': 'd' }, 'metadata'],
    ['an empty key', { 'metadata[]': 'x' }, 'metadata.'],
    ['a key that would be nested', { 'metadata[a][b]': 'x' }, 'metadata'],
    ['a key that JavaScript would lose', { 'metadata[__proto__]': 'x' }, 'metadata'],
    ['a field that is not known', { 'metadatum[a]': 'x' }, 'metadatum[a]'],
  ])('in a form: %s', async (_what, fields, param) => {
    const answer = await sendForm(fields);
    expect([answer.status, await answer.json()]).toMatchObject([400, { error: { code: 'invalid_request', param } }]);
  });

  it.each([
    ['metadata[project]=a&metadata[project]=b', 'metadata.project'],
    ['metadata[project]=a%00', 'metadata.project'],
    ['metadata[a][b]=c', 'metadata'],
    ['metadata=winter', 'metadata'],
    ['user=a&user=b', 'user'],
    [`user=${'x'.repeat(65)}`, 'user'],
    ['project=winter', 'project'],
  ])('in a list: %s', async (query, param) => {
    const answer = await account.fetch(`/v1/videos?${query}`);
    expect([answer.status, await answer.json()]).toMatchObject([400, { error: { code: 'invalid_request', param } }]);
  });
});

const idsOf = async (query: string, { fetch } = account) => {
  const answer = await fetch(`/v1/videos?${query}`);
  const page = (await answer.json()) as { data: Labelled[] };
  expect({ status: answer.status, page }).toMatchObject({ status: 200 });
  return page.data.map(({ id }) => id);
};

describe('a list', () => {
  const run = randomUUID();
  let ids: string[];
  let script: string;
  beforeAll(async () => {
    ids = [];
    for (const labels of [
      { user: 'ann', metadata: { run, project: 'winter', scene: '1' } },
      { user: 'ann', metadata: { run, project: 'summer' } },
      { user: 'bob', metadata: { run, project: 'winter', scene: '1' } },
      { user: 'ann', metadata: { run, project: 'winter', scene: '2' } },
    ]) {
      ids.push((await post('/v1/videos', { prompt: 'listed', ...labels })).id);
    }
    script = (await post('/v1/scripts', { topic: 'listed', user: 'ann', metadata: { run } })).id;
    await post('/v1/scripts', { topic: 'listed', user: 'bob', metadata: { run } });
    await post('/v1/videos', { prompt: 'listed', user: 'ann', metadata: { run } }, {}, stranger);
  });
  const of = (...places: number[]) => places.map((place) => ids[place]);

  it('of a user has that user’s videos, the newest first, and no texts', async () => {
    expect(await idsOf('user=ann')).toEqual(of(3, 1, 0));
    expect(await idsOf('user=ann&order=asc')).toEqual(of(0, 1, 3));
    expect(await idsOf('user=nobody')).toEqual([]);
  });

  it.each(['user=ann', `user=ann&metadata[run]=${run}`])('of scripts has no videos: %s', async (query) => {
    for (const [texts, expected] of [
      ['scripts', [script]],
      ['threads', []],
    ] as const) {
      const { data } = (await (await account.fetch(`/v1/${texts}?${query}`)).json()) as { data: Labelled[] };
      expect([texts, data.map(({ id }) => id)]).toEqual([texts, expected]);
    }
  });

  it('of several labels has what matches all of them', async () => {
    expect(await idsOf(`metadata[run]=${run}`)).toEqual(of(3, 2, 1, 0));
    expect(await idsOf(`metadata[run]=${run}&metadata[project]=winter`)).toEqual(of(3, 2, 0));
    expect(await idsOf(`metadata[project]=winter&metadata[scene]=1&metadata[run]=${run}`)).toEqual(of(2, 0));
    expect(await idsOf(`user=ann&metadata[scene]=1&metadata[run]=${run}`)).toEqual(of(0));
    expect(await idsOf(`user=bob&metadata[scene]=2`)).toEqual([]);
  });

  it('matches whole values, and a user is no pair', async () => {
    expect(await idsOf('user=an')).toEqual([]);
    expect(await idsOf(`metadata[run]=${run}&metadata[project]=Winter`)).toEqual([]);
    expect(await idsOf('metadata[user]=ann')).toEqual([]);
  });

  it('by labels is read page after page', async () => {
    const page = async (after: string) => {
      const answer = await account.fetch(`/v1/videos?limit=2&user=ann${after}`);
      return (await answer.json()) as { data: Labelled[]; has_more: boolean; last_id: string };
    };
    const first = await page('');
    expect([first.data.map(({ id }) => id), first.has_more]).toEqual([of(3, 1), true]);
    const second = await page(`&after=${first.last_id}`);
    expect([second.data.map(({ id }) => id), second.has_more]).toEqual([of(0), false]);
  });

  it("by labels is asked for by OpenAI's SDK as a query", async () => {
    const query = { user: 'ann', metadata: { project: 'winter' } };
    const found: string[] = [];
    for await (const { id } of account.client.videos.list({}, { query })) found.push(id);
    expect(found).toEqual(of(3, 0));
  });

  // MR-89
  // MR-92
  it('by several labels that reads too much is given up after a second, and says what to do', async () => {
    // A statement that waits for a lock runs out of time like one that reads for long.
    const blocking = await stack.database.admin.connect();
    await blocking.query('BEGIN; LOCK TABLE generation_labels IN ACCESS EXCLUSIVE MODE');
    const list = account.fetch('/v1/videos?user=ann&metadata[project]=winter');
    const answer = await list.finally(() => blocking.query('ROLLBACK'));
    blocking.release();
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({
      error: {
        code: 'invalid_request',
        message:
          'This search was stopped after 1 s, because it reads too many generations. Add a filter that few of them match, such as user alone.',
      },
    });
  });

  it('by labels has nothing of another account that uses the same', async () => {
    expect(await idsOf(`user=bob&metadata[run]=${run}`, stranger)).toEqual([]);
    expect(await idsOf(`metadata[run]=${run}`, stranger)).toHaveLength(1);
  });
});

// MR-80, MR-96
describe('labels are personal data', () => {
  it('that no history, search attribute, log or event of the generation has', async () => {
    const words = randomUUID();
    const labels = { user: `user ${words}`, metadata: { [`key ${words}`]: `value ${words}` } };
    const video = await post('/v1/videos', { prompt: 'a red fox', ...labels });
    const script = await post('/v1/scripts', { topic: 'a red fox', ...labels });
    await idsOf(`user=${encodeURIComponent(labels.user)}`);
    await untilSettled(stack, [video.id, script.id]);
    for (const { id } of [video, script]) {
      expect(await readableHistory(stack, id)).not.toContain(words);
      const described = await stack.env.client.workflow.getHandle(id).describe();
      expect(JSON.stringify(described.raw)).not.toContain(words);
    }
    expect([...stack.told, ...stack.logged].join('\n')).not.toContain(words);
    const events = 'SELECT FROM generation_events WHERE position($1 IN data::text) > 0';
    expect((await stack.database.admin.query(events, [words])).rowCount).toBe(0);
  });

  it('that are gone from every table when the video is deleted, and found no more', async () => {
    const user = `user ${randomUUID()}`;
    const key = { 'idempotency-key': randomUUID() };
    const { id } = await post('/v1/videos', { prompt: 'a red fox', user, metadata: { of: user } }, key);
    await untilSettled(stack, [id]);
    await account.client.videos.delete(id);
    expect(await idsOf(`user=${encodeURIComponent(user)}`)).toEqual([]);
    expect(await tablesWith(stack.database.admin, user)).toEqual([]);
  });

  it('that are not kept of a request that is refused', async () => {
    const poor = await openAccount(stack, 1);
    const user = `user ${randomUUID()}`;
    expect((await send('/v1/videos', { prompt: 'a red fox', user }, {}, poor)).status).toBe(402);
    const kept = await stack.database.admin.query('SELECT FROM generation_labels WHERE value = $1', [user]);
    expect(kept.rowCount).toBe(0);
  });
});

it('a video without labels is not found by any, and costs its index nothing', async () => {
  const id = await ask(account, 'without labels');
  await untilRow(stack, id, "state <> 'requested'");
  const kept = await stack.database.admin.query('SELECT FROM generation_labels WHERE generation_id = $1', [id]);
  expect(kept.rowCount).toBe(0);
});

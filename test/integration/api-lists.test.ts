import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatCredits } from '../../contracts/money.ts';
import { PRICE } from '../harness/support/database.ts';
import { ask, untilSettled } from '../harness/support/generations.ts';
import type { TestAccount, TestStack } from '../harness/support/stack.ts';
import { ADMIN_KEY, openAccount, startStack } from '../harness/support/stack.ts';
import { STATEMENTS } from '../../store/statement.ts';

/** What an account may page through: its videos, its texts, its movements, its holds; and nobody else's. */

let stack: TestStack;
let account: TestAccount;
let stranger: TestAccount;
/** From the oldest to the newest. */
let ids: string[];
beforeAll(async () => {
  stack = await startStack();
  [account, stranger] = [await openAccount(stack, 100_000_000), await openAccount(stack, 1_000_000)];
  ids = [];
  for (const prompt of ['one', 'two [[fail:moderation_blocked]]', 'three', 'four', 'five']) {
    ids.push(await ask(account, prompt));
  }
  await untilSettled(stack, ids);
});
afterAll(async () => {
  await stack.stop();
});

interface List {
  object: string;
  data: { id: string; [field: string]: unknown }[];
  first_id: string | null;
  last_id: string | null;
  has_more: boolean;
}
const list = async ({ fetch }: TestAccount, path: string) => (await (await fetch(path)).json()) as List;
const idsOf = ({ data }: List) => data.map(({ id }) => id);

describe('videos', () => {
  it("are listed by OpenAI's SDK, page after page, the newest first", async () => {
    const found: string[] = [];
    for await (const video of account.client.videos.list({ limit: 2 })) found.push(video.id);
    expect(found).toEqual(ids.toReversed());
  });

  it('are listed in either order, after any of them', async () => {
    expect(idsOf(await list(account, '/v1/videos?order=asc'))).toEqual(ids);
    const page = await list(account, `/v1/videos?order=asc&limit=2&after=${ids[1] ?? ''}`);
    expect({ ...page, data: idsOf(page) }).toEqual({
      object: 'list',
      data: ids.slice(2, 4),
      first_id: ids[2],
      last_id: ids[3],
      has_more: true,
    });
    expect((await list(account, `/v1/videos?order=asc&limit=2&after=${ids[2] ?? ''}`)).has_more).toBe(false);
    expect(await list(account, `/v1/videos?after=${ids[0] ?? ''}`)).toMatchObject({ data: [], last_id: null });
  });

  it('say what became of their credits, as each by itself does', async () => {
    const { data } = await list(account, '/v1/videos?order=asc');
    for (const video of data) expect(video).toEqual(await (await account.fetch(`/v1/videos/${video.id}`)).json());
    expect(data[1]).toMatchObject({ status: 'failed', credits: { state: 'refunded' } });
  });

  it('of another account are never listed, not even after one of its ids', async () => {
    expect(idsOf(await list(stranger, '/v1/videos'))).toEqual([]);
    expect(idsOf(await list(stranger, `/v1/videos?order=asc&after=${ids[0] ?? ''}`))).toEqual([]);
    for (const path of ['/v1/credits/holds']) expect(idsOf(await list(stranger, path))).toEqual([]);
    expect(idsOf(await list(stranger, '/v1/credits/transactions'))).toHaveLength(1);
  });

  it('that were deleted are not listed', async () => {
    const id = await ask(stranger, 'a fox');
    await untilSettled(stack, [id]);
    await stranger.client.videos.delete(id);
    expect(idsOf(await list(stranger, '/v1/videos'))).toEqual([]);
  });

  it.each([
    ['limit=', 'limit'],
    ['limit=101', 'limit'],
    ['limit=-1', 'limit'],
    ['limit=1.5', 'limit'],
    ['limit=many', 'limit'],
    ['limit=1e99', 'limit'],
    ['order=newest', 'order'],
    ['after=video_%00', 'after'],
    ['after=hold_0', 'after'],
    ['limit=1&limit=2', 'limit'],
  ])('with %s: 400 names the field', async (query, param) => {
    const answer = await account.fetch(`/v1/videos?${query}`);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ error: { code: 'invalid_request', param } });
  });
});

it('a list with limit=0 is empty, and says whether there is more', async () => {
  const empty = { object: 'list', data: [], first_id: null, last_id: null };
  for (const path of ['/v1/videos', '/v1/credits/holds', '/v1/credits/transactions']) {
    expect(await list(account, `${path}?limit=0`)).toMatchObject({ ...empty, has_more: true });
  }
  expect(await list(account, `/v1/videos?limit=0&order=asc&after=${ids[4] ?? ''}`)).toEqual({
    ...empty,
    has_more: false,
  });
  for (const path of ['/v1/scripts', '/v1/threads']) {
    expect(await list(account, `${path}?limit=0`)).toEqual({ ...empty, has_more: false });
  }
  const headers = { authorization: `Bearer ${ADMIN_KEY}` };
  for (const path of ['/admin/accounts', `/admin/accounts/${account.id}/keys`, '/admin/emergency_releases']) {
    const page = (await (await fetch(`${stack.url}${path}?limit=0`, { headers })).json()) as List;
    expect(page).toEqual({ ...empty, has_more: path !== '/admin/emergency_releases' });
  }
  const csv = await account.fetch('/v1/credits/transactions?limit=0', { headers: { accept: 'text/csv' } });
  expect([csv.status, csv.headers.get('link')]).toEqual([200, null]);
});

describe.each(['script', 'thread'] as const)('%ss', (kind) => {
  const path = `/v1/${kind}s`;
  const write = async ({ fetch }: TestAccount, topic: string) => {
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(path, { method: 'POST', headers, body: JSON.stringify({ topic }) });
    return ((await answer.json()) as { id: string }).id;
  };
  let mine: TestAccount;
  /** From the oldest to the newest. */
  const written: string[] = [];
  beforeAll(async () => {
    mine = await openAccount(stack, 10_000_000);
    for (const topic of ['a fox', 'a fox [[chat:400:invalid_prompt]]', 'a third'])
      written.push(await write(mine, topic));
    // Of every other kind there is one too, before and after them in the order of ids.
    for (const other of ['script', 'thread', 'video']) {
      if (other === kind) continue;
      const body = other === 'video' ? { prompt: 'a fox' } : { topic: 'a fox' };
      const headers = { 'content-type': 'application/json' };
      await (await mine.fetch(`/v1/${other}s`, { method: 'POST', headers, body: JSON.stringify(body) })).text();
    }
  });

  it('are listed page after page, the newest first, and nothing else with them', async () => {
    expect(idsOf(await list(mine, path))).toEqual(written.toReversed());
    const page = await list(mine, `${path}?limit=2`);
    expect({ ...page, data: idsOf(page) }).toEqual({
      object: 'list',
      data: [written[2], written[1]],
      first_id: written[2],
      last_id: written[1],
      has_more: true,
    });
    const last = await list(mine, `${path}?limit=2&after=${page.last_id ?? ''}`);
    expect([idsOf(last), last.has_more]).toEqual([[written[0]], false]);
    expect(idsOf(await list(mine, `${path}?order=asc&after=${written[0] ?? ''}`))).toEqual(written.slice(1));
  });

  it('are each as they are by themselves, with what became of their credits', async () => {
    const { data } = await list(mine, `${path}?order=asc`);
    for (const text of data) expect(text).toEqual(await (await mine.fetch(`${path}/${text.id}`)).json());
    expect(data.map(({ status }) => status)).toEqual(['completed', 'failed', 'completed']);
  });

  it('that were deleted are not listed, and their timeline still answers', async () => {
    const id = await write(stranger, 'to be deleted');
    expect(await stack.database.ledger.deleteGeneration(stranger.id, id, null)).toBe(true);
    expect(idsOf(await list(stranger, path))).toEqual([]);
    const { data } = await list(stranger, `${path}/${id}/timeline`);
    expect(data.at(-1)).toMatchObject({ type: 'deleted' });
  });

  it('of another account are never listed, not even after one of its ids', async () => {
    expect(idsOf(await list(stranger, `${path}?order=asc&after=${written[0] ?? ''}`))).toEqual([]);
  });

  it.each([
    ['after=video_019a0000000070008000000000000000', 'after'],
    ['limit=101', 'limit'],
    ['kind=script', 'kind'],
  ])('with %s: 400 names the field', async (query, param) => {
    const answer = await mine.fetch(`${path}?${query}`);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ error: { code: 'invalid_request', param } });
  });

  it.each(['asc', 'desc'] as const)('are found by the index of their kind, %s', async (order) => {
    const statement = STATEMENTS.get(`list_${kind}s_${order}`);
    const { rows } = await stack.database.pool.query<{ 'QUERY PLAN': string }>(
      `EXPLAIN (GENERIC_PLAN) ${statement?.text ?? ''}`,
    );
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
    expect(plan).toMatch(/generations_of_account/);
    expect(plan).toMatch(/Index Cond: .*account_id = .* AND \(kind = .* AND \(id [<>] /);
  });
});

describe('credits', () => {
  it('are listed movement by movement, and the last one leaves what the balance says', async () => {
    const page = await list(account, '/v1/credits/transactions?limit=100');
    expect(page.data).toHaveLength(11);
    const balance = await account.credits();
    expect(page.data[0]).toMatchObject({
      available_microcredits: balance.available_microcredits,
      held_microcredits: 0,
    });
    const available = page.data.map((each) => each['available_change_microcredits'] as number);
    expect(available.reduce((sum, change) => sum + change)).toBe(balance.available_microcredits);
    const [second] = (await list(account, `/v1/credits/transactions?limit=1&after=${page.first_id ?? ''}`)).data;
    expect(second).toEqual(page.data[1]);
  });

  it('are listed as CSV for whom asks for it', async () => {
    const answer = await account.fetch('/v1/credits/transactions?order=asc&limit=2', {
      headers: { accept: 'text/csv' },
    });
    expect(answer.headers.get('content-type')).toBe('text/csv; charset=utf-8');
    const [header, grant, hold] = (await answer.text()).split('\n');
    expect(header).toMatch(/^created_at,id,kind,/);
    expect(grant).toMatch(
      /,grant,,test,100\.000000,100000000,0\.000000,0,100\.000000,100000000,0\.000000,0,0\.000000,0,,$/,
    );
    expect(hold).toContain(`,hold,${ids[0] ?? ''},,-0.571429,-${PRICE},0.571429,${PRICE},99.428571,`);
    const next = /^<([^>]+)>; rel="next"$/.exec(answer.headers.get('link') ?? '')?.[1] ?? '';
    const rest = await account.fetch(next.replace('limit=2', 'limit=100'), { headers: { accept: 'text/csv' } });
    expect((await rest.text()).split('\n')[1]).not.toBe(grant);
    expect(rest.headers.get('link')).toBeNull();
  });

  it('are told in the same words by CSV and JSON: of a release, the error code of its video', async () => {
    const path = '/v1/credits/transactions?order=asc&limit=100';
    const csv = await (await account.fetch(path, { headers: { accept: 'text/csv' } })).text();
    const [header = '', ...lines] = csv.trim().split('\n');
    const { data } = await list(account, path);
    // Nobody gave these videos any metadata.
    const asText = (value: unknown) =>
      value === null || typeof value === 'object' ? '' : String(value as string | number);
    const names = header.split(',');
    expect(lines.map((line) => line.split(',').slice(1))).toEqual(
      data.map((movement) => names.slice(1).map((name) => asText(movement[name]))),
    );
    expect(lines.map((line) => Date.parse(line.split(',')[0] ?? '') / 1000).map(Math.floor)).toEqual(
      data.map((movement) => movement['created_at']),
    );
    expect(data.filter(({ kind }) => kind === 'release').map(({ reason }) => reason)).toEqual(['moderation_blocked']);
    expect(csv).not.toContain('provider_failed');
  });

  it('are told as decimals beside the microcredits', async () => {
    const { available_microcredits: available } = await account.credits();
    expect(await account.credits()).toMatchObject({ available: formatCredits(available), held: '0.000000' });
    const { data } = await list(account, '/v1/credits/holds?limit=1');
    expect(data).toMatchObject([{ amount_microcredits: PRICE, amount: '0.571429' }]);
  });

  it('are listed hold by hold', async () => {
    const { data } = await list(account, '/v1/credits/holds?order=asc');
    expect(data.map((hold) => [hold['generation_id'], hold['state']])).toEqual(
      ids.map((id, index) => [id, index === 1 ? 'released' : 'captured']),
    );
  });
});

import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ask, expectNoDrift, untilRow, untilSettled } from '../harness/support/generations.ts';
import type { TestAccount, TestStack } from '../harness/support/stack.ts';
import { ADMIN_KEY, openAccount, startStack } from '../harness/support/stack.ts';

/** An operator searches generations, of one account and of all. */

const GRANTED = 10_000_000;
const AUTHORIZATION = { authorization: `Bearer ${ADMIN_KEY}` };
const BLOCKED = 'a secret wish [[fail:moderation_blocked]]';
let stack: TestStack;
let mine: TestAccount;
let other: TestAccount;
/** Videos in the order in which they were asked for, then texts. */
let charged: string;
let failed: string;
let held: string;
let others: string;
let deleted: string;
let script: string;
let thread: string;

interface Item {
  readonly id: string;
  readonly [field: string]: unknown;
}
interface Answer {
  readonly data: Item[];
  readonly has_more: boolean;
  readonly last_id: string;
  readonly error?: { readonly code: string; readonly param: string; readonly message: string };
}

beforeAll(async () => {
  stack = await startStack();
  mine = await openAccount(stack, GRANTED);
  other = await openAccount(stack, GRANTED);
  charged = await ask(mine, 'a secret wish');
  failed = await ask(mine, BLOCKED);
  others = await ask(other, BLOCKED);
  deleted = await ask(mine, 'a secret wish, deleted');
  held = await ask(mine, 'a secret wish [[never]]');
  await untilSettled(stack, [charged, failed, others, deleted]);
  await untilRow(stack, held, 'provider_video_id IS NOT NULL');
  expect((await mine.fetch(`/v1/videos/${deleted}`, { method: 'DELETE' })).status).toBe(200);
  script = await write('/v1/scripts');
  thread = await write('/v1/threads');
});
afterAll(async () => {
  await expectNoDrift(stack);
  await stack.stop();
});

async function write(path: string): Promise<string> {
  const answer = await mine.fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ topic: 'a secret topic' }),
  });
  return ((await answer.json()) as { id: string }).id;
}

async function get(path: string) {
  const answer = await fetch(`${stack.url}/admin${path}`, { headers: AUTHORIZATION });
  return { status: answer.status, body: (await answer.json()) as Answer };
}

/** Of the generations that were made here, the ids that the search finds, in its order. */
async function found(path: string): Promise<string[]> {
  const { status, body } = await get(path);
  expect({ status, error: body.error }).toEqual({ status: 200, error: undefined });
  const ours = [charged, failed, held, others, deleted, script, thread];
  return body.data.map(({ id }) => id).filter((id) => ours.includes(id));
}

async function rowOf(id: string) {
  const { rows } = await stack.database.admin.query<{ provider_video_id: string; at: number }>(
    'SELECT provider_video_id, floor(extract(epoch FROM requested_at))::integer AS at FROM generations WHERE id = $1',
    [id],
  );
  return rows[0]!;
}

describe('the search', () => {
  it('without a filter lists the generations of all accounts, the newest first, deleted ones too', async () => {
    expect(await found('/videos')).toEqual([held, deleted, others, failed, charged]);
    expect(await found('/videos?order=asc')).toEqual([charged, failed, others, deleted, held]);
    expect(await found('/texts')).toEqual([thread, script]);
    expect(await found('/texts?order=asc')).toEqual([script, thread]);
  });

  it('by account_id finds those of this account, and so does the list below the account', async () => {
    expect(await found(`/videos?account_id=${other.id}`)).toEqual([others]);
    expect(await found(`/accounts/${other.id}/videos`)).toEqual([others]);
    expect(await found(`/accounts/${mine.id}/videos`)).toEqual([held, deleted, failed, charged]);
    expect(await found(`/texts?account_id=${mine.id}`)).toEqual([thread, script]);
    expect(await found(`/accounts/${mine.id}/texts`)).toEqual([thread, script]);
    expect(await found(`/accounts/${other.id}/texts`)).toEqual([]);
  });

  it('by id tells whose generation it is that a customer names', async () => {
    const { body } = await get(`/videos?id=${others}`);
    expect(body.data).toMatchObject([{ id: others, account_id: other.id }]);
    expect(await found(`/texts?id=${script}`)).toEqual([script]);
    expect(await found(`/videos?id=${script}`)).toEqual([]);
  });

  it('by provider_video_id finds the one whose video that is', async () => {
    const { provider_video_id: id } = await rowOf(held);
    expect(await found(`/videos?provider_video_id=${id}`)).toEqual([held]);
    expect(await found(`/accounts/${mine.id}/videos?provider_video_id=${id}`)).toEqual([held]);
    expect(await found(`/accounts/${other.id}/videos?provider_video_id=${id}`)).toEqual([]);
    expect(await found('/videos?provider_video_id=nobodys')).toEqual([]);
  });

  it('by error_code finds those that failed with it', async () => {
    expect(await found('/videos?error_code=moderation_blocked')).toEqual([others, failed]);
    expect(await found('/videos?error_code=moderation')).toEqual([]);
    expect(await found('/texts?error_code=moderation_blocked')).toEqual([]);
  });

  it('by state finds those whose credits are in it, in the words of the API', async () => {
    expect(await found('/videos?state=held')).toEqual([held]);
    expect(await found('/videos?state=charged')).toEqual([deleted, charged]);
    expect(await found('/videos?state=refunded')).toEqual([others, failed]);
    expect(await found('/texts?state=charged')).toEqual([thread, script]);
  });

  it('by created_after and created_before finds those of this time, up to but not including its end', async () => {
    const [first, last] = [(await rowOf(charged)).at, (await rowOf(held)).at];
    expect(await found(`/videos?created_after=${first}&created_before=${last + 1}`)).toHaveLength(5);
    expect(await found(`/videos?created_before=${first}`)).toEqual([]);
    expect(await found(`/videos?created_after=${last + 1}`)).toEqual([]);
    await stack.database.admin.query(
      "UPDATE generations SET requested_at = to_timestamp($2), admit_by = to_timestamp($2) + interval '1 s' WHERE id = $1",
      [others, first - 60],
    );
    expect(await found(`/videos?created_before=${first}`)).toEqual([others]);
    expect(await found(`/videos?created_before=${first - 60}`)).toEqual([]);
    expect(await found(`/videos?created_after=${first - 60}&created_before=${first - 59}`)).toEqual([others]);
    expect(await found(`/videos?created_after=${first - 59}`)).not.toContain(others);
  });

  it('by user and metadata finds those that carry all of them, in every account', async () => {
    const [one, two] = [await openAccount(stack, GRANTED), await openAccount(stack, GRANTED)];
    const labels = { user: 'user-7', metadata: { order: 'A 1', campaign: 'winter' } };
    const labelled = async (of: TestAccount, path: string, given: object) => {
      const asked = path === '/v1/videos' ? { prompt: 'a secret wish' } : { topic: 'a secret topic' };
      const answer = await of.fetch(path, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ ...asked, ...given }),
      });
      return ((await answer.json()) as { id: string }).id;
    };
    const first = await labelled(one, '/v1/videos', labels);
    const second = await labelled(two, '/v1/videos', { ...labels, metadata: { order: 'A 2', campaign: 'winter' } });
    const third = await labelled(one, '/v1/scripts', labels);
    const ids = async (path: string) => (await get(path)).body.data.map(({ id }) => id);
    expect(await ids('/videos?user=user-7')).toEqual([second, first]);
    expect(await ids('/videos?user=user')).toEqual([]);
    expect(await ids('/videos?metadata[campaign]=winter')).toEqual([second, first]);
    expect(await ids('/videos?metadata[campaign]=winter&metadata[order]=A%201')).toEqual([first]);
    expect(await ids('/videos?metadata[order]=winter')).toEqual([]);
    expect(await ids(`/videos?user=user-7&account_id=${two.id}`)).toEqual([second]);
    expect(await ids(`/accounts/${one.id}/videos?metadata[campaign]=winter`)).toEqual([first]);
    expect(await ids('/texts?user=user-7&metadata[order]=A%201')).toEqual([third]);
    expect((await get('/videos?user=user-7&limit=1')).body.data[0]).toMatchObject({
      user: 'user-7',
      metadata: { order: 'A 2', campaign: 'winter' },
    });
  });

  it('by several filters finds what all of them match', async () => {
    expect(await found(`/videos?state=refunded&account_id=${mine.id}&error_code=moderation_blocked`)).toEqual([failed]);
    expect(await found(`/videos?state=charged&error_code=moderation_blocked`)).toEqual([]);
  });

  it('goes page after page without a gap or a repeat, in either order, through texts of both kinds', async () => {
    const all = async (path: string, order: string) => {
      const ids: string[] = [];
      for (let after = ''; ;) {
        const { body } = await get(`${path}?limit=1&order=${order}${after}`);
        ids.push(...body.data.map(({ id }) => id));
        if (!body.has_more) return ids;
        after = `&after=${body.last_id}`;
      }
    };
    const more = await write('/v1/scripts');
    const texts = [script, thread, more];
    expect(await all(`/accounts/${mine.id}/texts`, 'asc')).toEqual(texts);
    expect(await all(`/accounts/${mine.id}/texts`, 'desc')).toEqual(texts.toReversed());
    const videos = [charged, failed, deleted, held];
    expect(await all(`/accounts/${mine.id}/videos`, 'asc')).toEqual(videos);
    expect(await all(`/accounts/${mine.id}/videos`, 'desc')).toEqual(videos.toReversed());
  });

  it.each([
    ['/videos?provider_id=x', 'provider_id'],
    ['/texts?provider_video_id=x', 'provider_video_id'],
    ['/texts?error_code=incomplete_output', 'error_code'],
    ['/videos?state=released', 'state'],
    ['/videos?created_after=yesterday', 'created_after'],
    ['/videos?created_before=-1', 'created_before'],
    ['/videos?account_id=acct_1', 'account_id'],
    ['/videos?api_key_id=hf_1', 'api_key_id'],
    ['/accounts?name=', 'name'],
    ['/videos?error_code=', 'error_code'],
    ['/videos?error_code=%00', 'error_code'],
    ['/videos?limit=101', 'limit'],
    ['/videos?user=', 'user'],
    ['/videos?metadata=x', 'metadata'],
    ['/videos?after=script_019a0000000070008000000000000000', 'after'],
  ])('refuses what it does not know: %s', async (path, param) => {
    expect(await get(path)).toMatchObject({ status: 400, body: { error: { code: 'invalid_request', param } } });
  });

  it('that reads too much is given up after three seconds, and says what to do', async () => {
    // A statement that waits for a lock runs out of time like one that reads for long.
    const blocking = await stack.database.admin.connect();
    await blocking.query('BEGIN; LOCK TABLE generations IN ACCESS EXCLUSIVE MODE');
    const answer = await get('/videos?state=charged').finally(() => blocking.query('ROLLBACK'));
    blocking.release();
    expect(answer).toMatchObject({ status: 400, body: { error: { code: 'invalid_request', param: null } } });
    expect(answer.body.error?.message).toBe(
      'This search was stopped after 3 s, because it reads too many generations. Add a filter that few of them match, such as account_id, user or a shorter time between created_after and created_before.',
    );
  });
});

describe('what an operator sees of a generation', () => {
  const seen = async (path: string, id: string) => {
    const { body } = await get(path);
    return body.data.find((item) => item.id === id)!;
  };

  it('is what its owner sees, but for prompt and parameters, and what only concerns the operator', async () => {
    const { prompt, parameters, ...shown } = (await (await mine.fetch(`/v1/videos/${failed}`)).json()) as Item;
    expect([prompt, parameters]).toEqual([BLOCKED, {}]);
    const video = await seen('/videos', failed);
    expect(video).toEqual({
      ...shown,
      account_id: mine.id,
      api_key_id: expect.stringMatching(/^key_/) as string,
      provider: `openai@${stack.simulatorUrl}`,
      provider_status: 'failed',
      provider_video_id: (await rowOf(failed)).provider_video_id,
      provider_id_contested_at: null,
      provider_error: {
        code: 'moderation_blocked',
        message: expect.stringContaining('blocked') as string,
      },
      settlement_reason: 'provider_failed',
      workflow_id: failed,
      workflow_url: `http://temporal.test/namespaces/default/workflows/${failed}`,
      deleted_at: null,
    });
  });

  it('of a text is the same, but for what was written', async () => {
    const own = (await (await mine.fetch(`/v1/scripts/${script}`)).json()) as Record<string, unknown>;
    const { title, text, posts: _posts, output, ...shown } = own;
    expect([title, text, output]).toEqual([expect.any(String), expect.any(String), expect.any(String)]);
    expect(await seen('/texts', script)).toMatchObject({
      ...shown,
      account_id: mine.id,
      settlement_reason: 'completed',
      workflow_id: script,
    });
  });

  it('of a submission that was refused has the words of the provider', async () => {
    const refused = await ask(mine, 'no [[create:400]]');
    await untilSettled(stack, [refused]);
    expect(await seen('/videos', refused)).toMatchObject({
      settlement_reason: 'submission_refused',
      provider_video_id: null,
      provider_error: { message: expect.any(String) as string },
    });
  });

  it('of one whose id is contested has the id, which its owner is not told', async () => {
    await stack.database.admin.query('UPDATE generations SET provider_id_contested_at = now() WHERE id = $1', [held]);
    expect(await seen('/videos', held)).toMatchObject({
      provider_video_id: (await rowOf(held)).provider_video_id,
      provider_id_contested_at: expect.any(Number) as number,
    });
  });

  it('of a deleted one says when that was', async () => {
    expect((await mine.fetch(`/v1/videos/${deleted}`)).status).toBe(404);
    expect(await seen('/videos', deleted)).toMatchObject({
      deleted_at: expect.any(Number) as number,
      credits: { state: 'charged' },
    });
  });

  it('is never what was asked for or written, at any of these routes', async () => {
    const paths = [
      '/videos',
      '/texts',
      `/accounts/${mine.id}`,
      ...['videos', 'texts', 'transactions', 'holds', 'keys'].map((list) => `/accounts/${mine.id}/${list}`),
      ...[charged, failed, held, deleted].map((id) => `/accounts/${mine.id}/videos/${id}/timeline`),
      ...[script, thread].map((id) => `/accounts/${mine.id}/texts/${id}/timeline`),
    ];
    const { output } = (await (await mine.fetch(`/v1/scripts/${script}`)).json()) as { output: string };
    for (const path of paths) {
      const text = JSON.stringify((await get(path)).body);
      expect([path, text.includes('secret'), text.includes(JSON.stringify(output))]).toEqual([path, false, false]);
    }
  });
});

describe('a timeline', () => {
  interface Step {
    readonly type: string;
    readonly message: string;
    readonly data: Record<string, unknown>;
  }
  const stepsOf = async (path: string) => (await get(`/accounts/${path}/timeline`)).body.data as unknown as Step[];

  it('has every step that the owner sees, in the same words, the others, and the data of each', async () => {
    const own = (await (await mine.fetch(`/v1/videos/${charged}/timeline`)).json()) as Answer;
    const steps = await stepsOf(`${mine.id}/videos/${charged}`);
    expect(steps.map(({ data: _data, ...step }) => step)).toEqual(expect.arrayContaining(own.data));
    expect(steps.find(({ type }) => type === 'archived')).toMatchObject({ message: 'The content is in the archive' });
    expect(own.data.map(({ type }) => type)).not.toContain('archived');
    expect(steps.find(({ type }) => type === 'held')?.data).toHaveProperty('amount_microcredits');
  });

  it('outlives a deletion, and is there for a script and a thread', async () => {
    expect((await stepsOf(`${mine.id}/videos/${deleted}`)).map(({ type }) => type)).toContain('deleted');
    for (const id of [script, thread]) {
      expect((await stepsOf(`${mine.id}/texts/${id}`)).map(({ type }) => type)).toContain('charged');
    }
  });

  it('is 404 below another account, or below the other kind', async () => {
    for (const path of [
      `${other.id}/videos/${charged}`,
      `${other.id}/texts/${script}`,
      `${mine.id}/videos/${script}`,
      `${mine.id}/texts/${charged}`,
      `${mine.id}/videos/nonsense`,
    ]) {
      expect([path, (await get(`/accounts/${path}/timeline`)).status]).toEqual([path, 404]);
    }
  });
});

it('the queries of docs/operating.md find these workflows in Temporal', async () => {
  const text = await readFile(new URL('../../docs/operating.md', import.meta.url), 'utf8');
  const section = /## Looking at a customer\n(.*?)\n## /s.exec(text)?.[1] ?? '';
  const queries = [...section.matchAll(/^\| [^|]+ \| `([^`]+"[^`]*)` +\|$/gm)].map(([, query = '']) => query);
  const expected: Record<string, readonly string[]> = {
    'HoldfastAccount="acct_…"': [charged, failed, held, script],
    'HoldfastAccount="acct_…" AND HoldfastErrorCode IS NOT NULL': [failed],
    'HoldfastErrorCode="moderation_blocked" AND StartTime>"2026-11-30T00:00:00Z"': [failed, others],
    'HoldfastProviderVideo="video_…"': [charged],
    'HoldfastOutcome="held" AND ExecutionStatus="Running"': [held, await ask(other, 'no [[create:401:a]]')],
    'HoldfastOutcome="expired"': [],
    'WorkflowType="reconcileHolds"': [],
    'ExecutionStatus="Failed"': [],
  };
  expect(queries).toEqual(Object.keys(expected));
  const { provider_video_id: providerVideoId } = await rowOf(charged);
  for (const [query, ids] of Object.entries(expected)) {
    const asked = query.replace('acct_…', mine.id).replace('video_…', providerVideoId);
    await vi.waitFor(
      async () => {
        const listed: string[] = [];
        for await (const { workflowId } of stack.temporal.workflow.list({ query: asked })) listed.push(workflowId);
        expect(listed).toEqual(expect.arrayContaining([...ids]));
        if (query.includes('AND')) expect(listed).not.toContain(charged);
      },
      { timeout: 10_000, interval: 200 },
    );
  }
});

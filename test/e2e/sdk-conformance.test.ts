import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import OpenAI, { toFile } from 'openai';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { CountingProxy } from '../harness/support/countingProxy.ts';
import { startCountingProxy } from '../harness/support/countingProxy.ts';
import { PNG } from '../harness/support/png.ts';
import { pythonWith } from '../harness/support/python.ts';
import type { TestStack } from '../harness/support/stack.ts';
import { openAccount, startStack } from '../harness/support/stack.ts';

/** OpenAI's own SDKs, unchanged: every call of theirs on videos works, and they see errors as OpenAI's. */

const PYTHON_SDK = 'openai==3.57.0';
const DATA_URL = `data:image/png;base64,${PNG.toString('base64')}`;
const SCRIPT = fileURLToPath(new URL('sdk_conformance.py', import.meta.url));
const GRANTED = 100_000_000;
/** The first time, a Python is made and its SDK installed. */
const PYTHON_LIMIT_MS = 240_000;

let stack: TestStack;
let proxy: CountingProxy;
const capped = new Set<string>();

beforeAll(async () => {
  // Signed webhooks, so that nothing waits for the first look at a video.
  stack = await startStack({ videoSeconds: 0.2, webhookSecret: `whsec_${Buffer.from('secret').toString('base64')}` });
  proxy = await startCountingProxy(stack.url, async ({ status, key }) => {
    if (status === 429 && capped.has(key)) await capAtZero(key, false);
  });
});
afterAll(async () => {
  await proxy.close();
  await stack.stop();
});

/** Accounts as the SDKs need them: with credits, with none, and with no room for a video until the first 429. */
async function openAccounts() {
  const [rich, poor, full] = await Promise.all([GRANTED, 100, GRANTED].map((granted) => openAccount(stack, granted)));
  capped.add(full!.key);
  await capAtZero(full!.key, true);
  return { rich: rich!, poor: poor!, full: full! };
}

async function capAtZero(key: string, isCapped: boolean): Promise<void> {
  await stack.database.admin.query(
    `UPDATE accounts SET max_active_generations = $2
     WHERE id = (SELECT account_id FROM api_keys WHERE key_sha256 = sha256($1::bytea))`,
    [key, isCapped ? 0 : 10],
  );
}

/** The videos asked for with this key: what each POST came to. */
const creates = (key: string) =>
  proxy.of(key).flatMap(({ method, path, status }) => (method === 'POST' && path === '/v1/videos' ? [status] : []));
const deletes = (key: string) => proxy.of(key).filter(({ method, status }) => method === 'DELETE' && status === 409);

/** That the SDK waited as long as it was told, and not its own half second. */
function expectRetryAfterHonoured(key: string): void {
  const [first, second] = proxy.of(key);
  expect(creates(key)).toEqual([429, 200]);
  expect(first!.retryAfter).toMatch(/^\d+$/);
  expect(second!.atMs - first!.atMs).toBeGreaterThan(990);
}

describe("OpenAI's Node SDK", () => {
  const ORDER = { model: 'sora-2', prompt: 'a red fox', seconds: '4', size: '720x1280' } as const;
  const KEYS = [
    ...['id', 'object', 'model', 'status', 'progress', 'created_at', 'completed_at', 'expires_at', 'prompt', 'size'],
    ...['seconds', 'remixed_from_video_id', 'error'],
  ];
  let accounts: Awaited<ReturnType<typeof openAccounts>>;
  let openai: OpenAI;
  let made: OpenAI.Video;
  const with_ = (apiKey: string) => new OpenAI({ apiKey, baseURL: `${proxy.url}/v1` });

  beforeAll(async () => {
    accounts = await openAccounts();
    openai = with_(accounts.rich.key);
    const { id } = await openai.videos.create(ORDER);
    made = await vi.waitFor(
      async () => {
        const video = await openai.videos.retrieve(id);
        expect(video.status).toBe('completed');
        return video;
      },
      { timeout: 20_000, interval: 100 },
    );
  });

  it('retrieve: every key of OpenAI’s schema, and the credits', () => {
    expect(Object.keys(made)).toEqual(expect.arrayContaining(KEYS));
    expect(made).toMatchObject({ object: 'video', progress: 100, seconds: '4', credits: { state: 'charged' } });
  });

  it('create: with a file, and with a data: URL as multipart and as JSON', async () => {
    const file = await toFile(PNG, 'fox.png', { type: 'image/png' });
    const withFile = await openai.videos.create({ ...ORDER, input_reference: file });
    const withUrl = await openai.videos.create({ ...ORDER, input_reference: { image_url: DATA_URL } });
    const asJson = await openai.post<OpenAI.Video>('/videos', {
      body: { ...ORDER, input_reference: { image_url: DATA_URL } },
    });
    for (const video of [withFile, withUrl, asJson]) {
      expect(Object.keys(video)).toEqual(expect.arrayContaining(KEYS));
      expect(video).toMatchObject({ status: 'queued', credits: { state: 'held' } });
    }
    const { rows } = await stack.database.admin.query(
      'SELECT FROM inputs WHERE generation_id = ANY($1) AND reference = $2',
      [[withFile.id, withUrl.id, asJson.id], PNG],
    );
    expect(rows.length).toBe(3);
  });

  it('remix: of the same length, and it says of which', async () => {
    const remix = await openai.videos.remix(made.id, { prompt: 'the same fox at night' });
    expect(Object.keys(remix)).toEqual(expect.arrayContaining(KEYS));
    expect(remix).toMatchObject({ remixed_from_video_id: made.id, seconds: '4', credits: { state: 'held' } });
    await expect(openai.videos.remix('video_unknown', { prompt: 'a fox' })).rejects.toBeInstanceOf(
      OpenAI.NotFoundError,
    );
  });

  it('what OpenAI has no method for: texts, credits and webhook endpoints, by the SDK’s own post and get', async () => {
    const script = await openai.post<{ status: string }>('/scripts', { body: { topic: 'a red fox' } });
    const thread = await openai.post<{ posts: string[] }>('/threads', { body: { topic: 'a red fox', posts: 2 } });
    expect(script).toMatchObject({ object: 'script', status: 'completed', credits: { state: 'charged' } });
    expect(thread.posts).toHaveLength(2);
    expect(await openai.get('/credits')).toMatchObject({ object: 'credits' });
    const endpoint = await openai.post<{ id: string; secret: string }>('/webhook_endpoints', {
      body: { url: 'http://127.0.0.1:9/' },
    });
    expect(endpoint.secret).toMatch(/^whsec_/);
    await openai.delete(`/webhook_endpoints/${endpoint.id}`);
    await expect(openai.get(`/webhook_endpoints/${endpoint.id}`)).rejects.toBeInstanceOf(OpenAI.NotFoundError);
  });

  it('list: page after page', async () => {
    const ids: string[] = [];
    for await (const { id } of openai.videos.list({ limit: 1, order: 'asc' })) ids.push(id);
    expect(ids[0]).toBe(made.id);
    expect(new Set(ids).size).toBe(ids.length);
    expect((await openai.videos.list({ limit: 100 })).data.map(({ id }) => id)).toEqual(ids.reverse());
  });

  it('downloadContent: video, thumbnail, spritesheet, and a range', async () => {
    const types = await Promise.all(
      (['video', 'thumbnail', 'spritesheet'] as const).map(async (variant) => {
        const content = await openai.videos.downloadContent(made.id, { variant });
        expect((await content.arrayBuffer()).byteLength).toBeGreaterThan(100);
        return content.headers.get('content-type');
      }),
    );
    expect(types).toEqual(['video/mp4', expect.stringMatching(/^image\//), expect.stringMatching(/^image\//)]);
    const part = await openai.videos.downloadContent(made.id, null, { headers: { range: 'bytes=4-7' } });
    expect([part.status, await part.text()]).toEqual([206, 'ftyp']);
  });

  it('a 402 is raised at once, and not tried again', async () => {
    const { key } = accounts.poor;
    const refused = with_(key).videos.create(ORDER);
    await expect(refused).rejects.toMatchObject({ status: 402, code: 'insufficient_credits', type: 'billing_error' });
    expect(creates(key)).toEqual([402]);
  });

  it('a 429 is tried again, after the time that it names', async () => {
    await with_(accounts.full.key).videos.create(ORDER);
    expectRetryAfterHonoured(accounts.full.key);
  });

  it('errors are of OpenAI’s classes', async () => {
    const refusals: [() => Promise<unknown>, unknown, object][] = [
      [() => with_('hf_unknown').videos.retrieve(made.id), OpenAI.AuthenticationError, { code: 'invalid_api_key' }],
      [() => openai.videos.retrieve(`video_${'0'.repeat(32)}`), OpenAI.NotFoundError, { code: 'not_found' }],
      [() => openai.videos.create({ ...ORDER, seconds: '5' as '4' }), OpenAI.BadRequestError, { param: 'seconds' }],
    ];
    for (const [request, type, details] of refusals) {
      const error: unknown = await request().catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(type);
      expect(error).toMatchObject(details);
    }
  });

  it('a 409 on what can’t change soon is not tried again', async () => {
    const { id } = await openai.videos.create({ ...ORDER, prompt: 'a fox [[never]]' });
    const error: unknown = await openai.videos.delete(id).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(OpenAI.ConflictError);
    expect(error).toMatchObject({ code: 'video_not_terminal' });
    expect(deletes(accounts.rich.key).length).toBe(1);
  });

  it('delete: a video that has ended is gone', async () => {
    const { id } = await openai.videos.create({ ...ORDER, prompt: 'an ad for iqus e cigerrates' });
    await vi.waitFor(async () => expect((await openai.videos.retrieve(id)).status).toBe('failed'), {
      timeout: 20_000,
      interval: 100,
    });
    expect(await openai.videos.delete(id)).toMatchObject({ id, object: 'video.deleted', deleted: true });
    await expect(openai.videos.retrieve(id)).rejects.toBeInstanceOf(OpenAI.NotFoundError);
  });
});

describe("OpenAI's Python SDK", () => {
  interface Found {
    readonly check: string;
    readonly [field: string]: unknown;
  }
  let accounts: Awaited<ReturnType<typeof openAccounts>>;
  let found: Found[];

  beforeAll(async () => {
    accounts = await openAccounts();
    const given = {
      base_url: `${proxy.url}/v1`,
      key: accounts.rich.key,
      poor_key: accounts.poor.key,
      capped_key: accounts.full.key,
      png: PNG.toString('hex'),
      data_url: DATA_URL,
    };
    const python = await pythonWith(PYTHON_SDK);
    const { stdout } = await promisify(execFile)(python, [SCRIPT, JSON.stringify(given)]);
    found = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Found);
  }, PYTHON_LIMIT_MS);

  const of = (wanted: string) => found.find(({ check }) => check === wanted);

  it.each([
    ['create_and_poll', 'completed', 'charged'],
    ['retrieve', 'completed', 'charged'],
    ['create with a file', 'queued', 'held'],
    ['remix', 'queued', 'held'],
    ['create with a data: URL', 'queued', 'held'],
    ['429', 'queued', 'held'],
  ])('%s: parsed, with every key of OpenAI’s schema', (check, status, state) => {
    expect(of(check)).toMatchObject({ status, missing: [], credits: { state } });
  });

  it('list: page after page', () => {
    expect(of('list')!['ids']).toEqual(of('list')!['made']);
  });

  it('download_content: video, thumbnail, spritesheet, and a range', () => {
    expect(of('download video')).toMatchObject({ type: 'video/mp4' });
    expect(of('download thumbnail')).toMatchObject({ type: expect.stringMatching(/^image\//) });
    expect(of('download spritesheet')).toMatchObject({ type: expect.stringMatching(/^image\//) });
    expect(of('download a range')).toMatchObject({ status: 206, text: 'ftyp' });
  });

  it.each([
    ['402', 'APIStatusError', 402, 'insufficient_credits', null],
    ['401', 'AuthenticationError', 401, 'invalid_api_key', null],
    ['404', 'NotFoundError', 404, 'not_found', null],
    ['400', 'BadRequestError', 400, 'invalid_request', 'seconds'],
    ['409', 'ConflictError', 409, 'video_not_terminal', null],
    ['deleted', 'NotFoundError', 404, 'not_found', null],
  ])('%s is of the class %s', (check, error, status, code, param) => {
    expect(of(check)).toEqual({ check, error, status, code, param });
  });

  it('tries a 429 again after the time that it names, a 402 and a 409 never', () => {
    expectRetryAfterHonoured(accounts.full.key);
    expect(creates(accounts.poor.key)).toEqual([402]);
    expect(deletes(accounts.rich.key).length).toBe(1);
  });

  it('delete: a video that has ended is gone', () => {
    const { id, made, deleted } = of('delete')!;
    expect([id, deleted]).toEqual([made, true]);
  });
});

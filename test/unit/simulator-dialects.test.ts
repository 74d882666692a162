import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DIALECTS } from '../../dev/simulator/dialects/index.ts';
import { createSimulator, listen } from '../../dev/simulator/server.ts';
import { provider } from './provider-server.ts';

/** What each server was seen to do: docs/providers.md says in which version. */

let dir: string;
let now_ms: number;
let server: { url: string; close: () => Promise<void> };

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'simulator-'));
  now_ms = Date.now();
});

afterEach(async () => {
  await server.close();
  rmSync(dir, { recursive: true });
});

async function speak(dialect: string): Promise<void> {
  server = await listen(createSimulator({ dir, dialect, now: () => now_ms }));
}

interface Told {
  status: number;
  body: { id: string; data: { id: string; prompt?: string }[] } & Record<string, unknown>;
}

async function call(path: string, init: RequestInit = {}): Promise<Told> {
  const headers = new Headers(init.headers);
  headers.set('authorization', 'Bearer sk-any');
  if (typeof init.body === 'string') headers.set('content-type', 'application/json');
  const answer = await fetch(`${server.url}${path}`, { ...init, headers });
  const isJson = answer.headers.get('content-type')?.startsWith('application/json') === true;
  return { status: answer.status, body: (isJson ? await answer.json() : {}) as Told['body'] };
}

/** As Holdfast sends it to most. */
function create(prompt: string): Promise<Told> {
  const body = new FormData();
  for (const [name, value] of Object.entries({ prompt, model: 'a-model', seconds: '4' })) body.set(name, value);
  return call('/v1/videos', { method: 'POST', body });
}

describe.each(DIALECTS.map(({ name }) => name))('in the dialect %s', (dialect) => {
  test('Holdfast makes a video, sees its end and gets its content, and sees why another failed at the first look', async () => {
    await speak(dialect);
    const client = provider(`${server.url}/v1`, { dialect, createEncoding: undefined });
    const made = async (prompt: string): Promise<string> => {
      const created = await client.createVideo({ prompt, model: 'a-model', seconds: 4, size: '720x1280' });
      if (created.outcome !== 'created') throw new Error(created.outcome);
      return created.video.id;
    };
    const [good, bad] = [await made('a red fox'), await made('a blue fox [[fail:gpu_lost:the GPU fell over]]')];
    now_ms += 6000;
    expect(await client.retrieveVideo(good)).toMatchObject({ outcome: 'seen', video: { verdict: 'completed' } });
    expect(await client.retrieveVideo(bad)).toMatchObject({
      outcome: 'seen',
      video: { verdict: 'failed', errorMessage: 'the GPU fell over' },
    });
    expect(await client.downloadContent(good)).toMatchObject({ outcome: 'part', from: 0 });
    expect(await client.downloadContent(bad)).not.toMatchObject({ outcome: 'part' });
  });
});

describe('vllm-omni', () => {
  beforeEach(() => speak('vllm-omni'));

  test('reads forms only', async () => {
    const refused = await call('/v1/videos', { method: 'POST', body: JSON.stringify({ prompt: 'a red fox' }) });
    expect(refused).toMatchObject({ status: 400, body: { error: { code: 400, type: 'Bad Request' } } });
    expect((await create('a red fox')).body.id).toMatch(/^video_gen_[0-9a-f]{32}$/);
  });

  test.each([
    ['gpu_lost:the GPU fell over', 500, 'the GPU fell over'],
    ['503:busy', 503, 'busy'],
    ['moderation_blocked', 400, 'Your request was blocked by our moderation system.'],
  ])('answers a look at a video that failed with %s with %i and the video', async (failure, status, message) => {
    const { body } = await create(`a red fox [[fail:${failure}]]`);
    now_ms += 6000;
    const told = { id: body.id, status: 'failed', error: { code: status, message } };
    expect(await call(`/v1/videos/${body.id}`)).toMatchObject({ status, body: told });
    expect(await call('/v1/videos')).toMatchObject({ status: 200, body: { data: [told] } });
  });

  test('ends the work on a video that is deleted, and forgets it', async () => {
    const { body } = await create('a red fox [[delete:409*1]]');
    const remove = () => call(`/v1/videos/${body.id}`, { method: 'DELETE' });
    expect((await remove()).status).toBe(409);
    expect(await call('/_simulator/stats')).toMatchObject({ body: { aborted: 0 } });
    expect(await remove()).toEqual({ status: 200, body: { id: body.id, object: 'video.deleted', deleted: true } });
    expect(await call('/_simulator/stats')).toMatchObject({ body: { aborted: 1 } });
    expect((await call(`/v1/videos/${body.id}`)).status).toBe(404);
  });
});

describe('sglang', () => {
  beforeEach(() => speak('sglang'));

  test('shows no prompt anywhere, and a failure without a code', async () => {
    const { body } = await create('a red fox [[fail:gpu_lost:the GPU fell over]]');
    now_ms += 6000;
    const seen = (await call(`/v1/videos/${body.id}`)).body;
    const [listed] = (await call('/v1/videos')).body.data;
    expect(JSON.stringify([body, seen, listed])).not.toContain('a red fox');
    expect(seen['error']).toEqual({ message: 'the GPU fell over' });
  });

  test('knows a variant by its number', async () => {
    const { body } = await create('a red fox');
    const get = async (query: string) => (await call(`/v1/videos/${body.id}/content${query}`)).status;
    expect(await get('')).toBe(404);
    now_ms += 6000;
    expect([await get(''), await get('?variant=0'), await get('?variant=video'), await get('?variant=1')]).toEqual([
      200, 200, 404, 404,
    ]);
  });

  test('forgets a video that is deleted, but works on', async () => {
    const { body } = await create('a red fox');
    const deleted = await call(`/v1/videos/${body.id}`, { method: 'DELETE' });
    expect(deleted).toMatchObject({ status: 200, body: { id: body.id, status: 'deleted' } });
    expect(await call(`/v1/videos/${body.id}`)).toEqual({
      status: 404,
      body: { detail: expect.any(String) as string },
    });
    expect(await call('/_simulator/stats')).toMatchObject({ body: { aborted: 0 } });
  });
});

describe('litellm', () => {
  beforeEach(() => speak('litellm'));

  test('spells one id in three ways, and reads each', async () => {
    const { body } = await create('a red fox');
    const listed = (await call('/v1/videos?custom_llm_provider=openai')).body.data[0];
    const seen = (await call(`/v1/videos/${listed?.id ?? ''}`)).body;
    expect(listed?.prompt).toBe('a red fox');
    expect([body['prompt'], seen['prompt']]).toEqual([undefined, undefined]);
    const ids = [body.id, listed?.id ?? '', seen.id];
    expect(new Set(ids).size).toBe(3);
    for (const id of ids) expect((await call(`/v1/videos/${id}`)).status).toBe(200);
  });

  test('lists only for a named upstream, ignores what page is asked for, and has no DELETE', async () => {
    const { body } = await create('a red fox');
    await create('a blue fox');
    expect((await call('/v1/videos')).status).toBe(400);
    const page = await call(`/v1/videos?custom_llm_provider=openai&limit=1&after=${body.id}`);
    expect(page.body.data).toHaveLength(2);
    expect(await call(`/v1/videos/${body.id}`, { method: 'DELETE' })).toEqual({
      status: 405,
      body: { detail: 'Method Not Allowed' },
    });
  });

  test.each([
    ['veo', { resolution: '1080p', aspectRatio: '16:9', generateAudio: true, seconds: '6' }, '6', '1920x1080'],
    ['seedance', { resolution: '480p', seed: 7, frame_images: [], seconds: '5' }, '5', '854x480'],
    ['the longest', { size: '720x1280', seconds: 60 }, '60', '720x1280'],
  ])('makes what docs/examples/prices.yaml sells: %s', async (model, asked, seconds, size) => {
    const body = JSON.stringify({ prompt: 'a red fox', model, ...asked });
    expect(await call('/v1/videos', { method: 'POST', body })).toMatchObject({ status: 200, body: { seconds, size } });
  });

  test.each(['0', '61', '5.5'])('makes no video of %s s', async (seconds) => {
    const body = JSON.stringify({ prompt: 'a red fox', seconds });
    expect(await call('/v1/videos', { method: 'POST', body })).toMatchObject({ status: 400 });
  });

  test('wraps what its upstream refuses in words of its own', async () => {
    const refused = await create('x [[create:403:content_policy_violation:No such pictures.]]');
    expect(refused).toMatchObject({ status: 403, body: { error: { code: '403', type: 'permission_error' } } });
    const { message } = refused.body['error'] as { message: string };
    expect(message).toMatch(
      /^litellm\.BadRequestError: litellm\.ContentPolicyViolationError: .* - {"error":{"message":"No/,
    );
  });
});

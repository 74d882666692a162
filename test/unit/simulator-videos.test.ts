import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI, { APIConnectionError, toFile } from 'openai';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { VideoFacts } from '../../contracts/content.ts';
import { checkContent } from '../../provider/index.ts';
import { createSimulator, listen, type SimulatorOptions } from '../../dev/simulator/server.ts';

let dir: string;
let now_ms: number;
let server: { url: string; close: () => Promise<void> };
let client: OpenAI;

async function start(options: Partial<SimulatorOptions> = {}): Promise<void> {
  server = await listen(createSimulator({ dir, now: () => now_ms, ...options }));
  client = new OpenAI({ apiKey: 'sk-any', baseURL: `${server.url}/v1`, maxRetries: 0 });
}

async function shownBy(file: Buffer): Promise<VideoFacts> {
  const check = checkContent('video');
  await check.take(file);
  await check.end();
  return check.shows;
}

async function call(
  path: string,
  init: Omit<RequestInit, 'headers'> & { headers?: Record<string, string> } = {},
): Promise<Response> {
  const headers = { authorization: 'Bearer sk-any', 'content-type': 'application/json', ...init.headers };
  return fetch(`${server.url}${path}`, { ...init, headers });
}

async function switchAll(all: string | null): Promise<void> {
  await call('/_simulator/faults', { method: 'POST', body: JSON.stringify({ all }) });
}

async function stats(): Promise<Record<string, unknown>> {
  return (await call('/_simulator/stats')).json() as Promise<Record<string, unknown>>;
}

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'simulator-'));
  now_ms = 1_790_000_000_000;
  await start();
});

afterEach(async () => {
  await server.close();
  rmSync(dir, { recursive: true });
});

describe('the Videos API', () => {
  it("serves OpenAI's SDK from create to content", async () => {
    const image = await toFile(Buffer.from('png'), 'start.png', { type: 'image/png' });
    const made = await client.videos.create({
      prompt: 'a red fox',
      model: 'sora-2',
      seconds: '8',
      input_reference: image,
    });
    expect(made).toEqual({
      id: expect.stringMatching(/^video_[0-9a-f]{48}$/) as string,
      object: 'video',
      model: 'sora-2',
      status: 'queued',
      progress: 0,
      created_at: 1_790_000_000,
      completed_at: null,
      expires_at: null,
      prompt: 'a red fox',
      size: '720x1280',
      seconds: '8',
      remixed_from_video_id: null,
      error: null,
    });
    now_ms += 3000;
    expect(await client.videos.retrieve(made.id)).toMatchObject({ status: 'in_progress', progress: 49 });
    now_ms += 3000;
    expect(await client.videos.retrieve(made.id)).toMatchObject({ status: 'completed', completed_at: 1_790_000_006 });
    const bytes = Buffer.from(await (await client.videos.downloadContent(made.id)).arrayBuffer());
    expect(bytes).toHaveLength(readFileSync('dev/simulator/assets/video.mp4').length);
    expect(await shownBy(bytes)).toEqual({ lengthMs: 8000, frameSize: '720x1280', hasSound: false });
    const thumbnail = await client.videos.downloadContent(made.id, { variant: 'thumbnail' });
    expect(thumbnail.headers.get('content-type')).toBe('image/webp');
  });

  it('serves ranges of content, and content only of completed videos', async () => {
    const { id } = await client.videos.create({ prompt: 'a red fox' });
    expect((await call(`/v1/videos/${id}/content`)).status).toBe(400);
    now_ms += 6000;
    const get = (range: string): Promise<Response> => call(`/v1/videos/${id}/content`, { headers: { range } });
    const size = readFileSync('dev/simulator/assets/video.mp4').length;
    const middle = await get('bytes=4-7');
    expect([middle.status, middle.headers.get('content-range'), await middle.text()]).toEqual([
      206,
      `bytes 4-7/${size}`,
      'ftyp',
    ]);
    expect((await (await get('bytes=-10')).arrayBuffer()).byteLength).toBe(10);
    expect((await (await get('bytes=100-')).arrayBuffer()).byteLength).toBe(size - 100);
    expect((await get(`bytes=${size}-`)).status).toBe(416);
    now_ms += 24 * 3600 * 1000;
    expect((await call(`/v1/videos/${id}/content`)).status).toBe(404);
  });

  it('lists in pages, newest first or oldest first', async () => {
    const ids: string[] = [];
    for (const prompt of ['1', '2', '3', '4', '5']) ids.push((await client.videos.create({ prompt })).id);
    const newest = await client.videos.list({ limit: 2 });
    expect(newest.data.map(({ id }) => id)).toEqual([ids[4], ids[3]]);
    const page: unknown = await (await call('/v1/videos?limit=2')).json();
    expect(page).toMatchObject({ object: 'list', has_more: true, first_id: ids[4], last_id: ids[3] });
    const all: string[] = [];
    for await (const { id } of client.videos.list({ limit: 2, order: 'asc' })) all.push(id);
    expect(all).toEqual(ids);
    expect((await call('/v1/videos?limit=101')).status).toBe(400);
    expect((await call('/v1/videos?after=video_x')).status).toBe(400);
  });

  it('deletes and remixes only what has ended', async () => {
    const { id } = await client.videos.create({ prompt: 'a red fox', seconds: '12' });
    await expect(client.videos.delete(id)).rejects.toMatchObject({ status: 409 });
    await expect(client.videos.remix(id, { prompt: 'a blue fox' })).rejects.toMatchObject({ status: 400 });
    now_ms += 6000;
    const remix = await client.videos.remix(id, { prompt: 'a blue fox' });
    expect(remix).toMatchObject({ remixed_from_video_id: id, prompt: 'a blue fox', seconds: '12', status: 'queued' });
    expect(await client.videos.delete(id)).toEqual({ id, object: 'video.deleted', deleted: true });
    await expect(client.videos.retrieve(id)).rejects.toMatchObject({ status: 404 });
  });

  it.each([
    [{}, 'prompt', 'missing_required_parameter'],
    [{ prompt: '' }, 'prompt', 'invalid_value'],
    [{ prompt: 'x', seconds: '7' }, 'seconds', 'invalid_value'],
    [{ prompt: 'x', size: '1920x1080' }, 'size', 'invalid_value'],
    [{ prompt: 'x', metadata: {} }, 'metadata', 'unknown_parameter'],
    [{ prompt: '[[after:soon]]' }, 'prompt', 'invalid_directive'],
  ])("refuses %j with OpenAI's envelope", async (body, param, code) => {
    const answer = await call('/v1/videos', { method: 'POST', body: JSON.stringify(body) });
    expect(answer.status).toBe(400);
    expect(answer.headers.get('x-request-id')).toMatch(/^req_/);
    const message = expect.any(String) as string;
    expect(await answer.json()).toEqual({ error: { message, type: 'invalid_request_error', param, code } });
  });

  it('wants a key, and the right one when it has one', async () => {
    expect((await fetch(`${server.url}/v1/videos`)).status).toBe(401);
    await server.close();
    await start({ apiKey: 'sk-right' });
    expect((await call('/v1/videos')).status).toBe(401);
    expect((await call('/v1/videos', { headers: { authorization: 'Bearer sk-right' } })).status).toBe(200);
  });

  it('blocks tobacco within two seconds', async () => {
    const { id } = await client.videos.create({ prompt: 'an ad for iqus e cigerrates' });
    now_ms += 1000;
    expect((await client.videos.retrieve(id)).status).toBe('in_progress');
    now_ms += 1000;
    expect(await client.videos.retrieve(id)).toMatchObject({
      status: 'failed',
      completed_at: null,
      error: { code: 'moderation_blocked', message: 'Your request was blocked by our moderation system.' },
    });
  });
});

describe('faults', () => {
  it('lose the reply of a create whose video is made, once', async () => {
    const prompt = 'a fox [[create:lost-reply]]';
    await expect(client.videos.create({ prompt })).rejects.toBeInstanceOf(APIConnectionError);
    expect((await client.videos.list()).data.map((video) => video.prompt)).toEqual([prompt]);
    await client.videos.create({ prompt });
    const sha256 = createHash('sha256').update(prompt).digest('hex');
    expect(await stats()).toMatchObject({ creates: 2, videos: 2, creates_by_prompt_sha256: { [sha256]: 2 } });
  });

  it('refuse a create and make nothing', async () => {
    const prompt = 'a fox [[create:429:insufficient_quota*1]] [[retry-after:7]]';
    const refused = await client.videos
      .create({ prompt })
      .catch((error: unknown) => error as InstanceType<typeof OpenAI.APIError>);
    expect(refused).toMatchObject({ status: 429, code: 'insufficient_quota' });
    expect((refused as InstanceType<typeof OpenAI.APIError>).headers?.get('retry-after')).toBe('7');
    expect(await stats()).toMatchObject({ creates: 1, videos: 0 });
    expect((await client.videos.create({ prompt })).status).toBe('queued');
  });

  it('make the video but answer a create late, never, or in HTML', async () => {
    const create = (prompt: string): Promise<unknown> => client.videos.create({ prompt }, { timeout: 100 });
    await expect(create('[[create:hang]]')).rejects.toBeInstanceOf(APIConnectionError);
    await expect(create('[[create:slow:30s]]')).rejects.toBeInstanceOf(APIConnectionError);
    expect(await create('[[create:html]]')).toMatch(/^<!doctype html>/);
    expect(await stats()).toMatchObject({ creates: 3, videos: 3 });
  });

  it('strike polls a counted number of times, also across a restart', async () => {
    const { id } = await client.videos.create({
      prompt: '[[poll:reset*2]][[poll:500*1]][[poll:html*1]][[poll:empty*1]]',
    });
    await expect(client.videos.retrieve(id)).rejects.toBeInstanceOf(APIConnectionError);
    await server.close();
    await start();
    await expect(client.videos.retrieve(id)).rejects.toBeInstanceOf(APIConnectionError);
    await expect(client.videos.retrieve(id)).rejects.toMatchObject({ status: 500 });
    expect(await client.videos.retrieve(id)).toMatch(/^<!doctype html>/);
    expect(await client.videos.retrieve(id)).toEqual({});
    now_ms += 6000;
    expect((await client.videos.retrieve(id)).status).toBe('completed');
  });

  it('strike lists and content, and hide the prompt', async () => {
    const { id } = await client.videos.create({
      prompt: '[[list:500*1]][[content:cut*1]][[content:404*1]][[echo:none]]',
    });
    await expect(client.videos.list()).rejects.toMatchObject({ status: 500 });
    expect((await client.videos.list()).data[0]?.prompt).toBeNull();
    now_ms += 6000;
    const cut = await client.videos.downloadContent(id);
    await expect(cut.arrayBuffer()).rejects.toThrow();
    await expect(client.videos.downloadContent(id)).rejects.toMatchObject({ status: 404 });
    expect((await (await client.videos.downloadContent(id)).arrayBuffer()).byteLength).toBeGreaterThan(10_000);
  });

  it('strike every call while switched on', async () => {
    await switchAll('503');
    await expect(client.videos.list()).rejects.toMatchObject({ status: 503 });
    await switchAll('reset');
    await expect(client.videos.list()).rejects.toBeInstanceOf(APIConnectionError);
    await switchAll('hang');
    await expect(client.videos.list({}, { timeout: 100 })).rejects.toBeInstanceOf(APIConnectionError);
    await switchAll(null);
    expect((await client.videos.list()).data).toEqual([]);
  });
});

it('remembers every video over a restart', async () => {
  const made = await Promise.all(
    Array.from({ length: 200 }, (_, index) => client.videos.create({ prompt: `fox ${index}` })),
  );
  await server.close();
  await start();
  const listed: string[] = [];
  for await (const { id } of client.videos.list({ limit: 100, order: 'asc' })) listed.push(id);
  expect(listed.sort()).toEqual(made.map(({ id }) => id).sort());
  expect(await stats()).toMatchObject({ creates: 200, videos: 200, stored: 200 });
});

import { afterEach, describe, expect, test } from 'vitest';
import { createProvider } from '../../provider/index.ts';
import { closedPort, closeServers, json, KEY, PROMPT, provider, serve } from './provider-server.ts';

afterEach(closeServers);

const REQUEST = { prompt: PROMPT, model: 'sora-2', seconds: 16, size: '1280x720' };
const IMAGE = { bytes: Uint8Array.from([0, 255, 13, 10, 45, 45]), contentType: 'image/png', filename: 'kite.png' };
const QUEUED = { id: 'video_1', object: 'video', status: 'queued' };

describe('createVideo', () => {
  test('sends JSON, seconds as a string, the image as a data URL', async () => {
    const { baseUrl, requests } = await serve(json(200, QUEUED));
    const result = await provider(baseUrl).createVideo({ ...REQUEST, images: [{ ...IMAGE, role: 'input_reference' }] });
    expect(result).toMatchObject({ outcome: 'created', video: { id: 'video_1', verdict: 'open' } });
    expect(requests).toHaveLength(1);
    expect(requests[0]).toMatchObject({ method: 'POST', url: '/v1/videos' });
    expect(requests[0]?.headers).toMatchObject({ 'content-type': 'application/json', authorization: `Bearer ${KEY}` });
    expect(JSON.parse(String(requests[0]?.body))).toEqual({
      ...REQUEST,
      seconds: '16',
      input_reference: { image_url: `data:image/png;base64,${Buffer.from(IMAGE.bytes).toString('base64')}` },
    });
  });

  test('sends multipart, the image as a file, byte for byte', async () => {
    const { baseUrl, requests } = await serve(json(200, QUEUED));
    await provider(baseUrl, { createEncoding: 'multipart' }).createVideo({
      ...REQUEST,
      images: [{ ...IMAGE, role: 'input_reference' }],
    });
    const sent = requests[0];
    const form = await new Response(new Uint8Array(sent?.body ?? []), {
      headers: { 'content-type': sent?.headers['content-type'] ?? '' },
      // eslint-disable-next-line @typescript-eslint/no-deprecated -- it is deprecated for bodies without a limit
    }).formData();
    const file = form.get('input_reference') as Blob & { name: string };
    expect(Object.fromEntries([...form].filter(([name]) => name !== 'input_reference'))).toEqual({
      ...REQUEST,
      seconds: '16',
    });
    expect([file.name, file.type, new Uint8Array(await file.arrayBuffer())]).toEqual([
      'kite.png',
      'image/png',
      IMAGE.bytes,
    ]);
    expect(sent?.headers['content-length']).toBe(String(sent?.body.length));
  });

  test('sends a text in multipart byte for byte, whatever lines and marks are in it', async () => {
    const { baseUrl, requests } = await serve(json(200, QUEUED));
    const odd = '\n two\nlines\r\nand\rmore "quoted" e\u0301 \u{1F3AC}\n--boundary--\r\n';
    const file = { ...IMAGE, filename: 'a "b"\r\nx-injected: 1.png' };
    await provider(baseUrl, { createEncoding: 'multipart' }).createVideo({
      ...REQUEST,
      prompt: odd,
      images: [{ ...file, role: 'input_reference' }],
    });
    const { body = Buffer.alloc(0), headers } = requests[0] ?? {};
    const boundary = /boundary=(.+)$/.exec(headers?.['content-type'] ?? '')?.[1] ?? 'none';
    const part = (head: string, value: Uint8Array) =>
      Buffer.concat([Buffer.from(`--${boundary}\r\ncontent-disposition: form-data; ${head}\r\n\r\n`), value]);
    expect(body.includes(part('name="prompt"', Buffer.from(`${odd}\r\n--${boundary}\r\n`)))).toBe(true);
    const head = 'name="input_reference"; filename="a %22b%22%0D%0Ax-injected: 1.png"\r\ncontent-type: image/png';
    expect(body.includes(part(head, Buffer.concat([IMAGE.bytes, Buffer.from(`\r\n--${boundary}--\r\n`)])))).toBe(true);
  });

  test('sends a text in JSON as it is', async () => {
    const { baseUrl, requests } = await serve(json(200, QUEUED));
    const odd = 'two\nlines\r\n e\u0301 \u{1F3AC}\t';
    await provider(baseUrl).createVideo({ ...REQUEST, prompt: odd });
    expect((JSON.parse(String(requests[0]?.body)) as { prompt: string }).prompt).toBe(odd);
  });

  test.each(['json', 'multipart'] as const)(
    'sends no input_reference when there is none (%s)',
    async (createEncoding) => {
      const { baseUrl, requests } = await serve(json(200, QUEUED));
      await provider(baseUrl, { createEncoding }).createVideo(REQUEST);
      expect(String(requests[0]?.body)).toContain(PROMPT);
      expect(String(requests[0]?.body)).not.toContain('input_reference');
    },
  );

  test.each([500, 503, 429, 409])('posts once and never retries (HTTP %i)', async (status) => {
    const { baseUrl, requests } = await serve(json(status, { error: {} }, { 'x-should-retry': 'true' }));
    await provider(baseUrl).createVideo(REQUEST);
    expect(requests).toHaveLength(1);
  });

  test('posts once when the connection drops, and does not follow a redirect', async () => {
    const dropped = await serve((_response, request) => request.socket.resetAndDestroy());
    await provider(dropped.baseUrl).createVideo(REQUEST);
    expect(dropped.requests).toHaveLength(1);
    const moved = await serve(json(307, {}, { location: '/v1/elsewhere' }));
    await provider(moved.baseUrl).createVideo(REQUEST);
    expect(moved.requests).toHaveLength(1);
  });

  // MR-12
  test('asks for a remix by its prompt alone; an original that is gone is refused for good', async () => {
    const made = await serve(json(200, QUEUED));
    expect(await provider(made.baseUrl).createVideo({ ...REQUEST, remixedFrom: 'video 0' })).toMatchObject({
      outcome: 'created',
    });
    expect(made.requests[0]).toMatchObject({ method: 'POST', url: '/v1/videos/video%200/remix' });
    expect(JSON.parse(String(made.requests[0]?.body))).toEqual({ prompt: PROMPT });
    const gone = await serve(json(404, { error: { message: 'No such video.' } }));
    expect(await provider(gone.baseUrl).createVideo({ ...REQUEST, remixedFrom: 'video_0' })).toMatchObject({
      outcome: 'clients_fault',
      code: 'original_unavailable',
    });
    expect(await provider(gone.baseUrl).createVideo(REQUEST)).toMatchObject({ outcome: 'operators_fault' });
  });

  test('uses a connection of its own, for a kept one may be dying; looks keep theirs', async () => {
    const { baseUrl, requests } = await serve(json(200, QUEUED));
    await provider(baseUrl).createVideo(REQUEST);
    await provider(baseUrl).retrieveVideo('video_1');
    expect(requests.map((request) => request.headers.connection)).toEqual(['close', 'keep-alive']);
  });

  test('hands on an answer that is terminal at once', async () => {
    const { baseUrl } = await serve(json(200, { ...QUEUED, status: 'failed', error: { code: 'moderation_blocked' } }));
    const result = await provider(baseUrl).createVideo(REQUEST);
    expect(result).toMatchObject({ outcome: 'created', video: { verdict: 'failed', errorCode: 'moderation_blocked' } });
  });

  test('reads JSON under any content type', async () => {
    const { baseUrl } = await serve((response) => response.end(JSON.stringify(QUEUED)));
    expect((await provider(baseUrl).createVideo(REQUEST)).outcome).toBe('created');
  });
});

describe('retrieveVideo', () => {
  test('sees a completed video', async () => {
    const { baseUrl, requests } = await serve(json(200, { ...QUEUED, status: 'succeeded' }));
    const look = await provider(baseUrl).retrieveVideo('video_1');
    expect(look).toMatchObject({ outcome: 'seen', video: { verdict: 'completed', status: 'succeeded' } });
    expect(requests[0]).toMatchObject({ method: 'GET', url: '/v1/videos/video_1' });
  });

  test("takes no other video's verdict", async () => {
    const { baseUrl } = await serve(json(200, { id: 'video_2', status: 'completed' }));
    expect(await provider(baseUrl).retrieveVideo('video_1')).toEqual({
      outcome: 'transient',
      why: 'HTTP 200 about another video',
      status: 200,
      retryAfterMs: null,
      debt: null,
      whose: 'provider',
    });
  });

  // MR-7
  test.each([400, 404, 422, 500, 503])(
    "sees a video whose body comes with HTTP %i: the provider's word",
    async (status) => {
      const failed = {
        id: 'video_1',
        status: 'failed',
        error: { code: 400, message: 'height must be a multiple of 16' },
      };
      const { baseUrl } = await serve(json(status, failed));
      expect(await provider(baseUrl).retrieveVideo('video_1')).toMatchObject({
        outcome: 'seen',
        video: { verdict: 'failed', errorCode: 'generation_failed', errorMessage: 'height must be a multiple of 16' },
      });
    },
  );

  // MR-7, MR-15
  test.each([
    [429, { status: 'failed', message: 'rate limited' }],
    [401, { status: 'failed', error: { code: 'invalid_api_key' } }],
    [402, { status: 'failed' }],
    [403, { status: 'failed' }],
    [400, { status: 'failed', error: { code: 'insufficient_quota' } }],
    [404, { status: 'error', error: 'not found' }],
    [404, { status: 'deleted' }],
    [503, { status: 'success' }],
    [504, { status: 'timeout' }],
    [500, { status: 'in_progress' }],
  ])("HTTP %i with our id and %j is a gateway's word about itself: it settles nothing", async (status, body) => {
    const { baseUrl } = await serve(json(status, { id: 'video_1', ...body }));
    expect(await provider(baseUrl).retrieveVideo('video_1')).toMatchObject({ outcome: 'transient', status });
  });

  test('takes no other video, and no error that names one, for its word', async () => {
    const other = await serve(json(500, { id: 'video_2', status: 'completed' }));
    expect(await provider(other.baseUrl).retrieveVideo('video_1')).toMatchObject({ outcome: 'transient', status: 500 });
    const inside = await serve(json(500, { error: { id: 'video_1', status: 'completed' } }));
    expect(await provider(inside.baseUrl).retrieveVideo('video_1')).toMatchObject({
      outcome: 'transient',
      status: 500,
    });
  });

  test.each([400, 401, 403, 404, 409, 422, 429, 500, 503])('is transient on HTTP %i', async (status) => {
    const { baseUrl, requests } = await serve(json(status, { error: { code: 'whatever', message: 'failed' } }));
    const look = await provider(baseUrl).retrieveVideo('video_1');
    expect(look).toMatchObject({ outcome: 'transient', why: `HTTP ${status} whatever`, status, retryAfterMs: null });
    expect(requests).toHaveLength(1);
  });

  test('is transient without an answer, with a broken one, with one in HTML', async () => {
    const refused = await provider(`http://127.0.0.1:${await closedPort()}/v1`).retrieveVideo('v');
    expect(refused).toMatchObject({ outcome: 'transient', status: null, why: 'connection refused (ECONNREFUSED)' });
    const html = await serve((response) => response.setHeader('content-type', 'text/html').end('<p>completed</p>'));
    expect(await provider(html.baseUrl).retrieveVideo('v')).toMatchObject({ outcome: 'transient', status: 200 });
    const hung = await serve(() => undefined);
    const late = await provider(hung.baseUrl, { callTimeoutMs: 60 }).retrieveVideo('v');
    expect(late).toMatchObject({ outcome: 'transient', why: 'no answer within 0.06 s' });
  });
});

describe('listVideos and deleteVideo', () => {
  test('a list asks for the newest first, from where the last page ended', async () => {
    const { baseUrl, requests } = await serve(json(200, { data: [QUEUED], has_more: false }));
    const page = await provider(baseUrl).listVideos({ after: 'video_9', limit: 5 });
    expect(page).toMatchObject({ outcome: 'listed', hasMore: false, videos: [{ id: 'video_1' }] });
    const { searchParams } = new URL(requests[0]?.url ?? '', baseUrl);
    expect(Object.fromEntries(searchParams)).toEqual({ after: 'video_9', limit: '5', order: 'desc' });
  });

  test('a list tells how far the provider’s clock is from ours; what comes out of a cache does not', async () => {
    const date = new Date(Date.now() - 7_200_000).toUTCString();
    const behind = await serve(json(200, { data: [] }, { date }));
    const page = await provider(behind.baseUrl).listVideos();
    expect(page).toMatchObject({ clockSkewMs: expect.any(Number) });
    if (page.outcome === 'listed') expect(Math.abs((page.clockSkewMs ?? 0) + 7_200_000)).toBeLessThan(30_000);
    const cached = await serve(json(200, { data: [] }, { date, age: '30' }));
    expect(await provider(cached.baseUrl).listVideos()).toMatchObject({ clockSkewMs: null });
  });

  test('a provider that cannot list says so by its status', async () => {
    const { baseUrl } = await serve(json(404, { detail: 'Not Found' }));
    expect(await provider(baseUrl).listVideos()).toMatchObject({ outcome: 'no_list', why: 'HTTP 404' });
  });

  test('a delete is done on any 2xx and only then', async () => {
    const { baseUrl, requests } = await serve((response) => response.writeHead(204).end());
    expect(await provider(baseUrl).deleteVideo('video_1')).toEqual({ outcome: 'deleted' });
    expect(requests[0]).toMatchObject({ method: 'DELETE', url: '/v1/videos/video_1' });
  });

  const deletion = async (status: number, body: object, seen: { status: number; body: object } | null = null) => {
    const { baseUrl } = await serve((response, request) => {
      const answer = request.method === 'DELETE' || seen === null ? { status, body } : seen;
      json(answer.status, answer.body)(response, request);
    });
    return provider(baseUrl).deleteVideo('video_1');
  };

  test.each([400, 403, 405, 422, 451, 501])('a delete that is answered %i is none, however often', async (status) => {
    expect(await deletion(status, {})).toEqual({ outcome: 'kept', why: `HTTP ${status}` });
  });

  test('a delete that is answered with deleted: false is none', async () => {
    expect(await deletion(200, { id: 'video_1', deleted: false })).toMatchObject({ outcome: 'kept' });
  });

  test('a delete whose error a gateway passes on as a success is none', async () => {
    expect(await deletion(200, { error: { code: 405, message: 'no' } })).toMatchObject({ outcome: 'kept' });
    expect(await deletion(200, { id: 'video_1', deleted: true, error: null })).toEqual({ outcome: 'deleted' });
  });

  test.each([401, 408, 409, 425, 429, 500, 502, 503, 504])(
    'a delete that is answered %i is asked again',
    async (status) => {
      expect(await deletion(status, {})).toMatchObject({ outcome: 'transient', status });
    },
  );

  test('a 404 to a delete means gone, or no such route if the video is still there', async () => {
    expect(await deletion(410, {})).toEqual({ outcome: 'deleted' });
    expect(await deletion(404, {}, { status: 404, body: {} })).toEqual({ outcome: 'deleted' });
    expect(await deletion(404, {}, { status: 200, body: QUEUED })).toMatchObject({ outcome: 'kept' });
    expect(await deletion(404, {}, { status: 503, body: {} })).toMatchObject({ outcome: 'transient', status: 503 });
  });
});

describe('the binding of a generation to its provider', () => {
  // MR-38
  test('is the origin of its base URL: another key or path is the same provider, another origin is another', () => {
    const bound = provider('https://Gateway.test:443/v1/');
    expect(bound.baseUrl).toBe('https://Gateway.test:443/v1');
    expect(bound.identity).toBe('openai@https://gateway.test');
    expect(provider('https://gateway.test/team/v1', { apiKey: 'sk-another' }).identity).toBe(bound.identity);
    for (const other of ['http://gateway.test/v1', 'https://gateway.test:444/v1', 'https://gateway2.test/v1']) {
      expect(provider(other).identity).not.toBe(bound.identity);
    }
  });

  test('a base URL with a password is refused, for it is stored', () => {
    const settings = { name: 'openai', apiKey: KEY, createEncoding: 'json' as const };
    expect(() => createProvider({ ...settings, baseUrl: 'http://user:pass@127.0.0.1/v1' })).toThrow(TypeError);
  });
});

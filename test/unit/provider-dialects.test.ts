import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import { type Capabilities, DIALECTS, type ProviderSettings } from '../../provider/index.ts';
import { closeServers, json, PROMPT, provider, serve } from './provider-server.ts';

/** What is sent to a server of each dialect, and how its answers are read, over real HTTP. */

afterEach(closeServers);

const VIDEO = { id: 'video_1', object: 'video', status: 'queued', prompt: PROMPT };
const PAGE = { object: 'list', data: [VIDEO], has_more: false };
const REQUEST = { prompt: PROMPT, model: 'a-model', seconds: 4, size: '720x1280' };
const IMAGE = { bytes: Uint8Array.of(1, 2, 3), contentType: 'image/png', filename: 'a.png' };
const MEANWHILE = 'https://content.test/video.mp4?signature=1';
const REFUSED = 'Video has been uploaded to cloud storage. Please use the cloud URL: ';

interface Habits {
  readonly listQuery: string;
  readonly can: Capabilities;
  readonly refusedList: 'no_list' | 'transient';
  readonly variants: readonly string[];
  readonly jsonReference: string;
  readonly imageLists: 'named' | 'image_reference' | null;
  readonly failed: { readonly errorCode: string };
}

const LIST = '/v1/videos?limit=100&order=desc';
const ALL = ['', '?variant=thumbnail', '?variant=spritesheet'];
const can = (changes: Partial<Capabilities>): Capabilities => ({
  list: 'partial',
  listShowsPrompts: true,
  cancel: false,
  webhooks: false,
  ...changes,
});
const COMMON: Habits = {
  listQuery: LIST,
  can: can({}),
  refusedList: 'transient',
  variants: [''],
  jsonReference: 'input_reference',
  imageLists: 'named',
  failed: { errorCode: '422' },
};

/** One line for each dialect: how it differs. */
const HABITS: Record<string, Habits> = {
  auto: { ...COMMON, can: can({ webhooks: true }), variants: ALL, failed: { errorCode: 'generation_failed' } },
  openai: { ...COMMON, can: can({ list: 'authoritative', webhooks: true }), variants: ALL },
  litellm: {
    ...COMMON,
    listQuery: `/v1/videos?custom_llm_provider=openai&limit=100&order=desc`,
    refusedList: 'no_list',
  },
  'vllm-omni': { ...COMMON, imageLists: 'image_reference', failed: { errorCode: 'generation_failed' } },
  sglang: { ...COMMON, can: can({ listShowsPrompts: false }), jsonReference: 'reference_url', imageLists: null },
};

describe.each(DIALECTS)('$name', ({ name, source }) => {
  const habits = HABITS[name] ?? COMMON;
  const speak = (baseUrl: string, settings: Partial<ProviderSettings> = {}) =>
    provider(baseUrl, { dialect: name, ...settings });

  test('is in the table, with its source', () => {
    expect(HABITS).toHaveProperty(name);
    expect(source).not.toBe('');
  });

  test('is asked for a list, which proves and shows what it can', async () => {
    const { baseUrl, requests } = await serve(json(200, PAGE));
    const speaking = speak(baseUrl);
    expect({ dialect: speaking.dialect, can: speaking.can }).toEqual({ dialect: name, can: habits.can });
    expect(await speaking.listVideos()).toMatchObject({
      outcome: 'listed',
      isComplete: habits.can.list === 'authoritative',
      videos: [{ id: 'video_1', prompt: habits.can.listShowsPrompts ? PROMPT : null }],
    });
    expect(requests.map(({ url }) => url)).toEqual([habits.listQuery]);
  });

  test('refuses a list with 400 for good, or for now', async () => {
    const { baseUrl } = await serve(json(400, { error: { message: 'custom_llm_provider is required' } }));
    expect((await speak(baseUrl).listVideos()).outcome).toBe(habits.refusedList);
  });

  test.each([404, 405, 501])('has no list where it answers %i', async (status) => {
    const { baseUrl } = await serve(json(status, { detail: 'Not Found' }));
    expect((await speak(baseUrl).listVideos()).outcome).toBe('no_list');
  });

  test.each([401, 402, 403, 429, 500, 503])('may have a list where it answers %i', async (status) => {
    const { baseUrl } = await serve(json(status, { detail: 'later' }));
    expect((await speak(baseUrl).listVideos()).outcome).toBe('transient');
  });

  test('does what its settings say instead', async () => {
    const { baseUrl } = await serve(json(200, PAGE));
    const told = async (list: Capabilities['list']) => speak(baseUrl, { can: { list } }).listVideos();
    expect(await told('authoritative')).toMatchObject({ isComplete: true });
    expect(await told('partial')).toMatchObject({ isComplete: false });
    expect(await told('none')).toMatchObject({ outcome: 'no_list' });
    const { has_more: _, ...untold } = PAGE;
    const short = await serve(json(200, untold));
    expect(await speak(short.baseUrl, { can: { list: 'authoritative' } }).listVideos()).toMatchObject({
      isComplete: false,
    });
    const silent = await speak(baseUrl, { can: { listShowsPrompts: false } }).listVideos();
    expect(silent).toMatchObject({ videos: [{ prompt: null }] });
  });

  test('is asked for contents that it has', async () => {
    const { baseUrl, requests } = await serve((response) => response.writeHead(200).end('bytes'));
    for (const variant of ['video', 'thumbnail', 'spritesheet'] as const) {
      const answer = await speak(baseUrl).downloadContent('video_1', { variant });
      expect(answer.outcome).toMatch(/part|missing/);
      if (answer.outcome === 'part') await answer.body.cancel();
    }
    expect(requests.map(({ url }) => url)).toEqual(
      habits.variants.map((query) => `/v1/videos/video_1/content${query}`),
    );
  });

  test('takes a file in JSON', async () => {
    const { baseUrl, requests } = await serve(json(200, VIDEO));
    await speak(baseUrl, { createEncoding: 'json' }).createVideo({
      ...REQUEST,
      images: [{ ...IMAGE, role: 'input_reference' }],
    });
    const url = 'data:image/png;base64,AQID';
    expect(JSON.parse(String(requests[0]?.body))).toMatchObject(
      habits.jsonReference === 'reference_url' ? { reference_url: url } : { input_reference: { image_url: url } },
    );
  });

  test('takes several images as its server does, or is not asked for the video', async () => {
    const { baseUrl, requests } = await serve(json(200, VIDEO));
    const url = 'data:image/png;base64,AQID';
    const frames = [
      { ...IMAGE, role: 'first_frame' as const },
      { ...IMAGE, role: 'last_frame' as const },
    ];
    const references = [{ ...IMAGE, role: 'reference' as const }];
    const answers = [];
    for (const images of [frames, references]) answers.push(await speak(baseUrl).createVideo({ ...REQUEST, images }));
    const bodies = requests.map(({ body }) => String(body));
    const item = { type: 'image_url', image_url: { url } };
    switch (habits.imageLists) {
      case 'named':
        expect(bodies.map((body) => JSON.parse(body) as unknown)).toMatchObject([
          {
            prompt: REQUEST.prompt,
            frame_images: [
              { ...item, frame_type: 'first_frame' },
              { ...item, frame_type: 'last_frame' },
            ],
          },
          { input_references: [item] },
        ]);
        break;
      case 'image_reference': {
        const field = (list: object[]) => `name="image_reference"\r\n\r\n${JSON.stringify(list)}\r\n`;
        expect(bodies[0]).toContain(field([{ image_url: url }, { image_url: url }]));
        expect(bodies[1]).toContain(field([{ image_url: url }]));
        break;
      }
      case null:
        expect(requests).toEqual([]);
        expect(answers).toMatchObject([{ outcome: 'clients_fault' }, { outcome: 'clients_fault' }]);
    }
  });

  // MR-7
  test('tells that a video failed, and why, in a body under an error’s status', async () => {
    const failed = { ...VIDEO, status: 'failed', error: { code: 422, message: 'The prompt is too dark.' } };
    const { baseUrl } = await serve(json(422, failed));
    expect(await speak(baseUrl).retrieveVideo('video_1')).toMatchObject({
      outcome: 'seen',
      video: { verdict: 'failed', errorMessage: 'The prompt is too dark.', ...habits.failed },
    });
  });
});

// LiteLLM's 400 says many things.
test('a list that is refused for what we owe is one that may come', async () => {
  const { baseUrl } = await serve(json(400, { error: { type: 'budget_exceeded', code: '400', message: 'spent' } }));
  expect(await provider(baseUrl, { dialect: 'litellm' }).listVideos()).toMatchObject({
    outcome: 'transient',
    debt: 'bill',
  });
});

test('a dialect that nobody has written is refused at once', () => {
  expect(() => provider('http://127.0.0.1/v1', { dialect: 'klingon' })).toThrow(TypeError);
});

// MR-78
describe('auto', () => {
  test.each([
    ['the simulator', { server: 'holdfast-simulator' }, true],
    ['a gateway that passes OpenAI’s headers on', { server: 'nginx', 'openai-version': '2020-10-01' }, false],
    ['a server that nobody knows', { server: 'uvicorn' }, false],
  ])('takes the list of %s for complete: %o %s', async (_what, headers, isComplete) => {
    const { baseUrl } = await serve(json(200, PAGE, headers));
    expect(await provider(baseUrl).listVideos()).toMatchObject({ isComplete });
  });

  test('recognises LiteLLM, whose 400 means that there is no list', async () => {
    const { baseUrl } = await serve(
      json(400, { error: { message: 'no provider' } }, { 'x-litellm-version': '1.110.0' }),
    );
    expect((await provider(baseUrl).listVideos()).outcome).toBe('no_list');
  });

  test.each([
    [{ error: null, fail_reason: 'No faces.' }, 'No faces.'],
    [{ failure_reason: { code: 'nsfw', message: 'Not this.' } }, 'Not this.'],
    [{ error_message: 'Out of memory.' }, 'Out of memory.'],
    [{ error: {}, last_error: 'Too long.' }, 'Too long.'],
    [{ error: { message: 'First.' }, fail_reason: 'Second.' }, 'First.'],
  ])('finds the reason of a failure in %o', async (fields, message) => {
    const { baseUrl } = await serve(json(200, { ...VIDEO, error: undefined, status: 'failed', ...fields }));
    expect(await provider(baseUrl).retrieveVideo('video_1')).toMatchObject({ video: { errorMessage: message } });
  });
});

describe('a content that is stored elsewhere, as its refusal says', () => {
  const NAMED = { dialect: 'sglang' };
  const stored = (url: string) => json(400, { detail: `${REFUSED}${url}` });
  const bytes = (response: ServerResponse) => response.writeHead(200, { 'content-type': 'video/mp4' }).end('bytes');

  test.each(['sglang', 'auto'])('is fetched from there, without our key (%s)', async (dialect) => {
    const store = await serve(bytes);
    const host = new URL(store.baseUrl).host;
    const { baseUrl } = await serve(stored(`http://${host}/bucket/video.mp4?X-Signature=1`));
    const answer = await provider(baseUrl, { dialect, contentHosts: [host] }).downloadContent('video_1');
    expect(answer).toMatchObject({ outcome: 'part', declaredType: 'video/mp4' });
    if (answer.outcome === 'part') await answer.body.cancel();
    expect(store.requests).toMatchObject([{ url: '/bucket/video.mp4?X-Signature=1' }]);
    expect(store.requests[0]?.headers).not.toHaveProperty('authorization');
  });

  // MR-94
  test('is not fetched from an inner address that is not listed', async () => {
    const store = await serve(bytes);
    const { baseUrl } = await serve(stored(`${store.baseUrl}/video.mp4`));
    expect(await provider(baseUrl, NAMED).downloadContent('video_1')).toMatchObject({
      outcome: 'trouble',
      why: expect.stringContaining('not public') as string,
    });
    expect(store.requests).toEqual([]);
  });

  test.each([
    ['what is no URL', stored('nonsense://'), 'which is not followed'],
    ['a file', stored('file:///etc/passwd'), 'which is not followed'],
    ['a URL with a password', stored('https://me:secret@content.test/'), 'which is not followed'],
    ['nothing', json(400, { detail: 'The video is not ready.' }), 'HTTP 400'],
    ['no JSON', (response: ServerResponse) => response.writeHead(400).end('<html>'), 'HTTP 400'],
    [
      'more than such a refusal needs',
      json(400, { extra: 'x'.repeat(70_000), detail: `${REFUSED}${MEANWHILE}` }),
      'HTTP 400',
    ],
  ])('is trouble where the refusal names %s', async (_what, handler, why) => {
    const { baseUrl } = await serve(handler);
    const answer = await provider(baseUrl, NAMED).downloadContent('video_1');
    expect(answer).toMatchObject({ outcome: 'trouble', why: expect.stringContaining(why) as string });
  });

  test('is trouble where a redirect’s target refuses: it has no say in where to go', async () => {
    const inner = await serve(bytes);
    const outside = await serve(stored(`${inner.baseUrl}/video.mp4`));
    const hosts = [inner, outside].map(({ baseUrl }) => new URL(baseUrl).host);
    const { baseUrl } = await serve((response) => response.writeHead(302, { location: outside.baseUrl }).end());
    const answer = await provider(baseUrl, { ...NAMED, contentHosts: hosts }).downloadContent('video_1');
    expect(answer).toMatchObject({ outcome: 'trouble', why: 'HTTP 400' });
    expect(inner.requests).toEqual([]);
  });

  test.each(['openai', 'litellm', 'vllm-omni'])(
    'is a refusal like another where the dialect has none (%s)',
    async (dialect) => {
      const { baseUrl } = await serve(stored(MEANWHILE));
      expect(await provider(baseUrl, { dialect }).downloadContent('video_1')).toMatchObject({ why: 'HTTP 400' });
    },
  );
});

// MR-9
describe('a cancel', () => {
  const ENDED = { id: 'video_1', object: 'video.deleted', deleted: true };
  const cancel = async (handler: Parameters<typeof serve>[0], dialect = 'vllm-omni') => {
    const { baseUrl, requests } = await serve(handler);
    const answer = await provider(baseUrl, { dialect, can: { cancel: true } }).cancelVideo('video_1');
    expect(requests.map(({ method, url }) => [method, url])).toEqual([['DELETE', '/v1/videos/video_1']]);
    return answer;
  };

  test('is asked for only where the settings say so, and only of a server that can', () => {
    const asked = DIALECTS.filter(
      ({ name }) => provider('http://x/v1', { dialect: name, can: { cancel: true } }).can.cancel,
    );
    expect(asked.map(({ name }) => name)).toEqual(['vllm-omni']);
    expect(provider('http://x/v1', { dialect: 'vllm-omni' }).can.cancel).toBe(false);
  });

  test('has one answer: only this answer proves that unfinished work was ended', async () => {
    expect(await cancel(json(200, ENDED))).toEqual({ outcome: 'ended' });
  });

  test.each<[string, Parameters<typeof serve>[0]]>([
    ['about another video', json(200, { ...ENDED, id: 'video_2' })],
    ['without an id', json(200, { object: 'video.deleted', deleted: true })],
    ['that it was not deleted', json(200, { ...ENDED, deleted: false })],
    ['in a word', json(200, { ...ENDED, deleted: 'true' })],
    ['about something else', json(200, { ...ENDED, object: 'file.deleted' })],
    ['that it will be done', json(202, ENDED)],
    ['under an error', json(409, ENDED)],
    ['that it still ends', json(409, { detail: 'Cancellation in progress. Please try again later.' })],
    ['that there is no such job', json(404, { detail: 'Video not found' })],
    ['of a broken server', json(500, {})],
    ['with no body', (response) => response.writeHead(204).end()],
    ['that is lost', (response) => response.destroy()],
  ])('is unclear when it is answered %s', async (_what, handler) => {
    expect(await cancel(handler)).toMatchObject({ outcome: 'unclear', why: expect.stringMatching(/\w/) as string });
  });

  test('is unclear where the dialect has none, whatever is answered', async () => {
    expect(await cancel(json(200, ENDED), 'openai')).toMatchObject({ outcome: 'unclear' });
  });
});

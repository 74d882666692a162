import { APIError } from 'openai';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { PRICE } from '../support/database.ts';
import { PNG } from '../support/png.ts';
import type { TestAccount, TestStack } from '../support/stack.ts';
import { openAccount, startStack } from '../support/stack.ts';

let stack: TestStack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(async () => {
  await stack.stop();
});

type Shown = Record<string, unknown> & {
  id: string;
  status: string;
  error: { code: string; message: string } | null;
  credits: { state: string; message: string; amount_microcredits: number; settled_at: number | null };
};

async function untilTerminal({ client }: TestAccount, id: string): Promise<Shown> {
  return vi.waitFor(
    async () => {
      const video = (await client.videos.retrieve(id)) as unknown as Shown;
      if (video.status !== 'completed' && video.status !== 'failed') throw new Error(`still ${video.status}`);
      return video;
    },
    { timeout: 25_000, interval: 100 },
  );
}

const jsonPost = (body: unknown): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

async function expectRefused(answer: Response, status: number, code: string, param?: string) {
  const { error } = (await answer.json()) as { error: { code: string; param: string | null; message: string } };
  expect({ status: answer.status, code: error.code, param: error.param }).toEqual({
    status,
    code,
    param: param ?? null,
  });
  expect(answer.headers.get('x-request-id')).toBeTruthy();
  return error.message;
}

const expectNoDrift = async () => {
  const drift = await stack.database.pool.query('SELECT * FROM ledger_drift');
  expect(drift.rows).toEqual([]);
};

describe("OpenAI's Node SDK, unchanged", () => {
  it('creates, retrieves until completed and downloads an MP4; the balance falls by the price', async () => {
    const account = await openAccount(stack, 10_000_000);
    const created = (await account.client.videos.create({
      prompt: 'a red fox',
      model: 'sora-2',
      seconds: '4',
    })) as unknown as Shown;
    // The provider may have taken it before the answer was read from the ledger.
    expect(['queued', 'in_progress']).toContain(created.status);
    expect(created).toMatchObject({ credits: { state: 'held', amount_microcredits: PRICE } });
    expect(await account.credits()).toMatchObject({
      available_microcredits: 10_000_000 - PRICE,
      held_microcredits: PRICE,
    });
    const video = await untilTerminal(account, created.id);
    expect(video).toMatchObject({ status: 'completed', progress: 100, credits: { state: 'charged' } });
    const bytes = Buffer.from(await (await account.client.videos.downloadContent(created.id)).arrayBuffer());
    expect(bytes.subarray(4, 8).toString()).toBe('ftyp');
    expect(await account.credits()).toMatchObject({ available_microcredits: 10_000_000 - PRICE, held_microcredits: 0 });
    await expectNoDrift();
  });

  it('is told why a blocked video failed, and that the credits are back', async () => {
    const account = await openAccount(stack, 1_000_000);
    const created = await account.client.videos.create({ prompt: 'an ad for iqus e cigerrates' });
    const video = await untilTerminal(account, created.id);
    expect(video).toMatchObject({
      status: 'failed',
      error: { code: 'moderation_blocked', message: 'Your request was blocked by our moderation system.' },
      credits: { state: 'refunded', message: 'Credits have been refunded to your account.' },
    });
    expect(await account.credits()).toMatchObject({ available_microcredits: 1_000_000, held_microcredits: 0 });
  });

  it('gets a 402 at once, without a retry, that names price, available and reserved', async () => {
    const account = await openAccount(stack, PRICE + 100);
    await account.client.videos.create({ prompt: 'first [[never]]' });
    const error: unknown = await account.client.videos.create({ prompt: 'second' }).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(APIError);
    expect(error).toMatchObject({ status: 402, code: 'insufficient_credits' });
    expect((error as APIError).message).toContain(
      'This video costs 0.571429 credits; 0.000100 are available (0.571429 more are reserved for 1 video in progress).',
    );
  });

  it('sends a reference image, which reaches the provider', async () => {
    const account = await openAccount(stack, 1_000_000);
    const image = new File([PNG], 'a.png');
    const created = await account.client.videos.create({ prompt: 'from an image', input_reference: image });
    const { rows } = await stack.database.admin.query(
      'SELECT reference, reference_type FROM inputs WHERE generation_id = $1',
      [created.id],
    );
    expect(rows).toEqual([{ reference: PNG, reference_type: 'image/png' }]);
    expect((await untilTerminal(account, created.id)).status).toBe('completed');
  });
});

describe('trouble at the provider', () => {
  it.concurrent.each([
    'an unknown status [[status:reticulating]]',
    'a synonym [[terminal:succeeded]]',
    'HTML with 200 [[poll:html*2]]',
    'an empty object [[poll:empty*2]]',
    'a 404 for a while [[poll:404*2]]',
    'a 429 [[poll:429*1]] [[retry-after:2]]',
    'a 401 [[poll:401*1]]',
    'resets [[poll:reset*3]]',
  ])('%s: charged once when it completes', async (prompt) => {
    const account = await openAccount(stack, PRICE);
    const { id } = await account.client.videos.create({ prompt });
    expect((await untilTerminal(account, id)).credits.state).toBe('charged');
    expect(await account.credits()).toMatchObject({ available_microcredits: 0, held_microcredits: 0 });
  });
});

describe('content', () => {
  it('is served with ranges once charged, never before, and never after a refund', async () => {
    const account = await openAccount(stack, 2_000_000);
    const open = await account.client.videos.create({ prompt: 'open [[never]]' });
    await expectRefused(await account.fetch(`/v1/videos/${open.id}/content`), 400, 'video_not_ready');
    const failed = await account.client.videos.create({ prompt: 'fails [[fail:invalid_request]]' });
    const done = await account.client.videos.create({ prompt: 'fine' });
    await untilTerminal(account, failed.id);
    await expectRefused(await account.fetch(`/v1/videos/${failed.id}/content`), 402, 'not_charged');
    await untilTerminal(account, done.id);
    const part = await account.fetch(`/v1/videos/${done.id}/content`, { headers: { range: 'bytes=4-7' } });
    expect({ status: part.status, text: await part.text() }).toEqual({ status: 206, text: 'ftyp' });
    const thumbnail = await account.fetch(`/v1/videos/${done.id}/content?variant=thumbnail`);
    expect(thumbnail.headers.get('content-type')).toContain('image/');
    await thumbnail.body?.cancel();
  });
});

describe('the timeline', () => {
  it('tells in words why credits were charged or came back, from the events alone', async () => {
    const account = await openAccount(stack, 2_000_000);
    const [done, blocked, away] = [
      await account.client.videos.create({ prompt: 'told' }),
      await account.client.videos.create({ prompt: 'an ad for iqus e cigerrates' }),
      await account.client.videos.create({ prompt: 'away for a while [[poll:reset*2]]' }),
    ];
    const told = async ({ id }: { id: string }) => {
      await untilTerminal(account, id);
      const { data } = (await (await account.fetch(`/v1/videos/${id}/timeline`)).json()) as {
        data: { message: string; at: string }[];
      };
      expect(data.map(({ at }) => at)).toEqual(data.map(({ at }) => at).sort());
      return data.map(({ message }) => message);
    };
    expect(await told(done)).toEqual([
      'Requested, at a price of 0.571429 credits',
      'Hold of 0.571429 credits placed',
      'Asking the provider for the video',
      'The provider has begun',
      'The provider reported that the video is complete',
      '0.571429 credits charged',
    ]);
    expect((await told(blocked)).slice(-2)).toEqual([
      'Provider reported failure: moderation_blocked',
      '0.571429 credits returned: moderation_blocked',
    ]);
    expect((await told(away)).at(-3)).toMatch(
      /^Provider could not be reached, 2 tries over \d+ seconds?; credits stay reserved$/,
    );
    const stranger = await openAccount(stack, 0);
    expect((await stranger.fetch(`/v1/videos/${done.id}/timeline`)).status).toBe(404);
  });
});

describe('another tenant', () => {
  it("gets 404 for an id that isn't theirs, as for one that never was", async () => {
    const [owner, stranger] = await Promise.all([openAccount(stack, 1_000_000), openAccount(stack, 1_000_000)]);
    const { id } = await owner.client.videos.create({ prompt: 'mine' });
    for (const path of [
      `/v1/videos/${id}`,
      `/v1/videos/${id}/content`,
      '/v1/videos/video_00',
      '/v1/videos/%00',
      '/v1/videos/..%2f..',
    ]) {
      await expectRefused(await stranger.fetch(path), 404, 'not_found');
    }
  });
});

it("without a secret nobody listens for the provider's webhooks: an empty secret verifies nothing", async () => {
  const answer = await fetch(`${stack.url}/webhooks/openai`, { method: 'POST', body: '{}' });
  await expectRefused(answer, 404, 'not_found');
});

describe('bad input', () => {
  const cases: [string, RequestInit, number, string, string?][] = [
    ['no prompt', jsonPost({}), 400, 'invalid_request', 'prompt'],
    ['an empty prompt', jsonPost({ prompt: '' }), 400, 'invalid_request', 'prompt'],
    ['a blank prompt', jsonPost({ prompt: ' \n ' }), 400, 'invalid_request', 'prompt'],
    ['a prompt that is no text', jsonPost({ prompt: 7 }), 400, 'invalid_request', 'prompt'],
    ['a prompt of 32,001 characters', jsonPost({ prompt: 'a'.repeat(32_001) }), 400, 'invalid_request', 'prompt'],
    ['a NUL in the prompt', jsonPost({ prompt: 'a\u0000b' }), 400, 'invalid_request', 'prompt'],
    ['half a surrogate pair', jsonPost({ prompt: 'a\ud800b' }), 400, 'invalid_request', 'prompt'],
    ['an unknown model', jsonPost({ prompt: 'x', model: 'sora-9' }), 400, 'invalid_request', 'model'],
    ['an unknown size', jsonPost({ prompt: 'x', size: '1x1' }), 400, 'invalid_request', 'size'],
    ['a size of another model', jsonPost({ prompt: 'x', size: '1792x1024' }), 400, 'invalid_request', 'size'],
    ['unknown seconds', jsonPost({ prompt: 'x', seconds: '5' }), 400, 'invalid_request', 'seconds'],
    ['seconds as a number', jsonPost({ prompt: 'x', seconds: 4 }), 400, 'invalid_request', 'seconds'],
    ['an unknown field', jsonPost({ prompt: 'x', colour: 'red' }), 400, 'invalid_request', 'colour'],
    [
      'a file id',
      jsonPost({ prompt: 'x', input_reference: { file_id: 'f' } }),
      400,
      'invalid_request',
      'input_reference.image_url',
    ],
    [
      'an address to fetch',
      jsonPost({ prompt: 'x', input_reference: { image_url: 'http://169.254.169.254/' } }),
      400,
      'invalid_request',
      'input_reference.image_url',
    ],
    ['a list', jsonPost(['x']), 400, 'invalid_request'],
    ['broken JSON', { ...jsonPost({}), body: '{"prompt":' }, 400, 'invalid_request'],
    [
      'broken multipart',
      { method: 'POST', headers: { 'content-type': 'multipart/form-data; boundary=x' }, body: '--y\r\nnothing' },
      400,
      'invalid_request',
    ],
    [
      'multipart without a boundary',
      { method: 'POST', headers: { 'content-type': 'multipart/form-data' }, body: 'x' },
      400,
      'invalid_request',
    ],
    [
      'a wrong content type',
      { method: 'POST', headers: { 'content-type': 'text/plain' }, body: 'x' },
      415,
      'unsupported_media_type',
    ],
    ['no body', { method: 'POST' }, 400, 'invalid_request', 'prompt'],
  ];

  it.each(cases)("%s: the contract's error, nothing held", async (_what, init, status, code, param) => {
    const account = await openAccount(stack, 1_000_000);
    await expectRefused(await account.fetch('/v1/videos', init), status, code, param);
    expect(await account.credits()).toMatchObject({ available_microcredits: 1_000_000, held_microcredits: 0 });
  });

  const formCases: [string, (form: FormData) => void, number, string, string?][] = [
    [
      'a binary prompt',
      (form) => form.set('prompt', new File([new Uint8Array([0, 255, 1])], 'p')),
      400,
      'invalid_request',
      'prompt',
    ],
    ['two prompts', (form) => form.append('prompt', 'another'), 400, 'invalid_request', 'prompt'],
    [
      'a reference that only calls itself an image',
      (form) => form.set('input_reference', new File([new Uint8Array(1000)], 'x.png', { type: 'image/png' })),
      400,
      'invalid_request',
      'input_reference',
    ],
    [
      'a reference that is no image',
      (form) => form.set('input_reference', new File(['x'], 'x.txt', { type: 'text/plain' })),
      400,
      'invalid_request',
      'input_reference',
    ],
    ['a reference as text', (form) => form.set('input_reference', 'x'), 400, 'invalid_request', 'input_reference'],
    [
      'a file over 10 MB',
      (form) =>
        form.set('input_reference', new File([new Uint8Array(10 * 1024 * 1024 + 1)], 'x.png', { type: 'image/png' })),
      413,
      'body_too_large',
    ],
  ];

  it.each(formCases)("%s in a form: the contract's error, nothing held", async (_what, change, status, code, param) => {
    const account = await openAccount(stack, 1_000_000);
    const form = new FormData();
    form.set('prompt', 'fine');
    change(form);
    await expectRefused(await account.fetch('/v1/videos', { method: 'POST', body: form }), status, code, param);
    expect(await account.credits()).toMatchObject({ available_microcredits: 1_000_000, held_microcredits: 0 });
  });

  it('a 200 MB upload is refused before it is read, with and without a length', async () => {
    const account = await openAccount(stack, 1_000_000);
    const headers = { 'content-type': 'multipart/form-data; boundary=x', 'content-length': String(200 * 1024 * 1024) };
    const told = await rawPost(stack.url, account.key, headers, 1024);
    expect(told).toContain('413');
    const chunked = await rawPost(
      stack.url,
      account.key,
      { 'content-type': 'multipart/form-data; boundary=x', 'transfer-encoding': 'chunked' },
      200 * 1024 * 1024,
    );
    expect(chunked).toContain('413');
    expect(chunked).toContain('body_too_large');
  });

  it('an unknown, missing or malformed key is 401 and its body is not read', async () => {
    for (const authorization of [undefined, 'Bearer hf_unknown', 'Basic x', 'Bearer ', `Bearer ${'x'.repeat(5000)}`]) {
      const answer = await fetch(`${stack.url}/v1/videos`, {
        ...jsonPost({ prompt: 'x' }),
        headers: { 'content-type': 'application/json', ...(authorization === undefined ? {} : { authorization }) },
      });
      await expectRefused(answer, 401, 'invalid_api_key');
    }
  });

  it('nothing that is secret is logged by any of it', () => {
    expect(stack.logged.filter((line) => /hf_|fox|the-admin-key/.test(line))).toEqual([]);
  });
});

/** A POST over a bare socket, so that its length can lie and its body can be cut short; answers with what came back. */
async function rawPost(url: string, key: string, headers: Record<string, string>, bytes: number): Promise<string> {
  const { connect } = await import('node:net');
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname);
    let answer = '';
    socket.on('data', (data) => (answer += data.toString()));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(answer));
    const lines = Object.entries({ host: hostname, authorization: `Bearer ${key}`, ...headers }).map(
      ([name, value]) => `${name}: ${value}`,
    );
    socket.write(`POST /v1/videos HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
    const chunk = Buffer.alloc(64 * 1024, 97);
    const framed = Buffer.concat([Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n')]);
    let sent = 0;
    const send = (): void => {
      // As clients do: what is answered is not sent on.
      if (sent >= bytes || answer !== '' || socket.destroyed) {
        socket.end();
        return;
      }
      sent += chunk.length;
      socket.write(framed, send);
    };
    send();
  });
}

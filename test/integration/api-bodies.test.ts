import { once } from 'node:events';
import type { HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { handleError } from '../../api/http/errors.ts';
import type { Env } from '../../api/http/deps.ts';
import { createBodyReader, JSON_BODY } from '../../api/http/readBody.ts';
import { createServer } from '../../api/server.ts';
import type { AddressInfo } from 'node:net';
import type { BareApi, Line } from '../harness/support/bareApi.ts';
import { authOf, IN_FLIGHT, MEGABYTE, open, pour, serveBare, statusOf } from '../harness/support/bareApi.ts';

/** Bodies that are cheap to send and dear to read (MR-94): refused before they cost anybody anything. */

let api: BareApi;
beforeEach(async () => {
  api = await serveBare();
});
afterEach(() => {
  hangUp();
  api.close();
});

const JSON_TYPE = 'application/json';
const FORM_TYPE = 'multipart/form-data; boundary=b';
const lines: Line[] = [];

/** Begins a POST whose body has no end yet, or this length. */
function begin(
  { account = 'account', path = '/v1/videos', type = JSON_TYPE }: { account?: string; path?: string; type?: string },
  bytes?: number,
): Line {
  const line = open(api.port);
  lines.push(line);
  const length = bytes === undefined ? 'Transfer-Encoding: chunked' : `Content-Length: ${bytes}`;
  line.socket.write(`POST ${path} HTTP/1.1\r\n${authOf(account)}Content-Type: ${type}\r\n${length}\r\n\r\n`);
  return line;
}

const hangUp = () => {
  for (const { socket } of lines.splice(0)) socket.destroy();
};

const chunkOf = (text: string) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;

async function answerOf(line: Line) {
  await vi.waitFor(() => expect(line.received()).not.toBe(''), { timeout: 5000, interval: 5 });
  return { status: statusOf(line.received()), text: line.received() };
}

describe('a body is refused while it is read, with its end unsent', () => {
  const PART = (name: string) => `--b\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n\r\n`;
  it.each([
    ['JSON that is nested 33 deep', JSON_TYPE, '['.repeat(33), 'nested more than 32 levels deep'],
    ['JSON of 20,001 values', JSON_TYPE, `[${'1,'.repeat(20_001)}`, 'more than 20000 values'],
    ['JSON of 20,001 names', JSON_TYPE, `{${'"a":'.repeat(20_001)}`, 'more than 20000 values'],
    ['a form of 34 parts', FORM_TYPE, PART('a').repeat(34), 'more than 32 parts'],
  ])('%s', async (_, type, sent, why) => {
    const line = begin({ type });
    line.socket.write(chunkOf(sent));
    const { status, text } = await answerOf(line);
    expect(status).toBe('HTTP/1.1 400 Bad Request');
    expect(text).toContain(why);
    expect(text).toContain('Nothing was held');
  });

  it('JSON of more than 1 MB that is no image, although an image may have more', async () => {
    for (const opening of ['{"prompt":"', '{"prompt":"dataa:', '{"prompt":"\\u0064ata:', '"data:" ']) {
      const line = begin({});
      line.socket.write(chunkOf(opening));
      const sent = await pour(line, chunkOf(' '.repeat(64 * 1024)), 100 * MEGABYTE);
      expect(statusOf(line.received())).toBe('HTTP/1.1 413 Payload Too Large');
      expect(line.received()).toContain('without its image it may have up to 1 MB');
      expect(sent).toBeLessThan(MEGABYTE + IN_FLIGHT);
      hangUp();
    }
  });

  it('more than 1 MB for a route that takes no image, by its length alone', async () => {
    for (const path of ['/v1/scripts', '/v1/videos/video_1/remix', '/v1/webhook_endpoints']) {
      const { status } = await answerOf(begin({ path }, MEGABYTE + 1));
      expect(status).toBe('HTTP/1.1 413 Payload Too Large');
    }
  });

  it('any other content type, on a route that would not look at it too', async () => {
    for (const path of ['/v1/videos', '/v1/videos/video_1/cancel', '/v1/scripts']) {
      const { status } = await answerOf(begin({ path, type: 'application/x-www-form-urlencoded' }, 100));
      expect(status).toBe('HTTP/1.1 415 Unsupported Media Type');
    }
  });
});

describe('a body is read', () => {
  it('as JSON of 32 levels and 10 MB of image, in whatever chunks it comes', async () => {
    const deep = `${'['.repeat(31)}${']'.repeat(31)}`;
    const image = `data:image\\/png;base64,${'A'.repeat(10 * MEGABYTE)}`;
    const line = begin({});
    const body = Buffer.from(`{"a\\"b[[":${deep},"input_reference":{"image_url":"${image}"}}`);
    for (let from = 0; from < body.length; from += 999_983) {
      line.socket.write(chunkOf(body.subarray(from, from + 999_983).toString()));
    }
    line.socket.write('0\r\n\r\n');
    const { text } = await answerOf(line);
    // As far as to its fields.
    expect(text).toContain('prompt is required');
  });

  it('as a form of 32 parts, and a name of 10,000 letters is not told back', async () => {
    const part = (name: string) => `--b\r\ncontent-disposition: form-data; name="${name}"\r\n\r\nx\r\n`;
    const line = begin({ type: FORM_TYPE });
    line.socket.write(
      chunkOf(`${part('prompt')}${part('n'.repeat(10_000))}${part('a').repeat(30)}--b--\r\n`) + '0\r\n\r\n',
    );
    const { text } = await answerOf(line);
    expect(text).toContain('is not a known field');
    expect(text.length).toBeLessThan(2000);
  });
});

describe('whose sender is unknown', () => {
  it('is not read: the answer needs no byte of it, and the connection ends', async () => {
    const line = begin({ account: 'unknown' }, 14 * MEGABYTE);
    expect((await answerOf(line)).status).toBe('HTTP/1.1 401 Unauthorized');
    await line.closed;
    for (const path of ['/webhooks/other', '/admin/accounts']) {
      const { status } = await answerOf(begin({ path, account: 'nobody' }, 14 * MEGABYTE));
      expect(status).toMatch(/ (401|404|413) /);
    }
  });
});

describe('bodies in memory at once', () => {
  const UPLOAD = 13 * MEGABYTE;
  const begun = (account: string) => {
    const line = begin({ account, type: FORM_TYPE }, UPLOAD);
    line.socket.write('--b\r\n');
    return line;
  };
  const isRead = async (line: Line) => {
    // Nothing comes back while it is read; the answer to a refusal is there within a round trip.
    const probe = open(api.port);
    probe.socket.write('GET /healthz HTTP/1.1\r\nHost: holdfast\r\nConnection: close\r\n\r\n');
    await probe.closed;
    return line.received() === '';
  };

  it('of one account are bounded: its next upload is 429 before it is read, another account’s is read', async () => {
    const uploads = [begun('one'), begun('one'), begun('one')];
    for (const upload of uploads) expect(await isRead(upload)).toBe(true);
    const { status, text } = await answerOf(begun('one'));
    expect(status).toBe('HTTP/1.1 429 Too Many Requests');
    expect(text).toMatch(/retry-after: \d+/i);
    expect(await isRead(begun('two'))).toBe(true);
    // It may still say something small.
    const small = begin({ account: 'one' }, 2);
    small.socket.write('{}');
    expect((await answerOf(small)).text).toContain('prompt is required');
    // What it gives up is free again.
    const over = once((uploads[0] as Line).socket, 'close');
    (uploads[0] as Line).socket.destroy();
    await over;
    await vi.waitFor(
      async () => {
        const next = begun('one');
        if (!(await isRead(next))) throw new Error(next.received());
      },
      { timeout: 5000, interval: 50 },
    );
  });

  it('of all accounts are bounded: 503 with Retry-After, and what is small is still read', async () => {
    for (let n = 0; n < 9; n += 1) expect(await isRead(begun(`account-${n % 3}`))).toBe(true);
    const { status, text } = await answerOf(begun('last'));
    expect(status).toBe('HTTP/1.1 503 Service Unavailable');
    expect(text).toMatch(/retry-after: \d+/i);
    expect(text).toContain('Nothing was held');
    const small = begin({ account: 'last' }, 2);
    small.socket.write('{}');
    expect((await answerOf(small)).text).toContain('prompt is required');
  });
});

describe('a body that comes too slowly', () => {
  it('is cut off, and told so', async () => {
    const app = new Hono<Env>();
    app.onError(handleError({ error: () => undefined, warn: () => undefined, info: () => undefined }));
    app.post(
      '*',
      createBodyReader({ graceMs: 200 })(JSON_BODY, () => 'anybody'),
    );
    const server = createServer(app);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const line = open((server.address() as AddressInfo).port);
    line.socket.write(
      'POST / HTTP/1.1\r\nHost: holdfast\r\nContent-Type: application/json\r\nContent-Length: 900000\r\n\r\n',
    );
    // 40 kB a second.
    const trickle = setInterval(() => line.socket.write(' '.repeat(2000)), 50);
    const answer = await line.closed;
    clearInterval(trickle);
    expect(statusOf(answer)).toBe('HTTP/1.1 408 Request Timeout');
    expect(answer).toContain('request_timeout');
    server.close();
  });
});

it('a client that has gone before its whole body was read is no fault of ours in the log', async () => {
  const faults: unknown[] = [];
  const app = new Hono<Env>();
  app.onError(handleError({ error: (fault) => faults.push(fault), warn: () => undefined, info: () => undefined }));
  const steps: { arrived?: () => void; answered?: () => void } = {};
  const arrived = new Promise<void>((resolve) => (steps.arrived = resolve));
  const answered = new Promise<void>((resolve) => (steps.answered = resolve));
  app.use(async ({ env }, next) => {
    const { incoming } = env as HttpBindings;
    steps.arrived?.();
    // As while its key is looked up.
    await once(incoming.socket, 'close');
    await next();
    steps.answered?.();
  });
  app.post(
    '*',
    createBodyReader()(JSON_BODY, () => 'anybody'),
  );
  const server = createServer(app);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const line = open((server.address() as AddressInfo).port);
  line.socket.write(
    'POST / HTTP/1.1\r\nHost: holdfast\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}',
  );
  await arrived;
  line.socket.destroy();
  await answered;
  expect(faults).toEqual([]);
  server.close();
});

import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { isPublicAddress } from '../../network/index.ts';
import { nextHop } from '../../provider/download.ts';
import { CallFailed } from '../../provider/transport.ts';
import type { ContentAnswer, ProviderSettings } from '../../provider/index.ts';
import { closedPort, closeServers, json, KEY, provider, serve, serveTcp } from './provider-server.ts';

/** A content from the provider, over real HTTP: what of its answer is believed, and where its redirects lead. */

afterEach(closeServers);

const ask = (baseUrl: string, settings: Partial<ProviderSettings> = {}) =>
  provider(baseUrl, settings).downloadContent('video_1');

async function bytesOf(answer: ContentAnswer): Promise<Buffer> {
  if (answer.outcome !== 'part') throw new Error(JSON.stringify(answer));
  const chunks: Uint8Array[] = [];
  for await (const chunk of answer.body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe('a content', () => {
  test('is asked for by variant, Range and key, and its values are read', async () => {
    const { baseUrl, requests } = await serve((response) => {
      response.writeHead(206, { 'content-type': 'image/webp', 'content-range': 'bytes 1-3/9', 'content-length': '3' });
      response.end(Buffer.from([1, 2, 3]));
    });
    const answer = await provider(baseUrl).downloadContent('video_1', { variant: 'thumbnail', range: 'bytes=1-3' });
    expect(answer).toMatchObject({ from: 1, bytes: 3, total: 9, etag: null, declaredType: 'image/webp' });
    expect(await bytesOf(answer)).toEqual(Buffer.from([1, 2, 3]));
    expect(requests[0]?.url).toBe('/v1/videos/video_1/content?variant=thumbnail');
    expect(requests[0]?.headers).toMatchObject({ range: 'bytes=1-3', 'accept-encoding': 'identity' });
    expect(requests[0]?.headers.authorization).toBe(`Bearer ${KEY}`);
  });

  test.each<[number, Record<string, string>, ContentAnswer]>([
    [404, {}, { outcome: 'missing' }],
    [410, {}, { outcome: 'missing' }],
    [416, { 'content-range': 'bytes */9' }, { outcome: 'behind_the_end', total: 9, etag: null }],
    [416, { 'content-range': 'nonsense' }, { outcome: 'behind_the_end', total: null, etag: null }],
    [304, {}, { outcome: 'trouble', why: 'HTTP 304', retryAfterMs: null, whose: 'provider' }],
    [302, {}, { outcome: 'trouble', why: 'HTTP 302', retryAfterMs: null, whose: 'provider' }],
    [403, {}, { outcome: 'trouble', why: 'HTTP 403', retryAfterMs: null, whose: 'either' }],
    [503, { 'retry-after': '17' }, { outcome: 'trouble', why: 'HTTP 503', retryAfterMs: 17_000, whose: 'provider' }],
  ])('HTTP %i with %o is an answer, not an exception', async (status, headers, expected) => {
    const { baseUrl } = await serve((response) => response.writeHead(status, headers).end());
    expect(await ask(baseUrl)).toEqual(expected);
  });

  test.each([
    'nonsense',
    'bytes 3-1/9',
    'bytes 1-9/9',
    'bytes 1-3/3, bytes 5-6/9',
    'bytes 99999999999999999999-3/9',
    'items 1-3/9',
    '',
  ])('206 with Content-Range %j is from nobody knows where', async (range) => {
    const { baseUrl } = await serve((response) => response.writeHead(206, { 'content-range': range }).end('abc'));
    const answer = await ask(baseUrl);
    expect(answer).toMatchObject({ outcome: 'part', from: -1, bytes: null, total: null });
    await bytesOf(answer);
  });

  test('that is compressed although asked not to be has no length that we know of, nor a range', async () => {
    const packed = gzipSync('bytes '.repeat(1000));
    const head = { 'content-encoding': 'gzip', 'content-length': packed.length };
    const { baseUrl } = await serve((response) => response.writeHead(200, head).end(packed));
    const answer = await ask(baseUrl);
    expect(answer).toMatchObject({ from: 0, bytes: null, total: null });
    expect((await bytesOf(answer)).length).toBe(6000);
    const part = { ...head, 'content-range': `bytes 0-${packed.length - 1}/${packed.length}` };
    const ranged = await serve((response) => response.writeHead(206, part).end(packed));
    const unknown = await ask(ranged.baseUrl);
    expect(unknown).toMatchObject({ from: -1, bytes: null });
    await bytesOf(unknown);
  });

  test.each([
    ['fewer', 'bytes 0-8/9', 'five!'],
    ['more', 'bytes 0-2/9', 'five!'],
  ])('of %s bytes than its range says breaks off', async (_what, range, body) => {
    const { baseUrl } = await serve((response) => response.writeHead(206, { 'content-range': range }).end(body));
    await expect(bytesOf(await ask(baseUrl))).rejects.toThrow(/should be/);
  });

  test('streams: the first bytes are there while the rest is not yet sent', async () => {
    let rest: ServerResponse | undefined;
    const { baseUrl } = await serve((response) => {
      response.write('first');
      rest = response;
    });
    const answer = await ask(baseUrl);
    const reader = answer.outcome === 'part' ? answer.body.getReader() : undefined;
    expect(String(Buffer.from((await reader?.read())?.value ?? []))).toBe('first');
    rest?.end('last');
    expect(String(Buffer.from((await reader?.read())?.value ?? []))).toBe('last');
  });

  test('may take longer than a call: only standing still ends it', async () => {
    const { baseUrl } = await serve((response) => {
      let left = 10;
      const timer = setInterval(() => {
        response.write('x');
        if (--left === 0) {
          clearInterval(timer);
          response.end();
        }
      }, 20);
    });
    expect(String(await bytesOf(await ask(baseUrl, { callTimeoutMs: 100 })))).toBe('x'.repeat(10));
  });

  test('is asked for as it is, not compressed', async () => {
    const { baseUrl, requests } = await serve((response) => response.end('bytes'));
    await bytesOf(await ask(baseUrl));
    expect(requests[0]?.headers['accept-encoding']).toBe('identity');
  });

  test('whose reader leaves ends the connection to the provider', async () => {
    const gone: Promise<unknown>[] = [];
    const { baseUrl } = await serve((response) => {
      gone.push(once(response, 'close'));
      response.write('first');
    });
    const answer = await ask(baseUrl);
    if (answer.outcome === 'part') await answer.body.cancel();
    expect(gone).toHaveLength(1);
    await gone[0];
  });

  test.each([
    ['with a length', (body: Buffer) => `Content-Length: ${body.length}\r\n`],
    ['until the connection ends', () => ''],
  ])('%s that is read slowly comes whole though the provider has closed the connection', async (_what, length) => {
    const body = Buffer.alloc(300_000, 7);
    const ended: Promise<unknown>[] = [];
    const port = await serveTcp((socket) => {
      socket.once('data', () => {
        socket.end(Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\n${length(body)}Connection: close\r\n\r\n`), body]));
        ended.push(once(socket, 'finish'));
      });
    });
    const answer = await ask(`http://127.0.0.1:${port}/v1`);
    const reader = answer.outcome === 'part' ? answer.body.getReader() : undefined;
    const chunks: Uint8Array[] = [];
    for (;;) {
      // As a slow reader: what is left of the answer, and its end, come in before the next chunk is asked for.
      await new Promise((resolve) => setTimeout(resolve, 20));
      const { done = true, value } = (await reader?.read()) ?? {};
      if (done) break;
      chunks.push(value ?? new Uint8Array());
    }
    await Promise.all(ended);
    expect(Buffer.concat(chunks).equals(body)).toBe(true);
  });

  test('of which the connection is reset while it is read slowly breaks off, and nothing else breaks', async () => {
    const port = await serveTcp((socket) => {
      socket.once('data', () => {
        const head = `HTTP/1.1 200 OK\r\nContent-Length: 400000\r\nConnection: close\r\n\r\n`;
        socket.write(Buffer.concat([Buffer.from(head), Buffer.alloc(300_000, 7)]), () => socket.resetAndDestroy());
      });
    });
    const answer = await ask(`http://127.0.0.1:${port}/v1`);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await expect(bytesOf(answer)).rejects.toThrow();
  });

  test('from nobody is trouble; given up by its caller it raises the reason', async () => {
    const refused = await ask(`http://127.0.0.1:${await closedPort()}/v1`);
    expect(refused).toMatchObject({ outcome: 'trouble', why: 'connection refused (ECONNREFUSED)' });
    const caller = new AbortController();
    const { baseUrl } = await serve(() => caller.abort(new Error('client went away')));
    const left = provider(baseUrl).downloadContent('video_1', { signal: caller.signal });
    await expect(left).rejects.toThrow('client went away');
  });
});

/** A provider that redirects to there. */
async function redirecting(location: string, status = 302) {
  return serve((response, request) => {
    if (request.url?.startsWith('/v1/videos/') === true) response.writeHead(status, { location }).end();
    else response.end('at home');
  });
}

const refusedBy = (why: string, whose = 'provider') => ({
  outcome: 'trouble',
  why,
  retryAfterMs: null,
  whose,
});
// The operator may list the host: it says nothing about the provider (MR-59).
const NOT_PUBLIC = refusedBy('a redirect to a host that is not public, nor listed in OPENAI_CONTENT_HOSTS', 'ours');

// MR-94
describe('a redirect inside', () => {
  test.each([
    ['loopback', '127.0.0.1'],
    ['loopback in decimal', '2130706433'],
    ['loopback in octal', '0177.0.0.1'],
    ['loopback in hexadecimal', '0x7f000001'],
    ['loopback in short', '127.1'],
    ['IPv6 loopback', '[::1]'],
    ['a mapped loopback', '[::ffff:127.0.0.1]'],
    ['a mapped loopback in hexadecimal', '[::ffff:7f00:1]'],
    ['the metadata of a cloud', '169.254.169.254'],
    ['a private network', '10.1.2.3'],
    ['nowhere', '0.0.0.0'],
    ['a name of loopback', 'localhost'],
  ])('(%s) is not followed', async (_what, host) => {
    const inside = await serve((response) => response.end('secrets'));
    const { baseUrl } = await redirecting(`http://${host}:${new URL(inside.baseUrl).port}/metrics`);
    expect(await ask(baseUrl, { connectTimeoutMs: 2000 })).toEqual(NOT_PUBLIC);
    expect(inside.requests).toEqual([]);
  });

  test('by a name whose addresses are private, all or one of them, is not followed', async () => {
    const inside = await serve((response) => response.end('secrets'));
    const { baseUrl } = await redirecting(`http://files.test:${new URL(inside.baseUrl).port}/`);
    for (const found of [['127.0.0.1'], ['1.1.1.1', '127.0.0.1'], ['::1']]) {
      expect(await ask(baseUrl, { resolve: async () => found })).toEqual(NOT_PUBLIC);
    }
    // Nothing that the operator may list: the provider's host is gone.
    const gone = refusedBy('a redirect to a host that has no address');
    expect(await ask(baseUrl, { resolve: async () => [] })).toEqual(gone);
    expect(inside.requests).toEqual([]);
  });

  test('as the second hop is not followed', async () => {
    const inside = await serve((response) => response.end('secrets'));
    const between = await serve(json(302, {}, { location: `${inside.baseUrl}/metrics` }));
    const { baseUrl } = await redirecting(`${between.baseUrl}/file`);
    expect(await ask(baseUrl, { contentHosts: [new URL(between.baseUrl).host] })).toEqual(NOT_PUBLIC);
    expect(between.requests).toHaveLength(1);
    expect(inside.requests).toEqual([]);
  });

  test.each([
    ['file:///etc/passwd', 'a redirect to another protocol than HTTP, which is not followed'],
    ['data:text/plain,bytes', 'a redirect to another protocol than HTTP, which is not followed'],
    ['http://user:pass@1.1.1.1/', 'a redirect with a user name or a password, which is not followed'],
    ['http://', 'a redirect to what is no URL, which is not followed'],
  ])('to %s is not followed', async (location, why) => {
    const { baseUrl } = await redirecting(location);
    expect(await ask(baseUrl)).toEqual(refusedBy(why));
  });
});

describe('a redirect', () => {
  /** The one thing that is pretended: that loopback is public. */
  const pretended = {
    resolve: async () => ['127.0.0.1'],
    isPublic: (address: string) => address === '127.0.0.1' || isPublicAddress(address),
  };

  // MR-59
  test.each([401, 402, 403, 429])(
    'to a content host that answers %i is told as the provider’s: no key was sent',
    async (status) => {
      const store = await serve((response) => response.writeHead(status).end());
      const { baseUrl } = await redirecting(`http://files.test:${new URL(store.baseUrl).port}/file`);
      expect(await ask(baseUrl, pretended)).toEqual(refusedBy(`HTTP ${status}`));
    },
  );

  test('to a public address is followed without the key, connected to the address that was checked, asked for once', async () => {
    const store = await serve((response) => response.end('bytes'));
    const { baseUrl } = await redirecting(`http://files.test:${new URL(store.baseUrl).port}/file?signature=1#top`);
    let looks = 0;
    const resolve = async () => {
      looks += 1;
      return ['127.0.0.1'];
    };
    const answer = await provider(baseUrl, { ...pretended, resolve }).downloadContent('video_1', { range: 'bytes=0-' });
    expect(String(await bytesOf(answer))).toBe('bytes');
    expect(looks).toBe(1);
    expect(store.requests).toMatchObject([{ url: '/file?signature=1', headers: { range: 'bytes=0-' } }]);
    expect(store.requests[0]?.headers.host).toMatch(/^files\.test:/);
    expect(store.requests[0]?.headers.authorization).toBeUndefined();
    expect(store.requests[0]?.headers.cookie).toBeUndefined();
  });

  test('to a host that is listed is followed, with its port and without the key; to another port of it not', async () => {
    const store = await serve((response) => response.end('bytes'));
    const { baseUrl } = await redirecting(`${store.baseUrl}/file`);
    expect(String(await bytesOf(await ask(baseUrl, { contentHosts: [new URL(store.baseUrl).host] })))).toBe('bytes');
    expect(store.requests[0]?.headers.authorization).toBeUndefined();
    expect(await ask(baseUrl, { contentHosts: ['127.0.0.1:1', '127.0.0.1'] })).toEqual(NOT_PUBLIC);
  });

  test("to the provider's own origin is followed with the key", async () => {
    const { baseUrl, requests } = await redirecting('/files/1');
    expect(String(await bytesOf(await ask(baseUrl)))).toBe('at home');
    expect(requests[1]?.headers.authorization).toBe(`Bearer ${KEY}`);
  });

  test("back to the provider's origin comes without the key: who answered in between chose what it would open", async () => {
    let home = '';
    const away = await serve((response) => response.writeHead(302, { location: `${home}/files/1` }).end());
    const { baseUrl, requests } = await redirecting(`${away.baseUrl}/file`);
    home = new URL(baseUrl).origin;
    expect(String(await bytesOf(await ask(baseUrl, { contentHosts: [new URL(away.baseUrl).host] })))).toBe('at home');
    expect(requests.map(({ headers }) => headers.authorization)).toEqual([`Bearer ${KEY}`, undefined]);
  });

  test('that goes in a circle ends', async () => {
    const { baseUrl, requests } = await redirecting('/v1/videos/video_1/content');
    expect(await ask(baseUrl)).toEqual(refusedBy('more than 5 redirects'));
    expect(requests).toHaveLength(6);
  });

  test('from HTTPS to plain HTTP is followed to a trusted host only', () => {
    const to = (location: string, from = 'https://a.test/v1', trusted = false) =>
      nextHop(location, new URL(from), () => trusted).href;
    expect(() => to('http://b.test/')).toThrow(CallFailed);
    expect(to('http://b.test/', 'https://a.test/v1', true)).toBe('http://b.test/');
    expect(to('https://b.test/')).toBe('https://b.test/');
    expect(to('http://b.test/', 'http://a.test/v1')).toBe('http://b.test/');
    expect(to('//b.test/x#y')).toBe('https://b.test/x');
  });
});

test('calls that are no downloads follow no redirect', async () => {
  const store = await serve(json(200, {}));
  const { baseUrl } = await serve(json(307, {}, { location: `${store.baseUrl}/videos/video_1` }));
  const home = provider(baseUrl);
  await home.retrieveVideo('video_1');
  await home.listVideos();
  await home.deleteVideo('video_1');
  await home.createVideo({ prompt: 'p', model: 'sora-2', seconds: 4, size: '720x1280' });
  expect(store.requests).toEqual([]);
});

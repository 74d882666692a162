import { gzipSync } from 'node:zlib';
import { describe, expect, it, vi } from 'vitest';
import { mp4 } from '../harness/support/mp4.ts';
import {
  charged,
  CONTENT,
  expectUnavailable,
  fetched,
  get,
  headOf,
  LENGTH,
  sends,
  servedOf,
  site,
  useSite,
  VIDEO,
} from '../harness/support/passThroughSite.ts';

useSite();

// MR-94
describe('a video that is not yet archived', () => {
  it('is served with headers of our own making, and is on record as served', async () => {
    const id = await charged();
    const theirs = [
      'ETag: "theirs"',
      'Last-Modified: Mon, 30 Nov 2026 01:00:00 GMT',
      'Accept-Ranges: bytes',
      'Set-Cookie: a=b',
      'Content-Disposition: attachment; filename="x.html"',
      'Cache-Control: public',
      'Location: http://elsewhere.test/',
      'X-Provider: secret',
    ];
    sends('200 OK', ['Content-Type: text/html', LENGTH, ...theirs], CONTENT);
    const answered = await get(id);
    expect(answered).toMatchObject({ status: 200, isWhole: true, second: { status: 200 } });
    const ofHttp = ['date', 'connection', 'keep-alive', 'x-request-id', 'vary'];
    const ours = Object.fromEntries(Object.entries(answered.headers).filter(([name]) => !ofHttp.includes(name)));
    expect(ours).toEqual({
      'content-type': 'video/mp4',
      'content-length': String(CONTENT.length),
      'cache-control': 'private, no-store',
      'x-content-type-options': 'nosniff',
    });
    expect(answered.body.equals(CONTENT)).toBe(true);
    expect(await servedOf(id)).toBe(1);
  });

  it.each([
    ['gzip', gzipSync(CONTENT)],
    ['x-gzip', gzipSync(CONTENT)],
  ])(
    'and comes as %s, although asked not to, is served unpacked, and the next answer is the next answer',
    async (encoding, packed) => {
      const id = await charged();
      sends('200 OK', [VIDEO, `Content-Encoding: ${encoding}`, `Content-Length: ${packed.length}`], packed);
      const answered = await get(id);
      expect(answered).toMatchObject({ status: 200, isWhole: true, second: { status: 200 } });
      expect(answered.headers['content-length']).toBeUndefined();
      expect(answered.headers['content-encoding']).toBeUndefined();
      expect(answered.body.equals(CONTENT)).toBe(true);
    },
  );

  it('and whose packed body carries an answer of its own is not split into two', async () => {
    const id = await charged();
    const smuggled = Buffer.concat([
      CONTENT.subarray(0, 200),
      Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nmine!'),
    ]);
    const packed = gzipSync(Buffer.concat([smuggled, Buffer.alloc(200_000)]));
    sends('200 OK', [VIDEO, 'Content-Encoding: gzip', `Content-Length: ${packed.length}`], packed);
    const answered = await get(id);
    expect(answered.isWhole).toBe(false);
    expect(answered.second).toBeUndefined();
  });

  it('and is told to be shorter than it is, is served to its length or not at all', async () => {
    const id = await charged();
    sends('200 OK', [VIDEO, `Content-Length: ${CONTENT.length - 1000}`], CONTENT);
    const answered = await get(id);
    expect(answered).toMatchObject({ isWhole: false });
    expect(answered.second).toBeUndefined();
    expect(await servedOf(id)).toBe(0);
  });

  it('and breaks off, breaks off: it never ends cleanly', async () => {
    const id = await charged();
    sends('200 OK', [VIDEO, LENGTH], CONTENT.subarray(0, 50_000));
    expect(await get(id)).toMatchObject({ status: 200, isWhole: false });
    expect(await servedOf(id)).toBe(0);
  });

  it('and is half a video in a body that ends cleanly breaks off before its last bytes', async () => {
    const id = await charged();
    sends('200 OK', [VIDEO, 'Content-Length: 50000'], CONTENT.subarray(0, 50_000));
    expect(await get(id)).toMatchObject({ status: 200, isWhole: false });
    expect(await servedOf(id)).toBe(0);
  });

  it('and is left by its reader is not on record as served', async () => {
    const id = await charged();
    let hasLeft = false;
    site.answer = (socket) => {
      socket.write(headOf('200 OK', [VIDEO, LENGTH]));
      let sent = 0;
      const timer = setInterval(() => socket.write(CONTENT.subarray(sent, (sent += 1000))), 5);
      socket.on('close', () => {
        clearInterval(timer);
        hasLeft = sent < CONTENT.length;
      });
    };
    const leaving = new AbortController();
    const reading = await fetched(id, { signal: leaving.signal });
    await reading.body?.getReader().read();
    leaving.abort();
    await vi.waitFor(() => expect(hasLeft).toBe(true));
    expect(await servedOf(id)).toBe(0);
  });
});

describe('what is no video is answered with 503 and when to come again, never with 200', () => {
  it.each<[string, string, readonly string[], Buffer | string]>([
    ["a gateway's JSON called a video", '200 OK', [VIDEO], '{"error":{"code":502,"message":"upstream"}}'],
    ['a page', '200 OK', ['Content-Type: text/html'], `<!DOCTYPE html>${'<p>Bad gateway</p>'.repeat(500)}`],
    ['an endless page', '200 OK', [VIDEO], '<p>Bad gateway</p>'.repeat(100_000)],
    ['eight bytes of PNG', '200 OK', [VIDEO], Buffer.from('89504e470d0a1a0a', 'hex')],
    ['a small video that is cut', '200 OK', [VIDEO], mp4(3000).subarray(0, 2000)],
    ['nothing', '200 OK', [VIDEO, 'Content-Length: 0'], ''],
    ['an unheard-of encoding', '200 OK', [VIDEO, 'Content-Encoding: secret'], gzipSync(CONTENT)],
    ['an encoding that is not kept', '200 OK', [VIDEO, 'Content-Encoding: gzip'], CONTENT],
    ['404, not yet there', '404 Not Found', [], '{}'],
    ['400', '400 Bad Request', [], '{"error":{"code":"not_ready"}}'],
    ['410', '410 Gone', [], ''],
    ['425', '425 Too Early', [], ''],
    ['500', '500 Internal Server Error', [], ''],
    ['204', '204 No Content', [], ''],
    ['304', '304 Not Modified', [], ''],
    ['a redirect inside', '302 Found', ['Location: http://127.0.0.1:1/metrics'], ''],
    [
      'a part that nobody asked for',
      '206 Partial Content',
      [VIDEO, 'Content-Range: bytes 10-19/100000'],
      CONTENT.subarray(10, 20),
    ],
    ['416 for no range', '416 Range Not Satisfiable', ['Content-Range: bytes */100'], ''],
  ])('%s', async (_what, status, headers, body) => {
    const id = await charged();
    sends(status, headers, body);
    expectUnavailable(await get(id));
    expect((await fetched(id, { method: 'HEAD' })).status).toBe(503);
    expect(await servedOf(id)).toBe(0);
  });
});

it('HEAD tells type and length of what it has looked at, and is not on record as served', async () => {
  const id = await charged();
  sends('200 OK', [VIDEO, LENGTH], CONTENT);
  site.logged = [];
  const answered = await fetched(id, { method: 'HEAD' });
  expect(answered.status).toBe(200);
  expect(Object.fromEntries(answered.headers)).toMatchObject({
    'content-type': 'video/mp4',
    'content-length': '100000',
  });
  expect(await servedOf(id)).toBe(0);
});

it('a video that was served whole and is gone afterwards stays charged, and says so', async () => {
  const id = await charged();
  sends('200 OK', [VIDEO, LENGTH], CONTENT);
  expect(await get(id)).toMatchObject({ status: 200, isWhole: true });
  await site.db.admin.query(`UPDATE generations SET last_look_at = last_look_at - interval '1 hour' WHERE id = $1`, [
    id,
  ]);
  expect(await site.db.ledger.recordContentGone(id)).toMatchObject({ refund: null });
  const answered = await get(id);
  expect(answered.status).toBe(404);
  expect(answered.body.toString()).toContain('keeps it for a limited time');
});
it.each([
  ['has none', '404 Not Found', [], '{}'],
  ['sends the video instead', '200 OK', [VIDEO, LENGTH], CONTENT],
] as const)('a preview is 404 once the video is archived, if its provider %s', async (_, status, headers, body) => {
  const id = await charged();
  sends(status, [...headers], body);
  const thumbnail = () => fetched(id, {}, '?variant=thumbnail');
  expect((await thumbnail()).status).toBe(503);
  const stored = { location: 'x', bytes: 1, contentType: 'video/mp4', sha256: Buffer.alloc(32) };
  await site.db.ledger.recordContent(id, 'video', { state: 'archived', ...stored });
  const missing = await thumbnail();
  expect(missing.status).toBe(404);
  expect(await missing.text()).toContain('Its provider makes none, or keeps it no longer.');
});

it('a preview that is missing is 503 while it may not be there yet, 404 afterwards', async () => {
  const id = await charged();
  sends('404 Not Found', [], '{}');
  const thumbnail = () => fetched(id, {}, '?variant=thumbnail');
  expect((await thumbnail()).status).toBe(503);
  await site.db.admin.query(
    `BEGIN; SET LOCAL session_replication_role = replica;
     UPDATE generations SET settled_at = settled_at - interval '2 hours' WHERE id = '${id}'; COMMIT`,
  );
  const missing = await thumbnail();
  expect(missing.status).toBe(404);
  expect(await missing.text()).toContain('Its provider makes none, or keeps it no longer.');
});

vi.setConfig({ testTimeout: 30_000 });

import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
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
  servesRanges,
  site,
  useSite,
  VIDEO,
} from '../harness/support/passThroughSite.ts';

useSite();

describe('a range', () => {
  it.each([
    ['bytes=4-7', 4, 7],
    ['bytes=0-', 0, 99_999],
    ['bytes=-10', 99_990, 99_999],
  ])('%s is passed on, and its answer is described by us', async (range, start, end) => {
    const id = await charged();
    let asked = '';
    site.answer = (socket, text) => {
      asked = /^range: (.*)\r$/im.exec(text)?.[1] ?? '';
      const head = headOf('206 Partial Content', [
        VIDEO,
        `Content-Range: bytes ${start}-${end}/${CONTENT.length}`,
        'ETag: "x"',
      ]);
      socket.end(Buffer.concat([head, CONTENT.subarray(start, end + 1)]));
    };
    const answered = await get(id, [`Range: ${range}`]);
    expect(asked).toBe(range);
    expect(answered).toMatchObject({ isWhole: true, second: { status: 200 } });
    expect(answered.body.equals(CONTENT.subarray(start, end + 1))).toBe(true);
    expect(answered.headers['etag']).toBeUndefined();
    const isWhole = end - start + 1 === CONTENT.length;
    expect(await servedOf(id)).toBe(isWhole ? 1 : 0);
    if (!isWhole) {
      expect(answered).toMatchObject({ status: 206, headers: { 'content-range': `bytes ${start}-${end}/100000` } });
      expect(answered.headers['content-length']).toBe(String(end - start + 1));
    }
  });

  it.each([
    ['another one', 'bytes 5-8/100000', 4],
    ['a longer one', 'bytes 4-9/100000', 6],
    ['of an unknown whole', 'bytes 4-7/*', 4],
    ['one that says nothing', 'nonsense', 4],
  ])('that is answered with %s is 503', async (_what, range, bytes) => {
    sends('206 Partial Content', [VIDEO, `Content-Range: ${range}`], CONTENT.subarray(4, 4 + bytes));
    expectUnavailable(await get(await charged(), ['Range: bytes=4-7']));
  });

  it('from the beginning of what is no video is 503', async () => {
    servesRanges(Buffer.from('<p>Bad gateway</p>'.repeat(500)));
    expectUnavailable(await get(await charged(), ['Range: bytes=0-4999']));
  });

  it('from the beginning is of the type that its bytes tell; of an unknown one it is no program', async () => {
    const id = await charged();
    const part = (type: string, range: string, body: Buffer) =>
      sends('206 Partial Content', [`Content-Type: ${type}`, `Content-Range: bytes ${range}/100000`], body);
    part('text/html', '0-4999', CONTENT.subarray(0, 5000));
    const first = await get(id, ['Range: bytes=0-4999']);
    expect(first).toMatchObject({ status: 206, isWhole: true, headers: { 'content-type': 'video/mp4' } });
    expect(first.body.equals(CONTENT.subarray(0, 5000))).toBe(true);
    part('image/svg+xml', '0-9', Buffer.from('<svg>alert'));
    const svg = await fetched(
      id,
      { headers: { authorization: `Bearer ${site.key}`, range: 'bytes=0-9' } },
      '?variant=thumbnail',
    );
    expect([svg.status, svg.headers.get('content-type')]).toEqual([206, 'application/octet-stream']);
  });

  it('of a packed body is 503: its bytes are none of the content', async () => {
    const packed = gzipSync(CONTENT);
    const range = `Content-Range: bytes 4-7/${packed.length}`;
    sends('206 Partial Content', [VIDEO, 'Content-Encoding: gzip', range], packed.subarray(4, 8));
    expectUnavailable(await get(await charged(), ['Range: bytes=4-7']));
  });

  it('whose body is longer than it says never reaches into the next answer', async () => {
    const longer = Buffer.concat([CONTENT.subarray(4, 8), Buffer.from('HTTP/1.1 200 OK\r\n\r\n')]);
    sends('206 Partial Content', [VIDEO, 'Content-Range: bytes 4-7/100000'], longer);
    const answered = await get(await charged(), ['Range: bytes=4-7']);
    expect(answered.isWhole).toBe(false);
    expect(answered.second).toBeUndefined();
  });

  it('that a provider does not know is answered with the whole', async () => {
    sends('200 OK', [VIDEO, LENGTH], CONTENT);
    const answered = await get(await charged(), ['Range: bytes=4-7']);
    expect(answered).toMatchObject({ status: 200, isWhole: true, headers: { 'content-length': '100000' } });
  });

  it('behind the end is 416 with the length; of several, or with If-Range, the whole is asked for', async () => {
    const id = await charged();
    sends('416 Range Not Satisfiable', ['Content-Range: bytes */100000', 'Content-Length: 3'], 'abc');
    const behindTheEnd = await get(id, ['Range: bytes=100000-']);
    expect(behindTheEnd).toMatchObject({ status: 416, headers: { 'content-range': 'bytes */100000' } });
    expect(behindTheEnd.second).toMatchObject({ status: 200 });
    const unproven = ['"a"', 'W/"a"', 'Mon, 30 Nov 2026 01:00:00 GMT'].map((validator) => [
      'Range: bytes=0-1',
      `If-Range: ${validator}`,
    ]);
    for (const headers of [['Range: bytes=0-1,5-6'], ...unproven]) {
      let asked: string | undefined;
      site.answer = (socket, text) => {
        asked = /^range: (.*)\r$/im.exec(text)?.[1];
        socket.end(Buffer.concat([headOf('200 OK', [VIDEO, LENGTH]), CONTENT]));
      };
      expect(await get(id, headers)).toMatchObject({ status: 200, isWhole: true });
      expect(asked).toBeUndefined();
    }
  });
});

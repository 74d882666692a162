import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import type { Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createApp } from '../../api/app.ts';
import type { ApiDependencies } from '../../api/deps.ts';
import { createServer } from '../../api/server.ts';
import { createFolderStore } from '../../outbound/index.ts';
import type { Provider } from '../../provider/index.ts';
import type { TestDatabase, Tenant } from '../support/database.ts';
import { addKey, admit, createTestDatabase, openTenant, PRICE } from '../support/database.ts';
import { mp4 } from '../support/mp4.ts';
import { rawRequests } from '../support/rawHttp.ts';
import { closeServers, provider as providerAt, serveTcp } from '../unit/provider-server.ts';

/**
 * The content of a charged video before it is archived: bare sockets on both sides of the real API, so that every byte that the
 * provider sends, and every one that a client gets, is seen.
 */

const CONTENT = mp4(100_000);
let db: TestDatabase;
let tenant: Tenant;
let key: string;
let folder: string;
let port: number;
let server: Server;
let provider: Provider;
/** In place of the archive's own removal. */
let removing: (() => Promise<void>) | undefined;
let logged: unknown[] = [];
/** What the provider sends to the next request, head and body, before it hangs up; with the request that it got. */
let answer: (socket: Socket, request: string) => void;

beforeAll(async () => {
  [db, folder] = await Promise.all([createTestDatabase(), mkdtemp(join(tmpdir(), 'holdfast-pass-'))]);
  tenant = await openTenant(db, 1000 * PRICE);
  key = `hf_${randomUUID()}`;
  await addKey(db, tenant.accountId, { sha256: createHash('sha256').update(key).digest() });
  const providerPort = await serveTcp((socket) => {
    let request = '';
    socket.on('data', (chunk: Buffer) => {
      request += chunk.toString('latin1');
      if (request.endsWith('\r\n\r\n')) answer(socket, request);
    });
  });
  provider = providerAt(`http://127.0.0.1:${providerPort}/v1`);
  const log = (...entry: unknown[]) => logged.push(entry);
  const store = createFolderStore(folder);
  const app = createApp({
    ledger: db.ledger,
    provider,
    archive: { ...store, remove: (group: string) => removing?.() ?? store.remove(group) },
    adminKey: undefined,
    requestsPerMinute: 1_000_000,
    log: { error: log, warn: log, info: log },
  } as unknown as ApiDependencies);
  server = createServer(app);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  port = (server.address() as AddressInfo).port;
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await closeServers();
  await db.drop();
  await rm(folder, { recursive: true });
});

async function charged(): Promise<string> {
  const id = await admit(db, tenant);
  await db.ledger.placeHold(id, 3600);
  await db.ledger.beginCreate(id, { name: provider.name });
  const video = randomUUID();
  await db.ledger.endCreate(id, 1, { outcome: 'created', providerVideoId: video, providerCreatedAt: null });
  const completed = { verdict: 'completed', status: 'completed', progress: 100, completedAt: null } as const;
  await db.ledger.recordLook(id, video, { ...completed, errorCode: null, errorMessage: null });
  await db.ledger.settleGeneration(id, 'completed');
  return id;
}

function sends(status: string, headers: readonly string[], body: Buffer | string): void {
  answer = (socket) => socket.end(Buffer.concat([headOf(status, headers), Buffer.from(body)]));
}

function headOf(status: string, headers: readonly string[]): Buffer {
  return Buffer.from(`HTTP/1.1 ${status}\r\n${headers.map((line) => `${line}\r\n`).join('')}Connection: close\r\n\r\n`);
}

const request = (id: string, headers: readonly string[]) =>
  `GET /v1/videos/${id}/content HTTP/1.1\r\nHost: holdfast\r\nAuthorization: Bearer ${key}\r\n${headers.map((line) => `${line}\r\n`).join('')}\r\n`;
/** A second request behind the first one: bytes too many would be read as its answer. */
const behind = 'GET /healthz HTTP/1.1\r\nHost: holdfast\r\nConnection: close\r\n\r\n';

const fetched = (id: string, init: RequestInit = {}, query = '') =>
  fetch(`http://127.0.0.1:${port}/v1/videos/${id}/content${query}`, {
    headers: { authorization: `Bearer ${key}` },
    ...init,
  });

async function get(id: string, headers: readonly string[] = []) {
  logged = [];
  const [first, second, ...more] = await rawRequests(port, request(id, headers) + behind, 2);
  expect(more).toEqual([]);
  if (first === undefined) throw new Error('no answer');
  return { ...first, second };
}

const servedOf = async (id: string) =>
  (await db.pool.query(`SELECT FROM generation_events WHERE generation_id = $1 AND kind = 'content_served'`, [id]))
    .rowCount;
const LENGTH = `Content-Length: ${CONTENT.length}`;
const VIDEO = 'Content-Type: video/mp4';

function expectUnavailable(answered: Awaited<ReturnType<typeof get>>): void {
  expect(answered).toMatchObject({ status: 503, headers: { 'retry-after': '5', 'content-type': 'application/json' } });
  expect(JSON.parse(answered.body.toString())).toMatchObject({ error: { code: 'temporarily_unavailable' } });
  expect(answered.second).toMatchObject({ status: 200 });
}

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
    answer = (socket) => {
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

describe('a range', () => {
  it.each([
    ['bytes=4-7', 4, 7],
    ['bytes=0-', 0, 99_999],
    ['bytes=-10', 99_990, 99_999],
  ])('%s is passed on, and its answer is described by us', async (range, start, end) => {
    const id = await charged();
    let asked = '';
    answer = (socket, text) => {
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
      { headers: { authorization: `Bearer ${key}`, range: 'bytes=0-9' } },
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
    for (const headers of [['Range: bytes=0-1,5-6'], ['Range: bytes=0-1', 'If-Range: "a"']]) {
      let asked: string | undefined;
      answer = (socket, text) => {
        asked = /^range: (.*)\r$/im.exec(text)?.[1];
        socket.end(Buffer.concat([headOf('200 OK', [VIDEO, LENGTH]), CONTENT]));
      };
      expect(await get(id, headers)).toMatchObject({ status: 200, isWhole: true });
      expect(asked).toBeUndefined();
    }
  });
});

it('HEAD tells type and length of what it has looked at, and is not on record as served', async () => {
  const id = await charged();
  sends('200 OK', [VIDEO, LENGTH], CONTENT);
  logged = [];
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
  await db.admin.query(`UPDATE generations SET last_look_at = last_look_at - interval '1 hour' WHERE id = $1`, [id]);
  expect(await db.ledger.recordContentGone(id)).toMatchObject({ refund: null });
  const answered = await get(id);
  expect(answered.status).toBe(404);
  expect(answered.body.toString()).toContain('keeps it for a limited time');
});

/** A provider that answers every range, and the whole. */
function servesRanges(content = CONTENT): void {
  answer = (socket, text) => {
    const [, start, end] = /^range: bytes=(\d+)-(\d+)\r$/im.exec(text) ?? [];
    if (start === undefined)
      return socket.end(Buffer.concat([headOf('200 OK', [VIDEO, `Content-Length: ${content.length}`]), content]));
    const range = `Content-Range: bytes ${start}-${end}/${content.length}`;
    const part = content.subarray(Number(start), Number(end) + 1);
    return socket.end(Buffer.concat([headOf('206 Partial Content', [VIDEO, range]), part]));
  };
}

const goneLater = async (id: string) => {
  await db.admin.query(`UPDATE generations SET last_look_at = last_look_at - interval '1 hour' WHERE id = $1`, [id]);
  return db.ledger.recordContentGone(id);
};

describe('a video that was served in parts and is gone afterwards', () => {
  it('stays charged where the parts are the whole', async () => {
    const id = await charged();
    servesRanges();
    for (const range of ['50000-99999', '0-29999', '20000-49999']) {
      expect(await servedOf(id)).toBe(0);
      expect(await get(id, [`Range: bytes=${range}`])).toMatchObject({ status: 206, isWhole: true });
    }
    expect(await servedOf(id)).toBe(1);
    expect(await goneLater(id)).toMatchObject({ refund: null });
  });

  it('is refunded where the parts leave something out, however often they came', async () => {
    const id = await charged();
    servesRanges();
    for (const range of ['0-49999', '0-49999', '50001-99999']) await get(id, [`Range: bytes=${range}`]);
    expect(await goneLater(id)).toMatchObject({ refund: 'refunded' });
  });

  it('is refunded where the parts are those of an error, which nobody can know from its middle', async () => {
    const id = await charged();
    servesRanges(Buffer.from(`{"error":"${'upstream '.repeat(10)}"}`));
    for (const range of ['0-9', '10-99', '100-101']) {
      expect(await get(id, [`Range: bytes=${range}`])).toMatchObject({ status: 206 });
    }
    expect(await goneLater(id)).toMatchObject({ refund: 'refunded' });
  });

  it('counts what had come before its reader left, so that nobody has all but the record', async () => {
    const id = await charged();
    answer = (socket) => {
      socket.write(headOf('200 OK', [VIDEO, LENGTH]));
      let at = 0;
      const timer = setInterval(() => socket.write(CONTENT.subarray(at, (at += 1000))), 5);
      socket.on('close', () => clearInterval(timer));
    };
    const leaving = new AbortController();
    const reader = (await fetched(id, { signal: leaving.signal })).body?.getReader();
    const first = await reader?.read();
    leaving.abort();
    expect(first?.value?.length).toBeGreaterThan(0);
    const sent = async () =>
      (
        await db.pool.query<{ bytes: string }>(
          'SELECT upper(parts) AS bytes FROM served_parts WHERE generation_id = $1',
          [id],
        )
      ).rows[0];
    await vi.waitFor(async () => expect(Number((await sent())?.bytes)).toBeGreaterThan(0));
    servesRanges();
    await get(id, [`Range: bytes=${String((await sent())?.bytes)}-99999`]);
    expect(await servedOf(id)).toBe(1);
  });
});

describe('a video whose owner has asked for its deletion', () => {
  it('is not refunded as gone when only the provider’s copy was deleted, and is deleted by the next try', async () => {
    const id = await charged();
    const deleting = () =>
      fetch(`http://127.0.0.1:${port}/v1/videos/${id}`, {
        method: 'DELETE',
        headers: { authorization: `Bearer ${key}` },
      });
    answer = (socket, text) => {
      expect(text).toMatch(/^DELETE /);
      socket.end(
        Buffer.concat([headOf('200 OK', ['Content-Type: application/json']), Buffer.from('{"deleted":true}')]),
      );
    };
    removing = () => Promise.reject(new Error('the disk is away'));
    expect((await deleting()).status).toBe(503);
    expect(await goneLater(id)).toMatchObject({ content: { state: 'gone' }, refund: null });
    removing = undefined;
    expect((await deleting()).status).toBe(200);
    expect((await db.pool.query('SELECT FROM refunds WHERE generation_id = $1', [id])).rowCount).toBe(0);
  });
});

it('a preview that is missing is 503 while it may not be there yet, 404 afterwards', async () => {
  const id = await charged();
  sends('404 Not Found', [], '{}');
  const thumbnail = () => fetched(id, {}, '?variant=thumbnail');
  expect((await thumbnail()).status).toBe(503);
  await db.admin.query(
    `BEGIN; SET LOCAL session_replication_role = replica;
     UPDATE generations SET charged_at = charged_at - interval '2 hours' WHERE id = '${id}'; COMMIT`,
  );
  expect((await thumbnail()).status).toBe(404);
});

vi.setConfig({ testTimeout: 30_000 });

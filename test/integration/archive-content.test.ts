import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createOutboundActivities } from '../../activities/outboundActivities.ts';
import type { ActivityDependencies } from '../../activities/index.ts';
import type { Archived } from '../../contracts/activities.ts';
import { createFolderStore } from '../../outbound/index.ts';
import type { Provider } from '../../provider/index.ts';
import { COPY_LIMITS } from '../support/copyLimits.ts';
import type { TestDatabase, Tenant } from '../support/database.ts';
import { admit, createTestDatabase, openTenant, PRICE } from '../support/database.ts';
import { mp4 } from '../support/mp4.ts';
import { closeServers, provider as providerAt, serve } from '../unit/provider-server.ts';

/** The activity against a provider whose answers each test writes itself. */

const CONTENT = mp4(200_000);
const HALF = 100_000;
/** What is thrown here is looked at by the tests. */
const QUIET = new DefaultLogger('ERROR');
type Answer = (response: ServerResponse, request: IncomingMessage) => void;

let db: TestDatabase;
let tenant: Tenant;
let folder: string;
let provider: Provider;
let requests: { url: string; range: string | undefined }[];
let answers: Answer[];

beforeAll(async () => {
  [db, folder] = await Promise.all([createTestDatabase(), mkdtemp(join(tmpdir(), 'holdfast-archive-'))]);
  tenant = await openTenant(db, 1000 * PRICE);
  const server = await serve((response, request) => {
    requests.push({ url: request.url ?? '', range: request.headers.range });
    const isVideo = request.url?.endsWith('variant=video') === true;
    (isVideo ? (answers.shift() ?? whole()) : status(404))(response, request);
  });
  provider = providerAt(server.baseUrl);
});
beforeEach(() => {
  requests = [];
  answers = [];
});
afterAll(async () => {
  await closeServers();
  await db.drop();
  await rm(folder, { recursive: true });
});

function status(code: number, headers: Record<string, string> = {}): Answer {
  return (response) => response.writeHead(code, headers).end('{}');
}

function whole(headers: Record<string, string> = {}, content = CONTENT): Answer {
  const length = String(content.length);
  return (response) =>
    response.writeHead(200, { 'content-type': 'video/mp4', 'content-length': length, ...headers }).end(content);
}

/** Promises everything and sends half. */
function cut(headers: Record<string, string> = {}, content = CONTENT): Answer {
  return (response) => {
    response.writeHead(200, { 'content-type': 'video/mp4', 'content-length': content.length, ...headers });
    response.write(content.subarray(0, content.length / 2), () => setTimeout(() => response.destroy(), 50));
  };
}

/** The rest that was asked for, and these headers. */
function rest(headers: Record<string, string> = {}, from?: number, content = CONTENT): Answer {
  return (response, request) => {
    const start = from ?? Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1]);
    const range = `bytes ${start}-${CONTENT.length - 1}/${CONTENT.length}`;
    response
      .writeHead(206, { 'content-type': 'video/mp4', 'content-range': range, ...headers })
      .end(content.subarray(start));
  };
}

async function charged(at = provider.name): Promise<string> {
  const id = await admit(db, tenant);
  await db.ledger.placeHold(id, 3600);
  await db.ledger.beginCreate(id, { name: at });
  const video = randomUUID();
  await db.ledger.endCreate(id, 1, { outcome: 'created', providerVideoId: video, providerCreatedAt: null });
  const completed = { verdict: 'completed', status: 'completed', progress: 100, completedAt: null } as const;
  await db.ledger.recordLook(id, video, { ...completed, errorCode: null, errorMessage: null });
  await db.ledger.settleGeneration(id, 'completed');
  return id;
}

const age = (id: string, interval: string) =>
  db.admin.query('UPDATE generations SET last_look_at = last_look_at - $2::interval WHERE id = $1', [id, interval]);

let alarms: string[] = [];
const archiveAt = () => createFolderStore(folder);

/** One try of the activity; `details` are the last heartbeat of the one before. Answers with its end and its heartbeat. */
async function once(generationId: string, details?: unknown, changes: Partial<ActivityDependencies> = {}) {
  alarms = [];
  const heartbeats: unknown[] = [];
  const env = new MockActivityEnvironment(details === undefined ? {} : { heartbeatDetails: details }, {
    logger: QUIET,
  });
  env.on('heartbeat', (beat: unknown) => heartbeats.push(structuredClone(beat)));
  const activities = createOutboundActivities({
    ledger: db.ledger,
    provider,
    archive: archiveAt(),
    copyLimits: COPY_LIMITS,
    count: (alarm: string) => alarms.push(alarm),
    at: () => undefined,
    ...changes,
  } as unknown as ActivityDependencies);
  const end = await (
    env.run(activities.archiveContent, { generationId, accountId: tenant.accountId }) as Promise<Archived>
  ).then(
    ({ outcome }) => outcome,
    (error: Error & { nextRetryDelay?: unknown }) => error,
  );
  return { end, details: heartbeats.at(-1) };
}

async function expectWhole(id: string): Promise<void> {
  const { rows } = await db.pool.query<{ bytes: number; sum: Buffer; location: string }>(
    `SELECT bytes, encode(sha256, 'hex') AS sum, location FROM contents WHERE generation_id = $1 AND variant = 'video'`,
    [id],
  );
  expect(rows).toMatchObject([{ bytes: CONTENT.length }]);
  expect((await readFile(join(folder, rows[0]?.location ?? ''))).equals(CONTENT)).toBe(true);
}

const onRecord = async (id: string) =>
  (await db.pool.query('SELECT variant FROM contents WHERE generation_id = $1', [id])).rows;
const ranges = () => requests.filter(({ url }) => url.endsWith('variant=video')).map(({ range }) => range);

describe('a body that was cut', () => {
  it('is not taken for the whole, and goes on from where it broke off', async () => {
    const id = await charged();
    answers = [cut(), rest()];
    const first = await once(id);
    expect(first.end).toMatchObject({ message: 'The content broke off.', category: 'BENIGN' });
    expect(await onRecord(id)).toEqual([]);
    expect(first.details).toMatchObject({ variant: 'video', total: CONTENT.length, bytes: expect.any(Number) });
    expect((await once(id, first.details)).end).toBe('archived');
    expect(ranges()).toEqual([undefined, `bytes=${HALF}-`]);
    await expectWhole(id);
  });

  it('begins again when the provider knows no Range', async () => {
    const id = await charged();
    answers = [cut(), whole()];
    const { details } = await once(id);
    expect((await once(id, details)).end).toBe('archived');
    expect(ranges()).toEqual([undefined, `bytes=${HALF}-`]);
    await expectWhole(id);
  });

  it.each<[string, Record<string, string>, Answer]>([
    ['has another etag by now', { etag: '"a"' }, rest({ etag: '"b"' })],
    ['has another length by now', {}, rest({ 'content-range': `bytes ${HALF}-250000/250001` })],
    ['has another length by now, and ends before', {}, status(416, { 'content-range': 'bytes */5000' })],
    ['is answered from elsewhere', {}, rest({}, 5)],
    ['is answered without saying from where', {}, rest({ 'content-range': 'nonsense' })],
    ['is refused without saying why', {}, status(416)],
  ])('begins again when it %s', async (_what, headers, second) => {
    const id = await charged();
    answers = [cut(headers), second, whole(headers)];
    const { details } = await once(id);
    expect((await once(id, details)).end).toBe('archived');
    expect(ranges()).toEqual([undefined, `bytes=${HALF}-`, undefined]);
    await expectWhole(id);
  });

  it('begins again when nobody knows of what it was a part', async () => {
    const id = await charged();
    answers = [cut()];
    await once(id);
    expect((await once(id)).end).toBe('archived');
    expect(ranges()).toEqual([undefined, undefined]);
    await expectWhole(id);
  });

  it('that only lacked its record is not sent again', async () => {
    const id = await charged();
    const dies = () => {
      throw new Error('the worker dies here');
    };
    const first = await once(id, undefined, { at: (name) => (name === 'archive:stored' ? dies() : undefined) });
    expect(first.end).toMatchObject({ message: 'the worker dies here' });
    answers = [status(416, { 'content-range': `bytes */${CONTENT.length}` })];
    expect((await once(id, first.details)).end).toBe('archived');
    expect(ranges()).toEqual([undefined, `bytes=${CONTENT.length}-`]);
    await expectWhole(id);
    const { rows } = await db.pool.query('SELECT content_type FROM contents WHERE generation_id = $1', [id]);
    expect(rows).toEqual([{ content_type: 'video/mp4' }]);
  });

  it('ends at once when the worker is shut down, and what came is kept', async () => {
    const id = await charged();
    answers = [
      (response) => {
        response.writeHead(200, { 'content-type': 'video/mp4', 'content-length': CONTENT.length });
        response.write(CONTENT.subarray(0, HALF));
      },
    ];
    const env = new MockActivityEnvironment({}, { logger: QUIET });
    const store = archiveAt();
    const deps = {
      ledger: db.ledger,
      provider,
      archive: store,
      copyLimits: COPY_LIMITS,
      count: () => undefined,
      at: () => undefined,
    };
    const activities = createOutboundActivities(deps as unknown as ActivityDependencies);
    const run = env.run(activities.archiveContent, { generationId: id, ...tenant }) as Promise<unknown>;
    while ((await store.kept(`${id}/video`)) < HALF) await new Promise((resolve) => setTimeout(resolve, 10));
    env.cancel('WORKER_SHUTDOWN');
    await expect(run).rejects.toMatchObject({ name: 'CancelledFailure' });
    expect(await store.kept(`${id}/video`)).toBe(HALF);
  });
});

describe('an answer that is no video', () => {
  it.each<[string, Answer, RegExp]>([
    ['401', status(401), /HTTP 401/],
    ['403', status(403), /HTTP 403/],
    ['429', status(429), /HTTP 429/],
    ['500', status(500), /HTTP 500/],
    ['nothing', whole({}, Buffer.alloc(0)), /empty/],
    ['a part that nobody asked for', rest({}, 100), /a part of the content/],
    ['bytes of another form', whole({ 'content-encoding': 'unheard-of' }, gzipSync(CONTENT)), /no video/],
    ['a reset', (response) => response.destroy(), /No content/],
    ['404, an hour after completion but for a minute', status(404), /not yet or not any more/],
  ])('%s: is tried again', async (_what, answer, message) => {
    const id = await charged();
    await age(id, '59 minutes');
    answers = [answer];
    expect((await once(id)).end).toMatchObject({ message: expect.stringMatching(message), category: 'BENIGN' });
    expect(await onRecord(id)).toEqual([]);
    expect((await once(id)).end).toBe('archived');
    await expectWhole(id);
  });

  it('and says when to come again: then, and not earlier', async () => {
    answers = [status(503, { 'retry-after': '17' })];
    expect((await once(await charged())).end).toMatchObject({ nextRetryDelay: 17_000 });
  });

  it.each([404, 410])('%s, an hour after completion: the content is gone, once and for all', async (code) => {
    const id = await charged();
    await age(id, '1 hour');
    answers = [status(code)];
    expect((await once(id)).end).toBe('gone');
    expect(alarms).toEqual(['content_gone', 'content_refunded']);
    expect((await once(id)).end).toBe('gone');
    expect(alarms).toEqual([]);
    expect(requests).toHaveLength(1);
    expect(await db.ledger.getContent(tenant.accountId, id, 'video')).toEqual({ state: 'gone' });
  });

  it.each([401, 403, 429, 500, 503])('%s is never taken for gone', async (code) => {
    const id = await charged();
    await age(id, '23 hours');
    answers = [status(code)];
    expect((await once(id)).end).toBeInstanceOf(Error);
    expect(await onRecord(id)).toEqual([]);
  });
});

describe('bytes that are no whole video, called one, with a length that holds', () => {
  const notTheVideo = expect.stringMatching(/^No content from the provider: the (content|video) is /);
  it.each<[string, Buffer, Record<string, string>?]>([
    ['JSON', Buffer.from('{"error":{"code":502,"message":"upstream"}}')],
    ['a page', Buffer.from('<!DOCTYPE html><html><body>Bad gateway</body></html>')],
    ['half an MP4', CONTENT.subarray(0, HALF)],
    ['an MP4 that lacks one byte', CONTENT.subarray(0, -1)],
    ['an MP4 with one byte too many', Buffer.concat([CONTENT, Buffer.alloc(1, 9)])],
    ['an MP4 without its media', CONTENT.subarray(0, 44)],
    ['eight bytes of PNG', Buffer.from('89504e470d0a1a0a', 'hex')],
    ['noise', Buffer.alloc(5000, 7)],
  ])('%s: is tried again and told once; then the video is archived', async (_what, bytes) => {
    const id = await charged();
    answers = [whole({}, bytes), whole({}, bytes)];
    expect((await once(id)).end).toMatchObject({ message: notTheVideo, category: 'BENIGN' });
    expect(alarms).toEqual(['content_unusable']);
    const second = await once(id);
    expect(second.end).toMatchObject({ message: notTheVideo });
    expect(alarms).toEqual([]);
    expect(await onRecord(id)).toEqual([]);
    expect(await archiveAt().kept(`${id}/video`)).toBe(0);
    const { rows } = await db.pool.query(
      `SELECT kind FROM generation_events WHERE generation_id = $1 AND kind = 'content_unusable'`,
      [id],
    );
    expect(rows).toHaveLength(1);
    expect((await once(id, second.details)).end).toBe('archived');
    await expectWhole(id);
  });

  it('a copy that goes on is looked at as a whole, and begins again when its parts make no video', async () => {
    const id = await charged();
    const wrong = Buffer.concat([mp4(HALF), Buffer.alloc(HALF, 0xff)]);
    answers = [cut({}, wrong), rest({}, HALF, wrong), whole()];
    const first = await once(id);
    const second = await once(id, first.details);
    expect(second.end).toMatchObject({ message: notTheVideo });
    expect((await once(id, second.details)).end).toBe('archived');
    expect(ranges()).toEqual([undefined, `bytes=${HALF}-`, undefined]);
    await expectWhole(id);
  });

  it('the type on record is that of the bytes, whatever the provider called it', async () => {
    const id = await charged();
    answers = [whole({ 'content-type': 'text/html' })];
    expect((await once(id)).end).toBe('archived');
    const { rows } = await db.pool.query('SELECT content_type FROM contents WHERE generation_id = $1', [id]);
    expect(rows).toEqual([{ content_type: 'video/mp4' }]);
  });
});

it('of a video at another provider than is configured now is not asked for here', async () => {
  const id = await charged('openai@http://elsewhere.test');
  await age(id, '2 hours');
  expect((await once(id)).end).toMatchObject({ message: expect.stringMatching(/another provider/) });
  expect(requests).toEqual([]);
  expect(await onRecord(id)).toEqual([]);
});

describe('a body without measure', () => {
  const copyLimits = { maximumBytes: CONTENT.length - 1, leastBytes: CONTENT.length, withinMs: 200 };
  const endless: Answer = (response) => {
    const more = () => response.destroyed || response.write(CONTENT, more);
    response.writeHead(200, { 'content-type': 'video/mp4' });
    more();
  };

  it.each<[string, Answer]>([
    ['says that it is too long', whole()],
    ['never ends', endless],
  ])('that %s is told as trouble, and no byte of it is kept', async (_what, answer) => {
    const id = await charged();
    answers = [answer];
    const { end } = await once(id, undefined, { copyLimits });
    expect(end).toMatchObject({
      message: expect.stringMatching(/^The content has more than 199999 bytes/),
      nextRetryDelay: 600_000,
    });
    expect(await archiveAt().kept(`${id}/video`)).toBe(0);
    expect(await onRecord(id)).toEqual([]);
  });

  it('that drips is broken off, and goes on from where it was', async () => {
    const id = await charged();
    const drips: Answer = (response) => {
      response.writeHead(200, { 'content-type': 'video/mp4', 'content-length': CONTENT.length });
      response.write(CONTENT.subarray(0, HALF));
      let sent = HALF;
      const drip = setInterval(() => {
        if (response.destroyed) clearInterval(drip);
        else response.write(CONTENT.subarray(sent, (sent += 1)));
      }, 20);
    };
    answers = [drips, rest()];
    const slow = await once(id, undefined, { copyLimits: { ...COPY_LIMITS, ...copyLimits, maximumBytes: 1e9 } });
    expect(slow.end).toMatchObject({ message: expect.stringMatching(/^The content comes too slowly/) });
    expect((await once(id, slow.details)).end).toBe('archived');
    expect(ranges()[1]).toMatch(/^bytes=100\d\d\d-$/);
    await expectWhole(id);
  });
});

describe('a compressed body', () => {
  it('is kept as it is read, whatever length its head tells', async () => {
    const packed = gzipSync(CONTENT);
    const id = await charged();
    answers = [whole({ 'content-encoding': 'gzip' }, packed)];
    expect((await once(id)).end).toBe('archived');
    await expectWhole(id);
  });
});

describe('thumbnail and spritesheet', () => {
  it('are left out where the provider answers with something else, and hold nothing up', async () => {
    const id = await charged();
    expect((await once(id)).end).toBe('archived');
    expect(requests.map(({ url }) => url.split('=')[1])).toEqual(['video', 'thumbnail', 'spritesheet']);
    expect(await onRecord(id)).toEqual([{ variant: 'video' }]);
    // The video is not asked for again.
    requests = [];
    expect((await once(id)).end).toBe('archived');
    expect(ranges()).toEqual([]);
  });
});

describe('a generation that is not charged', () => {
  it('is not archived, and the provider is not asked', async () => {
    const id = await admit(db, tenant);
    expect((await once(id)).end).toMatchObject({ message: 'the content of a requested generation is not kept' });
    expect(requests).toEqual([]);
  });

  it('but deleted meanwhile leaves no file', async () => {
    const id = await charged();
    const deletes = (name: string) => name === 'archive:stored';
    let deleted: Promise<unknown> = Promise.resolve();
    const ledger = {
      ...db.ledger,
      recordContent: async (...args: Parameters<typeof db.ledger.recordContent>) => {
        await deleted;
        return db.ledger.recordContent(...args);
      },
    };
    const at: ActivityDependencies['at'] = (name) => {
      if (deletes(name)) deleted = db.ledger.deleteGeneration(tenant.accountId, id);
    };
    expect((await once(id, undefined, { at, ledger })).end).toBe('gone');
    expect(await archiveAt().kept(`${id}/video`)).toBe(0);
  });
});

import { createHash } from 'node:crypto';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parseDirectives } from '../../dev/simulator/directives.ts';
import { filmed } from '../../dev/simulator/filmed.ts';
import { ask, eventsOf, expectNoDrift, movementsOf, untilSettled } from '../harness/support/generations.ts';
import type { GenerationResult } from '../../contracts/temporal.ts';
import { archiveActivityId } from '../../contracts/temporal.ts';
import type { TestAccount, TestStack } from '../harness/support/stack.ts';
import { openAccount, startStack } from '../harness/support/stack.ts';

/** From the provider's link to the archive and to the customer, over real HTTP; each test with videos of its own. */

// For a machine that is busy with other things; alone it takes a third of it.
vi.setConfig({ testTimeout: 90_000 });

const GRANTED = 100_000_000;
/** What a request that names neither is for. */
const ORDERED = { seconds: '4', size: '720x1280' };
let stack: TestStack;
let account: TestAccount;
let assets: Record<'video' | 'thumbnail' | 'spritesheet', Buffer>;

beforeAll(async () => {
  stack = await startStack();
  account = await openAccount(stack, GRANTED);
  const asset = (name: string) => readFile(new URL(`../../dev/simulator/assets/${name}`, import.meta.url));
  assets = {
    video: filmed(await asset('video.mp4'), { ...ORDERED, directives: parseDirectives('') }),
    thumbnail: await asset('thumbnail.webp'),
    spritesheet: await asset('spritesheet.jpg'),
  };
});
afterAll(async () => {
  await expectNoDrift(stack);
  await stack.stop();
});

/** Of the workflow, after the copy that it started has ended too. */
async function resultOf(id: string): Promise<unknown> {
  const { client } = stack.env;
  const result = (await client.workflow.getHandle(id).result()) as GenerationResult;
  if (result.outcome === 'captured') await client.activity.getHandle(archiveActivityId(id)).result();
  return result;
}
const contentOf = (id: string, headers: Record<string, string> = {}, method = 'GET') =>
  account.fetch(`/v1/videos/${id}/content`, { headers, method });
const bytesOf = async (answer: Response) => Buffer.from(await answer.arrayBuffer());

/** What is on record, and what is in the archive under its location. */
async function archivedOf(id: string) {
  const { rows } = await stack.database.pool.query<{ variant: keyof typeof assets; location: string; sum: string }>(
    `SELECT variant, state, bytes, encode(sha256, 'hex') AS sum, content_type AS type, location FROM contents WHERE generation_id = $1`,
    [id],
  );
  return Promise.all(
    rows.map(async (row) => ({ ...row, file: await readFile(join(stack.archiveFolder, row.location)) })),
  );
}

async function expectArchived(id: string): Promise<void> {
  expect(await resultOf(id)).toMatchObject({ outcome: 'captured' });
  const archived = await archivedOf(id);
  expect(archived.map(({ variant }) => variant).sort()).toEqual(['spritesheet', 'thumbnail', 'video']);
  for (const { variant, sum, file, ...row } of archived) {
    expect(file.equals(assets[variant]), variant).toBe(true);
    const type = { video: 'video/mp4', thumbnail: 'image/webp', spritesheet: 'image/jpeg' }[variant];
    expect(row).toMatchObject({ state: 'archived', bytes: file.length, type });
    expect(sum).toBe(createHash('sha256').update(file).digest('hex'));
  }
  expect(await eventsOf(stack, id, 'archived')).toEqual([
    { bytes: assets.video.length, length_ms: 4000, frame_size: ORDERED.size, has_sound: false },
  ]);
  expect(await movementsOf(stack, id)).toEqual(['hold', 'capture']);
}

describe('a charged video', () => {
  it.concurrent.each([
    'without any trouble',
    'cut in the middle of its body [[content:cut*2]]',
    'errors [[content:500*3]]',
    'resets [[content:reset*2]]',
    'a link that is not there at once [[content:404*2]]',
    'a link that is refused for a while [[content:401*1]][[content:403*1]]',
    'too many requests [[content:429*1]][[retry-after:1]]',
    "a gateway's page with 200 [[content:html*1]]",
    'an empty object with 200 [[content:empty*1]]',
  ])('%s: is archived byte by byte, with its thumbnail and spritesheet', async (prompt) => {
    const id = await ask(account, prompt);
    await untilSettled(stack, [id]);
    await expectArchived(id);
  });

  it('is charged before its content is there, and served from the provider until then', async () => {
    const id = await ask(account, 'content that comes late [[content:503*4]]');
    await untilSettled(stack, [id]);
    expect(await archivedOf(id)).toEqual([]);
    const early = await contentOf(id);
    expect([200, 503]).toContain(early.status);
    await early.body?.cancel();
    await expectArchived(id);
  });

  it('whose owner deletes it leaves nothing in the archive', async () => {
    const id = await ask(account, 'soon deleted');
    await expectArchived(id);
    expect(await readdir(stack.archiveFolder)).toContain(id);
    expect((await account.fetch(`/v1/videos/${id}`, { method: 'DELETE' })).status).toBe(200);
    expect(await readdir(stack.archiveFolder)).not.toContain(id);
    expect((await contentOf(id)).status).toBe(404);
  });

  it('that is deleted before it was archived is not archived any more, and nothing waits for it', async () => {
    const id = await ask(account, 'deleted at once [[content:500*2]]');
    await untilSettled(stack, [id]);
    expect((await account.fetch(`/v1/videos/${id}`, { method: 'DELETE' })).status).toBe(200);
    expect(await resultOf(id)).toMatchObject({ outcome: 'captured' });
    expect((await readdir(stack.archiveFolder)).includes(id)).toBe(false);
    expect(stack.alarms).not.toContain('content_gone');
  });

  it('whose link is dead for an hour is refunded in full, by itself; the customer is told so, in the timeline too', async () => {
    const id = await ask(account, 'dead for good [[content:404]]');
    await untilSettled(stack, [id]);
    // So soon it may only not be there yet: a 404 would keep SDKs from trying again.
    const early = await contentOf(id);
    expect({ status: early.status, retryAfter: early.headers.get('retry-after') }).toEqual({
      status: 503,
      retryAfter: '5',
    });
    await early.body?.cancel();
    await stack.database.admin.query(
      `UPDATE generations SET last_look_at = last_look_at - interval '1 hour' WHERE id = $1`,
      [id],
    );
    expect(await resultOf(id)).toMatchObject({ outcome: 'captured' });
    expect(stack.alarms).toContain('content_gone');
    const answer = await contentOf(id);
    expect({ status: answer.status, body: await answer.json() }).toMatchObject({
      status: 404,
      body: {
        error: {
          code: 'not_found',
          message:
            'The content of this video is gone: the provider lost it before it could be archived. 0.571429 credits that were charged have been refunded to your account.',
        },
      },
    });
    const { data } = (await (await account.fetch(`/v1/videos/${id}/timeline`)).json()) as { data: { type: string }[] };
    expect(data.slice(-2).map(({ type }) => type)).toEqual(['content_gone', 'credits_refunded']);
    expect(await movementsOf(stack, id)).toEqual(['hold', 'capture', 'refund']);
    expect(await (await account.fetch(`/v1/videos/${id}`)).json()).toMatchObject({ status: 'completed' });
  });

  it('that was released, or is open, is not archived', async () => {
    const failed = await ask(account, 'fails [[fail:invalid_request]]');
    const open = await ask(account, 'open [[never]]');
    expect(await resultOf(failed)).toMatchObject({ outcome: 'released' });
    expect(await archivedOf(failed)).toEqual([]);
    expect(await archivedOf(open)).toEqual([]);
  });
});

describe('content from the archive', () => {
  let id: string;
  beforeAll(async () => {
    id = await ask(account, 'to be looked at');
    await expectArchived(id);
  });

  it('that the store has lost is still served by the provider, and logged', async () => {
    const lost = await ask(account, 'to be lost');
    await expectArchived(lost);
    await rm(join(stack.archiveFolder, lost), { recursive: true });
    expect((await bytesOf(await contentOf(lost))).equals(assets.video)).toBe(true);
    expect(stack.logged.filter((line) => line.includes('lost content') && line.includes(lost))).toHaveLength(1);
  });

  it('is nobody else’s', async () => {
    const stranger = await openAccount(stack, 0);
    expect((await stranger.fetch(`/v1/videos/${id}/content`)).status).toBe(404);
  });

  describe('with the provider gone', () => {
    beforeAll(async () => {
      await stack.stopSimulator();
    });

    it('is served whole, with its type, length and checksum, to the SDK too', async () => {
      const answer = await contentOf(id);
      expect(answer.status).toBe(200);
      expect(Object.fromEntries(answer.headers)).toMatchObject({
        'content-type': 'video/mp4',
        'content-length': String(assets.video.length),
        'accept-ranges': 'bytes',
        etag: `"${createHash('sha256').update(assets.video).digest('hex')}"`,
        'cache-control': 'private, no-store',
      });
      expect((await bytesOf(answer)).equals(assets.video)).toBe(true);
      const bySdk = await account.client.videos.downloadContent(id, { variant: 'thumbnail' });
      expect((await bytesOf(bySdk)).equals(assets.thumbnail)).toBe(true);
    });

    it.each([
      ['bytes=4-7', 4, 7],
      ['bytes=11000-', 11_000, 11_137],
      ['bytes=-100', 11_038, 11_137],
      ['bytes=-99999', 0, 11_137],
      ['bytes=0-99999', 0, 11_137],
      ['BYTES=0-0', 0, 0],
    ])('is served by Range: %s', async (range, start, end) => {
      const answer = await contentOf(id, { range });
      expect(answer.status).toBe(206);
      expect(answer.headers.get('content-range')).toBe(`bytes ${start}-${end}/11138`);
      expect(answer.headers.get('content-length')).toBe(String(end - start + 1));
      expect((await bytesOf(answer)).equals(assets.video.subarray(start, end + 1))).toBe(true);
    });

    it.each(['bytes=11138-', 'bytes=20000-30000', 'bytes=-0'])('is 416 outside of it: %s', async (range) => {
      const answer = await contentOf(id, { range });
      expect({ status: answer.status, range: answer.headers.get('content-range') }).toEqual({
        status: 416,
        range: 'bytes */11138',
      });
      expect((await bytesOf(answer)).length).toBe(0);
    });

    it.each(['items=0-1', 'bytes=', 'bytes=-', 'bytes=7-4', 'bytes=a-b', 'bytes=0-1,5-6', 'bytes 0-1'])(
      'is served whole for what is no single range: %s',
      async (range) => {
        const answer = await contentOf(id, { range });
        expect(answer.status).toBe(200);
        expect((await bytesOf(answer)).equals(assets.video)).toBe(true);
      },
    );

    it('goes on with If-Range only where it is the same', async () => {
      const etag = (await contentOf(id, {}, 'HEAD')).headers.get('etag') ?? '';
      const same = await contentOf(id, { range: 'bytes=0-3', 'if-range': etag });
      expect({ status: same.status, length: (await bytesOf(same)).length }).toEqual({ status: 206, length: 4 });
      // As before it is archived, when no version has a validator: what proves nothing gets the whole.
      for (const unproven of ['"other"', `W/${etag}`, 'Mon, 30 Nov 2026 01:00:00 GMT']) {
        const other = await contentOf(id, { range: 'bytes=0-3', 'if-range': unproven });
        expect({ status: other.status, length: (await bytesOf(other)).length }).toEqual({
          status: 200,
          length: 11_138,
        });
      }
    });

    it('is not sent to one who has it', async () => {
      const etag = (await contentOf(id, {}, 'HEAD')).headers.get('etag') ?? '';
      const known = await contentOf(id, { 'if-none-match': `"a", W/${etag}` });
      expect({ status: known.status, length: (await bytesOf(known)).length }).toEqual({ status: 304, length: 0 });
      expect((await contentOf(id, { 'if-none-match': '"a"' })).status).toBe(200);
    });

    it('tells its length by HEAD, whatever range is asked for', async () => {
      const answer = await contentOf(id, { range: 'bytes=0-1' }, 'HEAD');
      expect({ status: answer.status, length: answer.headers.get('content-length') }).toEqual({
        status: 200,
        length: '11138',
      });
      expect((await bytesOf(answer)).length).toBe(0);
    });
  });
});

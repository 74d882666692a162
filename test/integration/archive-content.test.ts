import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { MockActivityEnvironment } from '@temporalio/testing';
import { describe, expect, it } from 'vitest';
import { createOutboundActivities } from '../../activities/outboundActivities.ts';
import type { ActivityDependencies } from '../../activities/index.ts';
import { providersOf } from '../../provider/index.ts';
import { interruptAt } from '../harness/support/crashPoints.ts';
import { COPY_LIMITS } from '../harness/support/copyLimits.ts';
import { admit, openTenant, PRICE } from '../harness/support/database.ts';
import {
  CONTENT,
  HALF,
  QUIET,
  db,
  tenant,
  provider,
  requests,
  answers,
  status,
  whole,
  cut,
  rest,
  charged,
  age,
  alarms,
  archiveAt,
  once,
  expectWhole,
  folder,
  onRecord,
  ranges,
  type Answer,
  useArchiveSite,
} from '../harness/support/archiveSite.ts';

useArchiveSite();

/** The activity against a provider whose answers each test writes itself. */

// MR-58
describe('a body that was cut', () => {
  it('is not taken for the whole, and goes on from where it broke off', async () => {
    const id = await charged();
    answers.push(cut(), rest());
    const first = await once(id);
    expect(first.end).toMatchObject({ message: 'The content broke off.', category: 'BENIGN' });
    expect(await onRecord(id)).toEqual([]);
    expect(first.details).toMatchObject({
      progress: { variant: 'video', total: CONTENT.length, bytes: expect.any(Number) },
    });
    expect((await once(id, first.details)).end).toBe('archived');
    expect(ranges()).toEqual([undefined, `bytes=${HALF}-`]);
    await expectWhole(id);
  });

  it('begins again when the provider knows no Range', async () => {
    const id = await charged();
    answers.push(cut(), whole());
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
    answers.push(cut(headers), second, whole(headers));
    const { details } = await once(id);
    expect((await once(id, details)).end).toBe('archived');
    expect(ranges()).toEqual([undefined, `bytes=${HALF}-`, undefined]);
    await expectWhole(id);
  });

  it('begins again when nobody knows of what it was a part', async () => {
    const id = await charged();
    answers.push(cut());
    await once(id);
    expect((await once(id)).end).toBe('archived');
    expect(ranges()).toEqual([undefined, undefined]);
    await expectWhole(id);
  });

  const dies = () => {
    throw new Error('the worker dies here');
  };

  // MR-59
  it.each(['with', 'without'])(
    'that only lacked its record is not asked for again (%s a heartbeat): its link may be dead',
    async (beat) => {
      const id = await charged();
      const first = await once(id, undefined, interruptAt({ archive: archiveAt() }, 'archive:stored', dies));
      expect(first.end).toMatchObject({ message: 'the worker dies here' });
      await age(id, '2 days');
      answers.push(status(404));
      expect((await once(id, beat === 'with' ? first.details : undefined)).end).toBe('archived');
      expect(ranges()).toEqual([undefined]);
      await expectWhole(id);
      const { rows } = await db.pool.query('SELECT content_type FROM contents WHERE generation_id = $1', [id]);
      expect(rows).toEqual([{ content_type: 'video/mp4' }]);
    },
  );

  it('whose last byte came and which was not complete on disk is not sent again', async () => {
    const id = await charged();
    const first = await once(id, undefined, interruptAt({ archive: archiveAt() }, 'archive:stored', dies));
    await rename(join(folder, id, 'video'), join(folder, id, 'video.0.part'));
    answers.push(status(416, { 'content-range': `bytes */${CONTENT.length}` }));
    expect((await once(id, first.details)).end).toBe('archived');
    expect(ranges()).toEqual([undefined, `bytes=${CONTENT.length}-`]);
    await expectWhole(id);
  });

  it('ends at once when the worker is shut down, and what came is kept', async () => {
    const id = await charged();
    answers.push((response) => {
      response.writeHead(200, { 'content-type': 'video/mp4', 'content-length': CONTENT.length });
      response.write(CONTENT.subarray(0, HALF));
    });
    const env = new MockActivityEnvironment({}, { logger: QUIET });
    const store = archiveAt();
    const deps = {
      ledger: db.ledger,
      store: db.ledger,
      providers: providersOf([provider]),
      archive: store,
      copyLimits: COPY_LIMITS,
      count: () => undefined,
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
    answers.push(answer);
    expect((await once(id)).end).toMatchObject({ message: expect.stringMatching(message), category: 'BENIGN' });
    expect(await onRecord(id)).toEqual([]);
    expect((await once(id)).end).toBe('archived');
    await expectWhole(id);
  });

  it('and says when to come again: then, and not earlier', async () => {
    answers.push(status(503, { 'retry-after': '17' }));
    expect((await once(await charged())).end).toMatchObject({ nextRetryDelay: 17_000 });
  });

  it.each([404, 410])('%s, an hour after completion: the content is gone, once and for all', async (code) => {
    const id = await charged();
    await age(id, '1 hour');
    answers.push(status(code));
    expect((await once(id)).end).toBe('gone');
    expect(alarms).toEqual(['content_gone', 'content_refunded']);
    expect((await once(id)).end).toBe('gone');
    expect(alarms).toEqual([]);
    expect(requests).toHaveLength(1);
    expect(await db.ledger.getContent(tenant.accountId, id, 'video')).toEqual({ state: 'gone' });
  });

  it('gone leaves nothing of what had come of it', async () => {
    const id = await charged();
    answers.push(cut(), status(404));
    const { details } = await once(id);
    expect(await archiveAt().kept(`${id}/video`)).toBe(HALF);
    await age(id, '1 hour');
    expect((await once(id, details)).end).toBe('gone');
    expect(await archiveAt().kept(`${id}/video`)).toBe(0);
  });

  // MR-59
  it.each([401, 403, 429, 500, 503])('%s is never taken for gone', async (code) => {
    const id = await charged();
    await age(id, '23 hours');
    answers.push(status(code));
    expect((await once(id)).end).toBeInstanceOf(Error);
    expect(await onRecord(id)).toEqual([]);
  });
});

it('of a video at a provider that is not configured now is not asked for here, which is no trouble of the provider’s', async () => {
  const id = await charged('openai@http://elsewhere.test');
  await age(id, '25 hours');
  // By its type the workflow waits, and never puts on record that the content is gone.
  expect((await once(id)).end).toMatchObject({
    type: 'ProviderNotConfigured',
    message: 'The provider openai@http://elsewhere.test is not configured.',
  });
  expect(requests).toEqual([]);
  expect(await onRecord(id)).toEqual([]);
});

it('of a video whose id the provider gave to another as well is not asked for: gone after an hour, and refunded', async () => {
  const id = await charged();
  const { videoId } = await db.ledger.getProviderVideo(id);
  const other = await admit(db, await openTenant(db, PRICE));
  await db.ledger.placeHold(other, 3600);
  await db.ledger.beginAttempt(other, [provider]);
  const again = { outcome: 'created', providerVideoId: videoId ?? '', providerCreatedAt: null } as const;
  expect(await db.ledger.endAttempt(other, 1, again)).toBe('conflict');
  expect((await once(id)).end).toMatchObject({ message: expect.stringMatching(/no content/) });
  await age(id, '2 hours');
  expect((await once(id)).end).toBe('gone');
  expect(requests).toEqual([]);
  expect(alarms).toContain('content_refunded');
});

describe('a compressed body', () => {
  it('is kept as it is read, whatever length its head tells', async () => {
    const packed = gzipSync(CONTENT);
    const id = await charged();
    answers.push(whole({ 'content-encoding': 'gzip' }, packed));
    expect((await once(id)).end).toBe('archived');
    await expectWhole(id);
  });
});

describe('thumbnail and spritesheet', () => {
  it('are left out where the provider answers with something else, and hold nothing up', async () => {
    const id = await charged();
    expect((await once(id)).end).toBe('archived');
    expect(requests.map(({ url }) => url.split('=')[1] ?? 'video')).toEqual(['video', 'thumbnail', 'spritesheet']);
    expect(await onRecord(id)).toEqual([{ variant: 'video' }]);
    // The video is not asked for again.
    requests.length = 0;
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
    let deleted: Promise<unknown> = Promise.resolve();
    const store = {
      ...db.ledger,
      recordArchivedVideo: async (...args: Parameters<typeof db.ledger.recordArchivedVideo>) => {
        await deleted;
        return db.ledger.recordArchivedVideo(...args);
      },
    };
    const deletes = () => {
      deleted = db.ledger.deleteGeneration(tenant.accountId, id);
    };
    const deps = interruptAt({ archive: archiveAt(), store }, 'archive:stored', deletes);
    expect((await once(id, undefined, deps)).end).toBe('gone');
    expect(await archiveAt().kept(`${id}/video`)).toBe(0);
  });
});

// MR-9
describe('a video that completed after its cancel was sent', () => {
  async function completed(video: string): Promise<string> {
    const id = await admit(db, await openTenant(db, PRICE));
    await db.ledger.placeHold(id, 3600);
    await db.ledger.beginAttempt(id, [provider]);
    const told = { status: 'x', progress: null, completedAt: null, errorCode: null, errorMessage: null };
    await db.ledger.endAttempt(id, 1, { outcome: 'created', providerVideoId: video, providerCreatedAt: null });
    await db.ledger.recordLook(id, video, { ...told, verdict: 'open' });
    await db.ledger.requestCancel(id, 'client');
    await db.ledger.beginCancel(id);
    await db.ledger.recordLook(id, video, { ...told, verdict: 'completed' });
    return id;
  }

  it('is gone after a minute without content, and nobody is alarmed', async () => {
    const id = await completed('video_cancelled');
    answers.push(status(404), status(404));
    expect((await once(id)).end).toMatchObject({ type: 'ProviderTransient' });
    await age(id, '61 seconds');
    expect((await once(id)).end).toBe('gone');
    expect(alarms).toEqual([]);
    expect(await db.ledger.settleGeneration(id, 'cancelled')).toMatchObject({ settlement: { charged: false } });
  });

  it('is kept when another worker archived it while this one found nothing', async () => {
    const id = await completed('video_of_two_replicas');
    await age(id, '61 seconds');
    answers.push((response, request) => {
      void once(id).then(() => status(404)(response, request));
    });
    expect((await once(id)).end).toBe('archived');
    expect(await db.ledger.settleGeneration(id, 'completed')).toMatchObject({ settlement: { charged: true } });
    await expectWhole(id);
  });
});

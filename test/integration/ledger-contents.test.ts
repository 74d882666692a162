import { randomBytes } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import type { Content } from '../../store/index.ts';
import { GONE, PROVIDER, archived, contentSteps } from '../harness/support/contentSteps.ts';
import { admit, openTenant } from '../harness/support/database.ts';

const { site, held, charged, age, eventsOf, waiting, record, get, refusal } = contentSteps();

describe('recording a content', () => {
  it('twice keeps the first record, and answers with it (MR-59)', async () => {
    const id = await charged();
    const first = archived();
    expect(await record(id, first)).toEqual(first);
    expect(await record(id, archived(5))).toEqual(first);
    await age(id, '2 hours');
    expect(await record(id, GONE)).toEqual(first);
    expect(await get(id)).toEqual(first);
    expect(await eventsOf(id)).toEqual([['archived', { bytes: 11_138 }]]);
  });

  it('from eight connections at once keeps one record and one event', async () => {
    const id = await charged();
    const blocker = await site.db.admin.connect();
    await blocker.query(`BEGIN; SELECT FROM generations WHERE id = '${id}' FOR NO KEY UPDATE`);
    const recording = Promise.all(Array.from({ length: 8 }, (_, n) => record(id, archived(n + 1))));
    await vi.waitFor(async () => expect(await waiting()).toBe(8), { timeout: 10_000, interval: 20 });
    await blocker.query('COMMIT');
    blocker.release();
    const answers = await recording;
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(await eventsOf(id)).toHaveLength(1);
  });

  it('tells of the video only', async () => {
    const id = await charged();
    await record(id, archived(), 'thumbnail');
    expect(await eventsOf(id)).toEqual([]);
    expect(await get(id)).toBeUndefined();
  });

  it('needs a generation that holds or was charged, and that the provider said completed', async () => {
    const released = await held('failed');
    await site.db.ledger.settleGeneration(released, 'provider_failed');
    expect(await refusal(released, archived())).toBe('wrong_state');
    expect(await refusal(await admit(site.db, site.tenant), archived())).toBe('wrong_state');
    expect(await refusal(await held('open'), archived())).toBe('no_proof');
    expect(await refusal(await held('failed'), archived())).toBe('no_proof');
    expect(await refusal(await held(), archived())).toBe('recorded');
    expect(await refusal('video_00000000000000000000000000000000', archived())).toBe('unknown_generation');
  });

  it('as gone needs an hour since it was seen completed (MR-59)', async () => {
    const id = await charged();
    expect(await refusal(id, GONE)).toBe('no_proof');
    await age(id, '59 minutes');
    expect(await refusal(id, GONE)).toBe('no_proof');
    await age(id, '1 minute');
    expect(await record(id, GONE)).toEqual(GONE);
    expect(await record(id, archived())).toEqual(GONE);
    expect(await get(id)).toEqual(GONE);
    expect(await eventsOf(id)).toEqual([['content_gone', {}]]);
  });

  it('of a deleted video is always gone', async () => {
    const id = await charged();
    await site.db.ledger.deleteGeneration(site.tenant.accountId, id);
    expect(await record(id, archived())).toEqual(GONE);
    expect(await eventsOf(id)).toEqual([['content_gone', {}]]);
  });

  it.each<[string, Partial<Extract<Content, { state: 'archived' }>>]>([
    ['without bytes', { bytes: 0 }],
    ['with half a checksum', { sha256: randomBytes(16) }],
    ['without a type', { contentType: '' }],
    ['without a place', { location: '' }],
  ])('%s is refused', async (_what, changes) => {
    expect(await refusal(await charged(), { ...archived(), ...changes } as Content)).toBe('constraint');
  });

  it.each([
    `state = 'archived', bytes = NULL`,
    `state = 'gone'`,
    `state = 'lost', bytes = NULL, sha256 = NULL, content_type = NULL, location = NULL`,
  ])('the table itself refuses half a description: %s', async (changes) => {
    const id = await charged();
    await record(id, archived());
    const client = await site.db.admin.connect();
    try {
      await client.query('BEGIN; SET LOCAL session_replication_role = replica');
      await expect(client.query(`UPDATE contents SET ${changes} WHERE generation_id = $1`, [id])).rejects.toMatchObject(
        {
          code: '23514',
        },
      );
    } finally {
      await client.query('ROLLBACK');
      client.release();
    }
  });
});

describe('a record', () => {
  it.each(['UPDATE contents SET bytes = 1', 'DELETE FROM contents', 'TRUNCATE contents'])(
    'never changes, not for its owner either: %s',
    async (sql) => {
      await record(await charged(), archived());
      await expect(site.db.admin.query(sql)).rejects.toMatchObject({ code: 'HF004' });
    },
  );

  it('is shown to the owner of a charged, undeleted generation only (MR-52)', async () => {
    const id = await held();
    await record(id, archived());
    expect(await get(id)).toBeUndefined();
    await site.db.ledger.settleGeneration(id, 'completed');
    expect(await get(id)).toMatchObject({ state: 'archived' });
    expect(await get(id, (await openTenant(site.db, 0)).accountId)).toBeUndefined();
    await site.db.ledger.deleteGeneration(site.tenant.accountId, id);
    expect(await get(id)).toBeUndefined();
  });
});

describe('what archiving has to know', () => {
  it('is where the video is, since when it is complete by our clock, and what is done already', async () => {
    const open = await held('open');
    expect(await site.db.ledger.getArchiving(open)).toMatchObject({ state: 'held', completedForMs: null, video: null });
    const id = await charged();
    await age(id, '10 minutes');
    await record(id, archived(), 'thumbnail');
    const archiving = await site.db.ledger.getArchiving(id);
    expect(archiving).toMatchObject({ provider: PROVIDER.identity, state: 'charged', deleted: false, video: null });
    expect(archiving.recorded).toEqual(['thumbnail']);
    expect(archiving.completedForMs).toBeGreaterThanOrEqual(600_000);
    expect(archiving.completedForMs).toBeLessThan(660_000);
    await record(id, archived());
    expect(await site.db.ledger.getArchiving(id)).toMatchObject({ video: 'archived' });
  });
});

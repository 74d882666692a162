import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { toTimeline } from '../../api/generations/timeline.ts';
import { toVideo } from '../../api/videos/videoObject.ts';
import { NOTHING_SHOWN, type VideoFacts } from '../../contracts/content.ts';
import type { TestDatabase } from '../harness/support/database.ts';
import { createTestDatabase } from '../harness/support/database.ts';
import { ledgerSteps } from '../harness/support/ledgerSteps.ts';
import { type Made, madeSteps, SOLD } from '../harness/support/madeSteps.ts';

/** What the archived file shows is compared with what was sold; what was charged above it is refunded once (MR-75, MR-101). */

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(async () => {
  await db.drop();
});
afterEach(async () => {
  expect((await db.pool.query('SELECT * FROM ledger_drift')).rows).toEqual([]);
});

const { tenant, made, look, balance, eventsOf } = madeSteps(() => db);
const { outlive } = ledgerSteps(() => db);

const AS_SOLD: VideoFacts = { lengthMs: 8000, frameSize: '720x1280', hasSound: true };
const STORED = {
  state: 'archived',
  location: 'x',
  contentType: 'video/mp4',
  bytes: 1,
  sha256: Buffer.alloc(32),
} as const;

const archive = (id: string, shows: Partial<VideoFacts> = {}) =>
  db.ledger.recordArchivedVideo(id, STORED, { ...AS_SOLD, ...shows });

/** A charged one, of which the provider told this. */
async function charged(rule: 'as_made' | 'as_sold', told: Made = {}): Promise<string> {
  const { id } = await made(rule);
  await look(id, told);
  await db.ledger.settleGeneration(id, 'completed');
  return id;
}

const refundsOf = async (id: string) =>
  (await db.pool.query('SELECT key, amount_microcredits AS amount, actor FROM refunds WHERE generation_id = $1', [id]))
    .rows;
const refund = (id: string, amountMicrocredits: number, idempotencyKey: string) =>
  db.ledger.refundGeneration({ generationId: id, amountMicrocredits, reason: 'kindness', idempotencyKey });

describe('a charged video whose archived file', () => {
  it.each<[string, Partial<VideoFacts>, number, boolean]>([
    ['is as it was sold', {}, SOLD, false],
    ['is shorter', { lengthMs: 4000 }, 4 * 1500, true],
    ['is shorter than any that is sold', { lengthMs: 500 }, 4 * 1500, true],
    ['lacks a few frames', { lengthMs: 7970 }, SOLD, false],
    ['has a few frames more', { lengthMs: 8063 }, SOLD, false],
    ['has a few frames more than a shorter one', { lengthMs: 5063 }, 5 * 1500, true],
    ['lacks half a second', { lengthMs: 7500 }, SOLD, false],
    ['is longer', { lengthMs: 60_000 }, SOLD, true],
    ['is smaller', { frameSize: '320x640' }, 8 * 900, true],
    ['is of a size that nobody sells', { frameSize: '704x1280' }, SOLD, true],
    ['is silent', { hasSound: false }, 8 * 1000, true],
    ['is shorter, smaller and silent', { lengthMs: 4000, frameSize: '320x640', hasSound: false }, 4 * 400, true],
    ['can’t be read', NOTHING_SHOWN, SOLD, false],
    ['has figures that are none', { lengthMs: -4, frameSize: null }, SOLD, false],
    ['has a length beyond all', { lengthMs: Number.MAX_SAFE_INTEGER }, SOLD, false],
  ])('%s costs what it shows, or what was sold, as its offer says', async (_what, shows, asMade, differs) => {
    for (const [rule, cost] of [
      ['as_made', asMade],
      ['as_sold', SOLD],
    ] as const) {
      const id = await charged(rule);
      const due = SOLD - cost;
      expect(await archive(id, shows)).toMatchObject({ differs, refund: due > 0 ? 'refunded' : null });
      expect(await refundsOf(id)).toEqual(
        due > 0 ? [{ key: 'content otherwise', amount: due, actor: 'holdfast' }] : [],
      );
      expect(await balance()).toEqual({ charged: cost, held: 0 });
      expect(await eventsOf(id, 'content_otherwise')).toHaveLength(differs ? 1 : 0);
    }
  });

  it.each<[string, Made, number, Partial<VideoFacts>, number]>([
    ['shorter still than was told', { seconds: 6 }, 6 * 1500, { lengthMs: 4000 }, 4 * 1500],
    ['as short as was told', { seconds: 4 }, 4 * 1500, { lengthMs: 4000 }, 4 * 1500],
    ['longer than was told', { seconds: 4 }, 4 * 1500, { lengthMs: 8000 }, 4 * 1500],
    ['silent, which was not told', { seconds: 6 }, 6 * 1500, { lengthMs: null, hasSound: false }, 6 * 1000],
    ['not readable', { seconds: 6 }, 6 * 1500, NOTHING_SHOWN, 6 * 1500],
  ])('is %s: only the rest is refunded, and never more is charged', async (_what, told, first, shows, last) => {
    const id = await charged('as_made', told);
    expect(await balance()).toEqual({ charged: first, held: 0 });
    await archive(id, shows);
    expect(await balance()).toEqual({ charged: last, held: 0 });
  });

  // MR-43
  it('is shorter is settled as it was, whoever settles it again', async () => {
    const id = await charged('as_made');
    await archive(id, { lengthMs: 4000 });
    expect(await db.ledger.settleGeneration(id, 'completed')).toMatchObject({ result: 'settled' });
    expect(await eventsOf(id, 'settlement_conflict')).toEqual([]);
    expect(await balance()).toEqual({ charged: 4 * 1500, held: 0 });
  });

  // MR-8
  it.each([
    ['that has room for it', SOLD / 4, SOLD / 2],
    ['that leaves less than that', SOLD - 100, 100],
    ['of everything', SOLD, 0],
  ])('is shorter is refunded beside a refund of an operator’s, %s', async (_what, earlier, ours) => {
    const id = await charged('as_made');
    // His key is not ours, however he calls it.
    await refund(id, earlier, 'content_otherwise');
    expect(await archive(id, { lengthMs: 4000 })).toMatchObject({ refund: ours === 0 ? null : 'refunded' });
    expect(await balance()).toEqual({ charged: SOLD - earlier - ours, held: 0 });
    expect(await eventsOf(id, 'content_refund_refused')).toEqual([]);
  });

  it('is shorter is on record also where the balance has no room for the refund', async () => {
    const id = await charged('as_made');
    const { availableMicrocredits: there } = await db.ledger.getBalance(tenant().accountId);
    const all = { accountId: tenant().accountId, amountMicrocredits: Number.MAX_SAFE_INTEGER - there, reason: 'all' };
    await db.ledger.grantCredits({ ...all, idempotencyKey: 'all' });
    expect(await archive(id, { lengthMs: 4000 })).toMatchObject({ differs: true, refund: 'too_large' });
    expect(await eventsOf(id, 'content_refund_refused')).toEqual([{ outcome: 'too_large' }]);
  });

  it('is recorded with what it shows, and with nothing that is no length', async () => {
    const shown = async (id: string) =>
      (await db.pool.query('SELECT length_ms, frame_size, has_sound FROM contents WHERE generation_id = $1', [id]))
        .rows;
    const id = await charged('as_sold');
    await archive(id, { lengthMs: 4004, hasSound: false });
    expect(await shown(id)).toEqual([{ length_ms: 4004, frame_size: '720x1280', has_sound: false }]);
    expect(await eventsOf(id, 'archived')).toEqual([
      { bytes: 1, length_ms: 4004, frame_size: '720x1280', has_sound: false },
    ]);
    const odd = await charged('as_sold');
    await archive(odd, { lengthMs: 86_400_001, frameSize: null, hasSound: null });
    expect(await shown(odd)).toEqual([{ length_ms: null, frame_size: null, has_sound: null }]);
  });

  it('has a preview costs what it did, whatever that shows', async () => {
    const id = await charged('as_made');
    const small = [id, 'thumbnail', 'archived', 1, Buffer.alloc(32), 'image/webp', 'x', 1, '1x1', false];
    const { rows } = await db.pool.query(
      'SELECT refund, differs FROM record_content($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)',
      small,
    );
    expect(rows).toEqual([{ refund: null, differs: false }]);
    expect(await balance()).toEqual({ charged: SOLD, held: 0 });
  });

  // MR-97
  it('is shorter is told to its customer as a refund, with the reason in its timeline', async () => {
    const id = await charged('as_made');
    await archive(id, { lengthMs: 4000 });
    await refund(id, 1000, 'by hand');
    const generation = await db.ledger.getGeneration(tenant().accountId, id);
    if (generation === undefined) throw new Error('it is there');
    const { credits } = toVideo(generation);
    expect(credits).toMatchObject({ amount_microcredits: SOLD, refunded_microcredits: 7000 });
    expect(credits.message).toContain('0.012000 credits were charged for this video. 0.007000 of them were refunded');
    const events = await db.ledger.listEvents(tenant().accountId, id);
    expect(toTimeline('video', events).map(({ message }) => message)).toEqual(
      expect.arrayContaining([
        'The archived video shows something else than was ordered: 4 seconds instead of 8',
        '0.006000 of the charged credits were refunded: the archived video shows less than was charged',
        '0.001000 of the charged credits were refunded by the operator',
      ]),
    );
    expect(await eventsOf(id, 'credits_refunded')).toEqual([
      { amount_microcredits: 6000, actor: 'holdfast', reason: 'content_otherwise' },
      { amount_microcredits: 1000, actor: 'operator' },
    ]);
  });
});

describe('a video that is archived before its capture', () => {
  it('is captured at what its file shows, and not refunded besides', async () => {
    const { id } = await made('as_made');
    await look(id, {});
    expect(await archive(id, { lengthMs: 4000 })).toMatchObject({ differs: true, refund: null });
    await db.ledger.settleGeneration(id, 'completed');
    expect(await db.ledger.settleGeneration(id, 'completed')).toMatchObject({ result: 'settled' });
    expect(await eventsOf(id, 'settlement_conflict')).toEqual([]);
    expect(await archive(id, { lengthMs: 1 })).toMatchObject({ differs: false, refund: null });
    expect(await balance()).toEqual({ charged: 4 * 1500, held: 0 });
  });

  it('as a claim is, costs what its file shows, and says so', async () => {
    const { id } = await made('as_made');
    await outlive(id);
    await db.ledger.settleGeneration(id, 'expired');
    await look(id, { seconds: 6 });
    const claim = `video_${randomUUID().replaceAll('-', '')}`;
    const claimed = { generationId: claim, ...tenant(), claimOf: id, admitWithinMs: 60_000, idempotencyKey: null };
    await db.ledger.claimGeneration({ ...claimed, fingerprint: Buffer.alloc(32) });
    await db.ledger.placeHold(claim, 3600);
    expect(await archive(claim, { lengthMs: 4000 })).toMatchObject({ differs: true, refund: null });
    await db.ledger.settleGeneration(claim, 'completed');
    expect(await balance()).toEqual({ charged: 4 * 1500, held: 0 });
    const generation = await db.ledger.getGeneration(tenant().accountId, claim);
    expect(generation?.madeSeconds).toBe(4);
    expect(await eventsOf(claim, 'charged')).toMatchObject([{ made_seconds: 4, amount_microcredits: 4 * 1500 }]);
  });
});

// MR-101
describe('archiving that is run again, by whomever and however often', () => {
  it('refunds once: the first record of the file stands', async () => {
    const id = await charged('as_made');
    const runs = await Promise.all(Array.from({ length: 8 }, () => archive(id, { lengthMs: 4000 })));
    expect(runs.filter(({ refund: made }) => made === 'refunded')).toHaveLength(1);
    expect(runs.filter(({ differs }) => differs)).toHaveLength(1);
    expect(await archive(id, { lengthMs: 1, frameSize: '320x640', hasSound: false })).toMatchObject({
      refund: null,
      differs: false,
    });
    expect(await refundsOf(id)).toHaveLength(1);
    expect(await balance()).toEqual({ charged: 4 * 1500, held: 0 });
  });

  it('can’t be forged by the service: what was recorded of a file stays', async () => {
    const id = await charged('as_made');
    await archive(id);
    const forged = db.pool.query('UPDATE contents SET length_ms = 1 WHERE generation_id = $1', [id]);
    await expect(forged).rejects.toMatchObject({ code: '42501' });
    const owned = db.admin.query('UPDATE contents SET length_ms = 1 WHERE generation_id = $1', [id]);
    await expect(owned).rejects.toMatchObject({ code: 'HF004' });
    const refunded = db.pool.query(
      `SELECT refund_made(g, c) FROM generations g JOIN contents c ON c.generation_id = g.id`,
    );
    await expect(refunded).rejects.toMatchObject({ code: '42501' });
  });
});

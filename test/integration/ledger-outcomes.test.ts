import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { videoId } from '../../contracts/ids.ts';
import type { TestDatabase } from '../harness/support/database.ts';
import { PRICE, admit, createTestDatabase, openTenant } from '../harness/support/database.ts';
import type { Held } from '../harness/support/ledgerSteps.ts';
import { BLOCKED, FINISHED, OPEN, PROVIDER, adoptOne, ledgerSteps } from '../harness/support/ledgerSteps.ts';

/** Guards of holds, settlements and what proves them, one by one; test/harness/mutants takes each out to see one of these fail. */

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase(5);
});
afterAll(async () => {
  await db.drop();
});
afterEach(async () => {
  expect((await db.pool.query('SELECT * FROM ledger_drift')).rows).toEqual([]);
});

const { held, seen, begin, settle, notMade, outlive, balance, noProof } = ledgerSteps(() => db);
const HELD = { available: 0, held: PRICE };
const PART = 200_000;
const capture = (id: string, chargeMicrocredits: number) =>
  db.ledger.settleGeneration(id, 'completed', { chargeMicrocredits });
const active = async ({ tenant }: Held) => (await db.ledger.getBalance(tenant.accountId)).activeGenerations;
const events = async ({ tenant, id }: Held, kind: string) =>
  (await db.ledger.listEvents(tenant.accountId, id)).filter((event) => event.kind === kind).map(({ data }) => data);
const sqlstate = async (sql: string, values: unknown[]) =>
  db.pool.query(sql, values).then(
    () => 'accepted',
    (error: unknown) => (error as { code?: string }).code,
  );
/** As a test of time needs it: the triggers are off for the moment. */
const bend = async (sql: string, values: unknown[]) => {
  const client = await db.admin.connect();
  await client.query('BEGIN; SET LOCAL session_replication_role = replica');
  await client.query(sql, values);
  await client.query('COMMIT');
  client.release();
};
const notFound = async (id: string, number: number) => {
  await begin(id);
  await db.ledger.endAttempt(id, number, { outcome: 'not_found' });
};

describe('a capture of a part', () => {
  it('charges the part and gives the rest back, once', async () => {
    const hold = await seen(FINISHED);
    const first = await capture(hold.id, PART);
    expect(first).toMatchObject({ result: 'settled', settlement: { charged: true, reason: 'completed' } });
    expect(await capture(hold.id, PART)).toEqual(first);
    expect(await balance(hold)).toEqual({ available: PRICE - PART, held: 0 });
    const { rows } = await db.pool.query(
      `SELECT t.available_microcredits AS available, t.held_microcredits AS held, t.revenue_microcredits AS revenue,
         g.charged_amount_microcredits AS charged
       FROM journal_transactions t JOIN generations g ON t.key = g.id || ':settle' WHERE g.id = $1`,
      [hold.id],
    );
    expect(rows).toEqual([{ available: PRICE - PART, held: -PRICE, revenue: PART, charged: PART }]);
  });

  it('of another amount afterwards is a conflict, on record with what was asked for', async () => {
    const hold = await seen(FINISHED);
    await capture(hold.id, PART);
    expect(await capture(hold.id, PART + 1)).toMatchObject({ result: 'conflict', settlement: { charged: true } });
    expect(await events(hold, 'settlement_conflict')).toEqual([
      { asked: 'completed', asked_microcredits: PART + 1, stands: 'completed' },
    ]);
    expect(await balance(hold)).toEqual({ available: PRICE - PART, held: 0 });
  });

  it('of nothing is a release, and needs the same proof', async () => {
    for (const hold of [await held(), await seen(OPEN), await seen(BLOCKED)]) {
      await expect(capture(hold.id, 0)).rejects.toMatchObject({ code: 'no_proof' });
      expect(await balance(hold)).toEqual(HELD);
    }
    const hold = await seen(FINISHED);
    expect(await capture(hold.id, 0)).toMatchObject({
      result: 'settled',
      settlement: { charged: false, reason: 'nothing_to_charge', errorCode: 'nothing_delivered' },
    });
    expect(await balance(hold)).toEqual({ available: PRICE, held: 0 });
  });

  // MR-8
  it('of more than is held is refused as that, and the hold can still be captured', async () => {
    const hold = await seen(FINISHED);
    await expect(capture(hold.id, PRICE + 1)).rejects.toMatchObject({ code: 'exceeds_hold' });
    expect(await balance(hold)).toEqual(HELD);
    expect(await capture(hold.id, PRICE)).toMatchObject({ result: 'settled', settlement: { charged: true } });
  });

  it('has an amount of 0 or more, and nothing but a capture has one', async () => {
    const [finished, over] = [await seen(FINISHED), await seen(OPEN)];
    await outlive(over.id);
    const settleFor = 'SELECT * FROM settle_generation($1, $2, $3)';
    expect(await sqlstate(settleFor, [finished.id, 'completed', -1])).toBe('22003');
    for (const amount of [0, 1, PRICE]) expect(await sqlstate(settleFor, [over.id, 'expired', amount])).toBe('22003');
    expect([await balance(finished), await balance(over)]).toEqual([HELD, HELD]);
  });
});

describe('"could not be started" has no proof', () => {
  it('while the third attempt may have arrived', async () => {
    const hold = await held();
    for (const number of [1, 2]) await notFound(hold.id, number);
    await begin(hold.id);
    await noProof(hold.id, ['create_failed', 'provider_unavailable']);
    expect(await balance(hold)).toEqual(HELD);
  });

  it('when the third attempt made the video', async () => {
    const hold = await held();
    for (const number of [1, 2]) await notFound(hold.id, number);
    await begin(hold.id);
    await db.ledger.endAttempt(hold.id, 3, { outcome: 'created', providerVideoId: 'third', providerCreatedAt: null });
    await noProof(hold.id, ['create_failed', 'provider_unavailable']);
    expect(await balance(hold)).toEqual(HELD);
  });
});

describe('an emergency', () => {
  const elevenMinutes = (id: string) =>
    bend("UPDATE generations SET settlement_refused_at = now() - interval '11 minutes' WHERE id = $1", [id]);

  it('releases a completed video whose charge the database refuses for ever', async () => {
    const hold = await seen(FINISHED);
    await db.admin.query(
      `ALTER TABLE journal_transactions ADD CONSTRAINT broken CHECK (kind <> 'capture' OR account_id <> '${hold.tenant.accountId}')`,
    );
    try {
      await expect(settle(hold.id, 'completed')).rejects.toMatchObject({ code: 'constraint' });
      await db.ledger.recordSettlementRefusal(hold.id, 'completed', 'broken');
      await expect(db.ledger.settleGeneration(hold.id, 'emergency')).rejects.toMatchObject({ code: 'no_proof' });
      await elevenMinutes(hold.id);
      expect(await db.ledger.settleGeneration(hold.id, 'emergency')).toMatchObject({
        result: 'settled',
        settlement: { charged: false, reason: 'emergency', errorCode: 'settlement_failed' },
      });
    } finally {
      await db.admin.query('ALTER TABLE journal_transactions DROP CONSTRAINT broken');
    }
    expect(await balance(hold)).toEqual({ available: PRICE, held: 0 });
    // Its owner may have it after all.
    const again = { ...hold.tenant, generationId: videoId(randomUUID()), claimOf: hold.id, admitWithinMs: 60_000 };
    const asked = { fingerprint: Buffer.alloc(32), idempotencyKey: null };
    expect(await db.ledger.claimGeneration({ ...again, ...asked })).toMatchObject({
      outcome: 'admitted',
      amountMicrocredits: PRICE,
    });
  });

  it('counts its ten minutes from the first refusal, however many follow', async () => {
    const hold = await held();
    await db.ledger.recordSettlementRefusal(hold.id, 'expired', 'first');
    await elevenMinutes(hold.id);
    await db.ledger.recordSettlementRefusal(hold.id, 'expired', 'second');
    expect(await db.ledger.settleGeneration(hold.id, 'emergency')).toMatchObject({ result: 'settled' });
  });
});

describe('the place under the cap', () => {
  it('is kept while credits are held, though the video has ended', async () => {
    const hold = await seen(BLOCKED);
    expect(await active(hold)).toBe(1);
    await settle(hold.id, 'provider_failed');
    expect(await active(hold)).toBe(0);
  });

  it('is kept after a release until a look sees the end, not at just any look', async () => {
    const hold = await seen(OPEN);
    await outlive(hold.id);
    await settle(hold.id, 'expired');
    await db.ledger.recordLook(hold.id, hold.video, { ...OPEN, progress: 90 });
    expect(await active(hold)).toBe(1);
    await db.ledger.recordLook(hold.id, hold.video, BLOCKED);
    expect(await active(hold)).toBe(0);
  });

  it('is kept after a release while an attempt may have arrived, and freed when it is proven to have made nothing', async () => {
    const hold = await held();
    await begin(hold.id);
    await outlive(hold.id);
    await settle(hold.id, 'expired');
    expect(await active(hold)).toBe(1);
    await notMade(hold.id);
    expect(await active(hold)).toBe(0);
  });
});

describe('an attempt', () => {
  it('that made a video ends with its id, and no other does', async () => {
    const hold = await held();
    await begin(hold.id);
    const end = (outcome: string | null, video: string | null) =>
      sqlstate('SELECT end_attempt($1, 1, $2, $3, $3, NULL, NULL, NULL)', [hold.id, outcome, video]);
    for (const [outcome, video] of [
      ['created', null],
      ['adopted', null],
      ['not_made', 'a video'],
      ['refused', 'a video'],
      ['conflict', null],
      [null, null],
    ] as const) {
      expect(await end(outcome, video), `${outcome} ${video}`).toBe('22004');
    }
    expect((await begin(hold.id)).outcome).toBe('open');
  });

  it('that ended and is answered late leaves the video on record, owned by nobody', async () => {
    const hold = await held();
    await notFound(hold.id, 1);
    await db.ledger.endAttempt(hold.id, 1, { outcome: 'created', providerVideoId: 'late', providerCreatedAt: null });
    expect(await events(hold, 'orphan_video')).toEqual([{ attempt: 1, provider_video_id: 'late' }]);
    expect((await begin(hold.id)).outcome).toBe('begun');
  });

  it('that ended adopts nothing', async () => {
    const hold = await held();
    await begin(hold.id);
    await notMade(hold.id);
    expect(await adoptOne(db, hold.id, 1, { id: 'found', createdAt: null })).toBe('closed');
    expect(await adoptOne(db, hold.id, 2, { id: 'found', createdAt: null })).toBe('closed');
    expect(await db.ledger.getProviderVideo(hold.id)).toMatchObject({ videoId: null });
  });
});

describe('a settled generation', () => {
  it('is never held again, whatever asks for its hold', async () => {
    const tenant = await openTenant(db, 3 * PRICE);
    const id = await admit(db, tenant);
    await db.ledger.placeHold(id, 3600);
    await settle(id, 'provider_unavailable');
    expect(await db.ledger.placeHold(id, 3600)).toMatchObject({ outcome: 'settled', settlement: { charged: false } });
    expect(await db.ledger.beginAttempt(id, [PROVIDER])).toEqual({ outcome: 'settled' });
    expect(await balance({ tenant, id })).toEqual({ available: 3 * PRICE, held: 0 });
  });

  it('records no cancel', async () => {
    const hold = await held();
    await settle(hold.id, 'provider_unavailable');
    expect(await db.ledger.requestCancel(hold.id, 'client')).toEqual({ state: 'released', first: false });
    expect(await events(hold, 'cancel_requested')).toEqual([]);
  });

  it('is deleted by its own account alone, and an open one by nobody', async () => {
    const [hold, other] = [await held(), await held()];
    const erase = ({ accountId }: Held['tenant']) => db.ledger.deleteGeneration(accountId, hold.id);
    expect(await erase(hold.tenant)).toBe(false);
    await settle(hold.id, 'provider_unavailable');
    expect(await erase(other.tenant)).toBe(false);
    expect(await db.ledger.getGeneration(hold.tenant.accountId, hold.id)).toBeDefined();
    expect(await erase(hold.tenant)).toBe(true);
    expect(await db.ledger.getGeneration(hold.tenant.accountId, hold.id)).toBeUndefined();
  });
});

import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { videoId } from '../../contracts/ids.ts';
import type { TestDatabase } from '../harness/support/database.ts';
import { PRICE, createTestDatabase } from '../harness/support/database.ts';
import type { Held } from '../harness/support/ledgerSteps.ts';
import { BLOCKED, FINISHED, ledgerSteps, OPEN, PROVIDER } from '../harness/support/ledgerSteps.ts';
import { archived, GONE } from '../harness/support/contentSteps.ts';

/** A cancel that is sent to a provider which can end unfinished work (MR-9): what the database takes for its proof. */

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

const { held, created, seen, settle, outlive, balance, noProof } = ledgerSteps(() => db);
const REFUNDED = { available: PRICE, held: 0 };
const HELD = { available: 0, held: PRICE };
const CHARGED = { available: 0, held: 0 };

type Made = Held & { video: string };

const begin = async (id: string) => (await db.ledger.beginCancel(id)).outcome;
const ended = ({ id, video }: Made) => db.ledger.recordCancelEnded(id, video);
const keep = ({ id }: Made) => db.ledger.recordContent(id, 'video', archived());
const lose = ({ id }: Made) => db.ledger.recordContent(id, 'video', GONE);
const activeOf = async ({ tenant }: Held) => (await db.ledger.getBalance(tenant.accountId)).activeGenerations;
/** As if it had been looked at so long ago. */
const age = ({ id }: Held, interval: string) =>
  db.admin.query('UPDATE generations SET last_look_at = last_look_at - $2::interval WHERE id = $1', [id, interval]);

/** Of which the cancel is wanted; still being made, unless it was seen otherwise. */
async function wanted(look: typeof OPEN | typeof FINISHED | typeof BLOCKED = OPEN): Promise<Made> {
  const hold = await seen(look);
  await db.ledger.requestCancel(hold.id, 'client');
  return hold;
}

/** Whose cancel was sent. */
async function sent(): Promise<Made> {
  const hold = await wanted();
  expect(await begin(hold.id)).toBe('begun');
  return hold;
}

/** Seen completed after its cancel was sent. */
async function completedAfter(): Promise<Made> {
  const hold = await sent();
  await db.ledger.recordLook(hold.id, hold.video, FINISHED);
  return hold;
}

// MR-9
describe('a cancel is sent', () => {
  it('once in a generation’s life, whoever asks at the same moment, and is on record before', async () => {
    const { id, video } = await wanted();
    const begun = await Promise.all(Array.from({ length: 10 }, () => db.ledger.beginCancel(id)));
    expect(begun.filter(({ outcome }) => outcome === 'begun')).toEqual([{ outcome: 'begun', providerVideoId: video }]);
    expect(begun.filter(({ outcome }) => outcome === 'sent')).toHaveLength(9);
    const { rows } = await db.pool.query(
      "SELECT FROM generation_events WHERE generation_id = $1 AND kind = 'cancel_sent'",
      [id],
    );
    expect(rows).toHaveLength(1);
  });

  it('only while a wanted video is held and was just seen unfinished', async () => {
    const unasked = await seen(OPEN);
    const unknown = await held();
    await db.ledger.requestCancel(unknown.id, 'client');
    const unseen = await created();
    await db.ledger.requestCancel(unseen.id, 'client');
    const stale = await wanted();
    await age(stale, '61 seconds');
    const released = await wanted();
    await outlive(released.id);
    await settle(released.id, 'expired');
    const refused = [unasked, unknown, unseen, stale, released, await wanted(FINISHED), await wanted(BLOCKED)];
    expect(await Promise.all(refused.map(({ id }) => begin(id)))).toEqual(refused.map(() => 'refused'));
  });

  it('to no video whose id the provider has also given to another generation', async () => {
    const hold = await wanted();
    const other = await held();
    await db.ledger.beginAttempt(other.id, [PROVIDER]);
    const end = { outcome: 'created', providerVideoId: hold.video, providerCreatedAt: null } as const;
    expect(await db.ledger.endAttempt(other.id, 1, end)).toBe('conflict');
    expect(await begin(hold.id)).toBe('refused');
    // Nor is it asked for again with every look.
    expect((await db.ledger.recordLook(hold.id, hold.video, OPEN)).cancel).toBe('none');
  });

  it('and that is never taken back', async () => {
    const hold = await sent();
    await ended(hold);
    for (const change of [
      'cancel_sent_at = NULL',
      'cancel_sent_at = now()',
      'cancel_ended_at = NULL',
      'cancel_ended_at = now()',
    ]) {
      const changing = db.admin.query(`UPDATE generations SET ${change} WHERE id = $1`, [hold.id]);
      await expect(changing, change).rejects.toMatchObject({ code: 'HF004' });
    }
    const none = await seen(OPEN);
    for (const change of ['cancel_sent_at = now()', 'cancel_requested_at = now(), cancel_ended_at = now()']) {
      const changing = db.admin.query(`UPDATE generations SET ${change} WHERE id = $1`, [none.id]);
      await expect(changing, change).rejects.toMatchObject({ constraint: 'generations_cancel_in_order' });
    }
  });
});

// MR-9
describe('the hold of a cancelled video is released', () => {
  it('by the provider’s recorded word that its work was ended, and its slot is free', async () => {
    const hold = await sent();
    await noProof(hold.id, ['cancelled', 'completed', 'provider_failed']);
    expect(await ended(hold)).toBe(true);
    await noProof(hold.id, ['completed', 'provider_failed', 'create_failed']);
    expect(await settle(hold.id, 'expired')).toEqual({ result: 'terminal', look: { verdict: 'ended' } });
    expect(await settle(hold.id, 'cancelled')).toMatchObject({
      result: 'settled',
      settlement: { charged: false, reason: 'cancelled', errorCode: 'cancelled' },
    });
    expect([await balance(hold), await activeOf(hold)]).toEqual([REFUNDED, 0]);
    expect(await ended(hold)).toBe(true);
    expect(await begin(hold.id)).toBe('ended');
  });

  it('by no word about another video, without a cancel, or after it was seen to end', async () => {
    const [hold, unsent, completed] = [await sent(), await wanted(), await completedAfter()];
    await expect(db.ledger.recordCancelEnded(hold.id, unsent.video)).rejects.toMatchObject({ code: 'wrong_state' });
    await expect(ended(unsent)).rejects.toMatchObject({ code: 'no_proof' });
    expect(await ended(completed)).toBe(false);
    for (const { id } of [hold, unsent, completed]) await noProof(id, ['cancelled']);
    expect(await balance(hold)).toEqual(HELD);
  });

  it('by no word about an id that another generation’s create was answered with meanwhile', async () => {
    const hold = await sent();
    const other = await held();
    await db.ledger.beginAttempt(other.id, [PROVIDER]);
    await db.ledger.endAttempt(other.id, 1, {
      outcome: 'created',
      providerVideoId: hold.video,
      providerCreatedAt: null,
    });
    expect(await ended(hold)).toBe(false);
    await noProof(hold.id, ['cancelled']);
  });

  it('by a word that came after the release at the hold’s end: it frees the slot', async () => {
    const hold = await sent();
    await outlive(hold.id);
    expect(await settle(hold.id, 'expired')).toMatchObject({ settlement: { reason: 'expired' } });
    expect(await activeOf(hold)).toBe(1);
    expect(await ended(hold)).toBe(true);
    expect([await balance(hold), await activeOf(hold)]).toEqual([REFUNDED, 0]);
  });

  it('at the hold’s end, when nothing was proven', async () => {
    const hold = await sent();
    expect(await settle(hold.id, 'expired')).toMatchObject({ result: 'not_due' });
    await outlive(hold.id);
    expect(await settle(hold.id, 'expired')).toMatchObject({ result: 'settled', settlement: { reason: 'expired' } });
    expect(await balance(hold)).toEqual(REFUNDED);
  });

  it('when it failed after all, with the provider’s reason', async () => {
    const hold = await sent();
    await db.ledger.recordLook(hold.id, hold.video, BLOCKED);
    await noProof(hold.id, ['cancelled', 'completed']);
    expect(await settle(hold.id, 'expired')).toEqual({ result: 'terminal', look: { verdict: 'failed' } });
    expect(await settle(hold.id, 'provider_failed')).toMatchObject({ settlement: { errorCode: 'moderation_blocked' } });
  });
});

// MR-9
describe('a video that completes after its cancel was sent', () => {
  it('is charged once its content is archived, and never before', async () => {
    const hold = await completedAfter();
    await noProof(hold.id, ['completed', 'cancelled', 'provider_failed']);
    await expect(db.ledger.settleGeneration(hold.id, 'completed', { chargeMicrocredits: 0 })).rejects.toMatchObject({
      code: 'no_proof',
    });
    expect(await settle(hold.id, 'expired')).toMatchObject({ result: 'not_due' });
    await keep(hold);
    await noProof(hold.id, ['cancelled']);
    expect(await settle(hold.id, 'expired')).toEqual({ result: 'terminal', look: { verdict: 'completed' } });
    expect(await settle(hold.id, 'completed')).toMatchObject({ result: 'settled', settlement: { charged: true } });
    expect(await balance(hold)).toEqual(CHARGED);
  });

  it('is charged for an archived content only, not for a thumbnail', async () => {
    const hold = await completedAfter();
    await db.ledger.recordContent(hold.id, 'thumbnail', archived());
    await noProof(hold.id, ['completed']);
  });

  it('is released once its content is on record as gone, a minute after it was seen completed', async () => {
    const hold = await completedAfter();
    await expect(lose(hold)).rejects.toMatchObject({ code: 'no_proof' });
    await age(hold, '61 seconds');
    await lose(hold);
    await noProof(hold.id, ['completed']);
    expect(await settle(hold.id, 'expired')).toEqual({ result: 'terminal', look: { verdict: 'ended' } });
    expect(await settle(hold.id, 'cancelled')).toMatchObject({
      settlement: { charged: false, errorCode: 'cancelled' },
    });
    expect([await balance(hold), await activeOf(hold)]).toEqual([REFUNDED, 0]);
  });

  it('is released at the hold’s end when it could not be archived', async () => {
    const hold = await completedAfter();
    await outlive(hold.id);
    expect(await settle(hold.id, 'expired')).toMatchObject({ result: 'settled', settlement: { reason: 'expired' } });
    expect(await balance(hold)).toEqual(REFUNDED);
    await expect(keep(hold)).rejects.toMatchObject({ code: 'wrong_state' });
  });

  it('is released in an emergency while it is not archived, and charged once it is', async () => {
    const [lost, kept] = [await completedAfter(), await completedAfter()];
    await keep(kept);
    for (const { id } of [lost, kept]) {
      await db.ledger.recordSettlementRefusal(id, 'completed', 'no_proof');
      await db.admin.query(
        "UPDATE generations SET settlement_refused_at = now() - interval '11 minutes' WHERE id = $1",
        [id],
      );
    }
    expect(await db.ledger.settleGeneration(lost.id, 'emergency')).toMatchObject({
      settlement: { reason: 'emergency' },
    });
    expect(await db.ledger.settleGeneration(kept.id, 'emergency')).toMatchObject({ settlement: { charged: true } });
  });

  it('or whose work was ended is settled by hand when Temporal is gone', async () => {
    const [lost, kept, stopped] = [await completedAfter(), await completedAfter(), await sent()];
    await keep(kept);
    await ended(stopped);
    const overdue = [lost, kept, stopped].map(({ id }) => id);
    await db.admin.query(
      `SET session_replication_role = replica;
       UPDATE holds SET placed_at = now() - interval '5 hours', expires_at = now() - interval '4 hours'
         WHERE generation_id IN (${overdue.map((id) => `'${id}'`).join(', ')});
       SET session_replication_role = origin`,
    );
    const { rows } = await db.pool.query<{ generation_id: string; settlement_reason: string }>(
      'SELECT generation_id, settlement_reason FROM release_expired_holds()',
    );
    const reasons = new Map(rows.map((row) => [row.generation_id, row.settlement_reason]));
    expect(overdue.map((id) => reasons.get(id))).toEqual(['expired', 'completed', 'cancelled']);
  });

  it('or is ended at that very moment: it is never charged without its content', async () => {
    for (let round = 0; round < 10; round += 1) {
      const hold = await sent();
      const [, isEnded] = await Promise.all([db.ledger.recordLook(hold.id, hold.video, FINISHED), ended(hold)]);
      await noProof(hold.id, isEnded ? ['completed'] : ['completed', 'cancelled']);
    }
  });
});

describe('a look', () => {
  it('tells how far a cancel has come; of a claim, that there is none', async () => {
    const look = async ({ id, video }: Made) => (await db.ledger.recordLook(id, video, OPEN)).cancel;
    const hold = await seen(OPEN);
    expect(await look(hold)).toBe('none');
    await db.ledger.requestCancel(hold.id, 'client');
    expect(await look(hold)).toBe('requested');
    await begin(hold.id);
    expect(await look(hold)).toBe('sent');
  });
});

describe('a claim', () => {
  it('of a video whose cancel was sent is paid as any other, and is not cancelled itself', async () => {
    const hold = await sent();
    await outlive(hold.id);
    await settle(hold.id, 'expired');
    await db.ledger.recordLook(hold.id, hold.video, FINISHED);
    const claim = { ...hold, id: videoId(randomUUID()) };
    const request = { ...hold.tenant, generationId: claim.id, claimOf: hold.id, admitWithinMs: 60_000 };
    await db.ledger.claimGeneration({ ...request, fingerprint: Buffer.alloc(32), idempotencyKey: null });
    await db.ledger.placeHold(claim.id, 3600);
    await db.ledger.requestCancel(claim.id, 'client');
    expect((await db.ledger.recordLook(claim.id, hold.video, FINISHED)).cancel).toBe('none');
    expect(await begin(claim.id)).toBe('refused');
    await age(hold, '59 minutes');
    await expect(lose(claim)).rejects.toMatchObject({ code: 'no_proof' });
    await keep(claim);
    expect(await settle(claim.id, 'completed')).toMatchObject({ settlement: { charged: true } });
  });
});

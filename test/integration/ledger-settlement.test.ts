import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { TestDatabase } from '../harness/support/database.ts';
import { PRICE, admit, createTestDatabase, openTenant } from '../harness/support/database.ts';
import { BLOCKED, FINISHED, OPEN, ledgerSteps } from '../harness/support/ledgerSteps.ts';

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

const { held, created, seen, begin, settle, refuse, outlive, balance, noProof } = ledgerSteps(() => db);
const HELD = { available: 0, held: PRICE };
const CHARGED = { available: 0, held: 0 };
const REFUNDED = { available: PRICE, held: 0 };
const events = async (id: string, kind: string) =>
  (
    await db.pool.query<{ data: unknown }>(
      'SELECT data FROM generation_events WHERE generation_id = $1 AND kind = $2',
      [id, kind],
    )
  ).rows.map(({ data }) => data);
const settlements = async (id: string) =>
  (await db.pool.query('SELECT FROM journal_transactions WHERE key = $1', [`${id}:settle`])).rows.length;

// MR-1, MR-2
describe('a settlement needs its proof', () => {
  it('nothing was tried: only "too little time left" can be', async () => {
    const hold = await held();
    await noProof(hold.id, ['completed', 'provider_failed', 'submission_refused']);
    expect(await settle(hold.id, 'expired')).toMatchObject({ result: 'not_due' });
    expect(await balance(hold)).toEqual(HELD);
    expect(await settle(hold.id, 'provider_unavailable')).toEqual({
      result: 'settled',
      settlement: { charged: false, reason: 'provider_unavailable', errorCode: 'provider_unavailable' },
    });
    expect(await balance(hold)).toEqual(REFUNDED);
  });

  it('an attempt that may have arrived proves nothing', async () => {
    const hold = await held();
    await begin(hold.id);
    await db.ledger.noteAmbiguousAttempt(hold.id, 1, 'connection reset');
    await noProof(hold.id, ['completed', 'provider_failed', 'submission_refused', 'provider_unavailable']);
    expect(await balance(hold)).toEqual(HELD);
  });

  it('a video that is still being made proves nothing', async () => {
    const hold = await seen(OPEN);
    await noProof(hold.id, ['completed', 'provider_failed', 'submission_refused', 'provider_unavailable']);
    expect(await settle(hold.id, 'expired')).toMatchObject({ result: 'not_due' });
    expect(await balance(hold)).toEqual(HELD);
  });

  it('completed charges and nothing else', async () => {
    const hold = await seen(FINISHED);
    await noProof(hold.id, ['provider_failed', 'submission_refused', 'provider_unavailable']);
    expect(await settle(hold.id, 'expired')).toEqual({ result: 'terminal', look: { verdict: 'completed' } });
    expect(await settle(hold.id, 'completed')).toMatchObject({
      result: 'settled',
      settlement: { charged: true, errorCode: null },
    });
    expect(await balance(hold)).toEqual(CHARGED);
  });

  // MR-11
  it("failed refunds with the provider's code and message", async () => {
    const hold = await seen(BLOCKED);
    await noProof(hold.id, ['completed', 'submission_refused', 'provider_unavailable']);
    expect(await settle(hold.id, 'expired')).toEqual({ result: 'terminal', look: { verdict: 'failed' } });
    await settle(hold.id, 'provider_failed');
    expect(await db.ledger.getGeneration(hold.tenant.accountId, hold.id)).toMatchObject({
      state: 'released',
      errorCode: 'moderation_blocked',
      errorMessage: 'Blocked.',
    });
    expect(await balance(hold)).toEqual(REFUNDED);
  });

  it('a refused attempt releases with its code', async () => {
    const hold = await held();
    await begin(hold.id);
    await refuse(hold.id);
    await noProof(hold.id, ['completed', 'provider_failed']);
    expect(await settle(hold.id, 'submission_refused')).toMatchObject({
      settlement: { charged: false, errorCode: 'invalid_request' },
    });
    expect(await balance(hold)).toEqual(REFUNDED);
  });

  it("expired needs the hold's time to be over by the database's clock", async () => {
    const hold = await seen(OPEN);
    const early = await settle(hold.id, 'expired');
    expect(early.result === 'not_due' && early.timeLeftMs).toBeGreaterThan(3_500_000);
    await outlive(hold.id);
    expect(await settle(hold.id, 'expired')).toEqual({
      result: 'settled',
      settlement: { charged: false, reason: 'expired', errorCode: 'generation_timeout' },
    });
    expect(await balance(hold)).toEqual(REFUNDED);
  });

  it('after its time a completed video is still charged, never timed out', async () => {
    const hold = await seen(FINISHED);
    await outlive(hold.id);
    expect(await settle(hold.id, 'expired')).toMatchObject({ result: 'terminal' });
    expect(await settle(hold.id, 'completed')).toMatchObject({ result: 'settled' });
    expect(await balance(hold)).toEqual(CHARGED);
  });

  it.each(['', 'COMPLETED', 'completed ', 'refund', null])(
    'a reason that nobody knows (%s) settles nothing',
    async (reason) => {
      const hold = await seen(FINISHED);
      await expect(db.pool.query('SELECT * FROM settle_generation($1, $2)', [hold.id, reason])).rejects.toMatchObject({
        code: 'HF003',
      });
      expect(await balance(hold)).toEqual(HELD);
    },
  );

  it("what was never held can't be settled", async () => {
    const tenant = await openTenant(db, PRICE);
    const id = await admit(db, tenant);
    await expect(settle(id, 'provider_unavailable')).rejects.toMatchObject({ code: 'wrong_state' });
    await db.ledger.voidGeneration(id);
    await expect(settle(id, 'expired')).rejects.toMatchObject({ code: 'wrong_state' });
    await expect(settle('video_00000000000000000000000000000000', 'completed')).rejects.toMatchObject({
      code: 'unknown_generation',
    });
  });
});

describe('settling twice', () => {
  // MR-43, MR-44
  it('moves money once and answers the same', async () => {
    const hold = await seen(FINISHED);
    const first = await settle(hold.id, 'completed');
    expect(await settle(hold.id, 'completed')).toEqual(first);
    expect(await settlements(hold.id)).toBe(1);
    expect(await balance(hold)).toEqual(CHARGED);
    const { rows } = await db.pool.query(
      `SELECT book, amount_microcredits AS amount FROM journal_entries e JOIN journal_transactions t ON t.id = e.transaction_id
       WHERE t.generation_id = $1 ORDER BY t.id, amount`,
      [hold.id],
    );
    expect(rows).toEqual([
      { book: 'available', amount: -PRICE },
      { book: 'held', amount: PRICE },
      { book: 'held', amount: -PRICE },
      { book: 'revenue', amount: PRICE },
    ]);
  });

  // MR-83
  it('from many connections at once moves money once', async () => {
    for (const [look, reason, after] of [
      [FINISHED, 'completed', CHARGED],
      [BLOCKED, 'provider_failed', REFUNDED],
    ] as const) {
      const holds = await Promise.all([seen(look), seen(look), seen(look)]);
      for (const hold of holds) {
        const answers = await Promise.all(Array.from({ length: 6 }, () => settle(hold.id, reason)));
        expect(answers.every(({ result }) => result === 'settled')).toBe(true);
        expect(await settlements(hold.id)).toBe(1);
        expect(await balance(hold)).toEqual(after);
      }
    }
  });

  // MR-43
  it('differently is a conflict: recorded, and moves nothing', async () => {
    const hold = await seen(FINISHED);
    await settle(hold.id, 'completed');
    expect(await settle(hold.id, 'expired')).toEqual({
      result: 'conflict',
      settlement: { charged: true, reason: 'completed', errorCode: null },
    });
    expect(await settle(hold.id, 'provider_failed')).toMatchObject({ result: 'conflict' });
    expect(await events(hold.id, 'settlement_conflict')).toEqual([
      { asked: 'expired', stands: 'completed' },
      { asked: 'provider_failed', stands: 'completed' },
    ]);
    expect(await settlements(hold.id)).toBe(1);
    expect(await balance(hold)).toEqual(CHARGED);
  });

  it('capture against release at the same moment: one wins, the other is a conflict', async () => {
    for (let round = 0; round < 20; round++) {
      const hold = await created();
      await outlive(hold.id);
      const capture = async () => {
        await db.ledger.recordLook(hold.id, hold.video, FINISHED);
        return settle(hold.id, 'completed');
      };
      const [captured, released] = await Promise.allSettled([capture(), settle(hold.id, 'expired')]);
      const charged = (await balance(hold)).available === 0;
      expect(await balance(hold)).toEqual(charged ? CHARGED : REFUNDED);
      expect(await settlements(hold.id)).toBe(1);
      expect(captured).toMatchObject({ status: 'fulfilled', value: { result: charged ? 'settled' : 'conflict' } });
      const answer = released.status === 'fulfilled' ? released.value.result : released.reason;
      expect(charged ? ['terminal', 'conflict'] : ['settled']).toContain(answer);
    }
  });

  // MR-71
  it('holds and settlements of one account in parallel, with grants between them, never deadlock', async () => {
    const tenant = await openTenant(db, 10 * PRICE);
    const ids = await Promise.all(Array.from({ length: 10 }, () => admit(db, tenant)));
    await Promise.all([
      ...ids.map(async (id) => {
        await db.ledger.placeHold(id, 3600);
        await Promise.all([
          settle(id, 'provider_unavailable'),
          settle(id, 'provider_unavailable'),
          db.ledger.placeHold(id, 3600),
        ]);
      }),
      ...ids.map((id) =>
        db.ledger.grantCredits({ accountId: tenant.accountId, amountMicrocredits: 1, reason: 'r', idempotencyKey: id }),
      ),
    ]);
    expect(await balance({ tenant, id: '' })).toEqual({ available: 10 * PRICE + 10, held: 0 });
  });
});

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { MAX_MICROCREDITS } from '../../contracts/money.ts';
import type { TestDatabase } from '../harness/support/database.ts';
import { PRICE, admit, createTestDatabase, openTenant } from '../harness/support/database.ts';
import type { Held } from '../harness/support/ledgerSteps.ts';
import { BLOCKED, FINISHED, ledgerSteps } from '../harness/support/ledgerSteps.ts';

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

const { held, seen, settle, balance } = ledgerSteps(() => db);
const PART = 100_000;
const charged = async () => {
  const hold = await seen(FINISHED);
  await settle(hold.id, 'completed');
  return hold;
};
const refund = (id: string, amountMicrocredits: number | null, idempotencyKey: string, reason = 'a reason') =>
  db.ledger.refundGeneration({ generationId: id, amountMicrocredits, reason, idempotencyKey });
const grant = ({ tenant }: Pick<Held, 'tenant'>, amountMicrocredits: number, idempotencyKey = 'to size') =>
  db.ledger.grantCredits({ accountId: tenant.accountId, amountMicrocredits, reason: 'r', idempotencyKey });
const movements = async (id: string) =>
  (
    await db.pool.query(
      `SELECT available_microcredits AS available, issued_microcredits AS issued, revenue_microcredits AS revenue
       FROM journal_transactions WHERE generation_id = $1 AND kind = 'refund' ORDER BY id`,
      [id],
    )
  ).rows;

describe('a refund', () => {
  // MR-8
  it('gives parts of the capture back out of revenue until nothing is left, and never more', async () => {
    const hold = await charged();
    expect(await refund(hold.id, PART, 'a')).toMatchObject({
      outcome: 'refunded',
      movedMicrocredits: PART,
      refundableMicrocredits: PRICE - PART,
      replayed: false,
    });
    expect(await refund(hold.id, PRICE - PART + 1, 'b')).toEqual({
      outcome: 'exceeds_captured',
      refundableMicrocredits: PRICE - PART,
    });
    expect(await refund(hold.id, PART, 'c')).toMatchObject({ outcome: 'refunded', movedMicrocredits: PART });
    expect(await refund(hold.id, null, 'd')).toMatchObject({
      outcome: 'refunded',
      movedMicrocredits: PRICE - 2 * PART,
      refundableMicrocredits: 0,
    });
    for (const [amount, key] of [
      [null, 'e'],
      [1, 'f'],
    ] as const) {
      expect(await refund(hold.id, amount, key)).toMatchObject({ outcome: 'nothing_left', refundableMicrocredits: 0 });
    }
    expect(await balance(hold)).toEqual({ available: PRICE, held: 0 });
    expect(await movements(hold.id)).toEqual(
      [PART, PART, PRICE - 2 * PART].map((moved) => ({ available: moved, issued: 0, revenue: -moved })),
    );
  });

  it('of a capture of a part counts against that part', async () => {
    const hold = await seen(FINISHED);
    await db.ledger.settleGeneration(hold.id, 'completed', { chargeMicrocredits: PART });
    expect(await refund(hold.id, PART + 1, 'a')).toMatchObject({ outcome: 'exceeds_captured' });
    expect(await refund(hold.id, null, 'b')).toMatchObject({ outcome: 'refunded', movedMicrocredits: PART });
    expect(await balance(hold)).toEqual({ available: PRICE, held: 0 });
  });

  it('repeated moves nothing and is answered as it was, whatever was refunded since', async () => {
    const hold = await charged();
    const first = await refund(hold.id, PART, 'k');
    expect(await refund(hold.id, PART, 'k')).toEqual({ ...first, replayed: true });
    await refund(hold.id, null, 'the rest');
    expect(await refund(hold.id, PART, 'k')).toEqual({ ...first, replayed: true });
    expect(await refund(hold.id, null, 'the rest')).toMatchObject({
      outcome: 'refunded',
      movedMicrocredits: PRICE - PART,
      replayed: true,
    });
    expect(await movements(hold.id)).toHaveLength(2);
  });

  it('with the key of another amount or reason is refused', async () => {
    const hold = await charged();
    await refund(hold.id, PART, 'k');
    for (const answer of [
      await refund(hold.id, PART + 1, 'k'),
      await refund(hold.id, null, 'k'),
      await refund(hold.id, PART, 'k', 'another reason'),
    ]) {
      expect(answer).toMatchObject({ outcome: 'key_reused', refundableMicrocredits: PRICE - PART });
    }
    expect(await balance(hold)).toEqual({ available: PART, held: 0 });
  });

  it('needs a capture: nothing comes back for what is requested, held or was released', async () => {
    const tenant = await openTenant(db, PRICE);
    const requested = { tenant, id: await admit(db, tenant) };
    const released = await seen(BLOCKED);
    await settle(released.id, 'provider_failed');
    for (const hold of [requested, await held(), await seen(FINISHED), released]) {
      const before = await balance(hold);
      expect(await refund(hold.id, PART, 'k')).toMatchObject({ outcome: 'not_charged' });
      expect(await refund(hold.id, null, 'k')).toMatchObject({ outcome: 'not_charged' });
      expect(await balance(hold)).toEqual(before);
    }
    await expect(refund('video_00000000000000000000000000000000', PART, 'k')).rejects.toMatchObject({
      code: 'unknown_generation',
    });
  });

  it.each([0, -1, -PRICE, 0.5, 2 ** 63])('of %d is refused', async (amount) => {
    const hold = await charged();
    await expect(refund(hold.id, amount, 'k')).rejects.toThrow();
    expect(await balance(hold)).toEqual({ available: 0, held: 0 });
  });

  it('never brings a balance above 2^53 − 1, and its key can still be used when there is room', async () => {
    const hold = await charged();
    await grant(hold, MAX_MICROCREDITS);
    expect(await refund(hold.id, 1, 'k')).toMatchObject({ outcome: 'too_large', refundableMicrocredits: PRICE });
    await grant(hold, -1, 'room');
    expect(await refund(hold.id, 1, 'k')).toMatchObject({ outcome: 'refunded', movedMicrocredits: 1 });
  });

  it('leaves room for what is held, which may come back', async () => {
    const hold = await charged();
    await grant(hold, PRICE, 'for another');
    const other = await admit(db, hold.tenant);
    await db.ledger.placeHold(other, 3600);
    await grant(hold, MAX_MICROCREDITS - PRICE);
    expect(await refund(hold.id, 1, 'k')).toMatchObject({ outcome: 'too_large' });
    await settle(other, 'provider_unavailable');
    expect(await balance(hold)).toEqual({ available: MAX_MICROCREDITS, held: 0 });
  });

  it('for 2 halves asked for 8 times at once is given twice', async () => {
    const hold = await charged();
    const half = Math.floor(PRICE / 2);
    const answers = await Promise.all(Array.from({ length: 8 }, (_, n) => refund(hold.id, half, `${n}`)));
    expect(answers.filter(({ outcome }) => outcome === 'refunded')).toHaveLength(2);
    expect(await balance(hold)).toEqual({ available: 2 * half, held: 0 });
  });
});

it('every movement records the balances as they stood after it', async () => {
  const tenant = await openTenant(db, 5 * PRICE);
  const hold = { tenant, id: await admit(db, tenant) };
  await db.ledger.placeHold(hold.id, 3600);
  await db.ledger.beginAttempt(hold.id, [{ identity: 'openai@http://provider' }]);
  await db.ledger.endAttempt(hold.id, 1, { outcome: 'created', providerVideoId: 'paid', providerCreatedAt: null });
  await db.ledger.recordLook(hold.id, 'paid', FINISHED);
  await db.ledger.settleGeneration(hold.id, 'completed', { chargeMicrocredits: PART });
  await refund(hold.id, 1, 'k');
  await grant(hold, -PRICE);
  const { rows } = await db.pool.query<Record<'kind' | 'available' | 'held' | 'available_sum' | 'held_sum', unknown>>(
    `SELECT kind, available_after_microcredits AS available, held_after_microcredits AS held,
       (sum(available_microcredits) OVER (ORDER BY id))::bigint AS available_sum,
       (sum(held_microcredits) OVER (ORDER BY id))::bigint AS held_sum
     FROM journal_transactions WHERE account_id = $1 ORDER BY id`,
    [tenant.accountId],
  );
  expect(rows.map(({ kind }) => kind)).toEqual(['grant', 'hold', 'capture', 'refund', 'claw_back']);
  expect(rows.map(({ available, held }) => [available, held])).toEqual(
    rows.map(({ available_sum, held_sum }) => [available_sum, held_sum]),
  );
  expect(await balance(hold)).toEqual({ available: rows.at(-1)?.available, held: 0 });
});

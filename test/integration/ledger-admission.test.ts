import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { MAX_MICROCREDITS } from '../../contracts/money.ts';
import type { TestDatabase, Tenant } from '../harness/support/database.ts';
import { admissionRequest, PRICE, admit, createTestDatabase, openTenant } from '../harness/support/database.ts';

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

const balance = async (tenant: Tenant) => {
  const { availableMicrocredits, heldMicrocredits } = await db.ledger.getBalance(tenant.accountId);
  return { available: availableMicrocredits, held: heldMicrocredits };
};
const times = (count: number) => Array.from({ length: count }, (_, index) => index);
const count = async (sql: string, values: unknown[]) =>
  (await db.pool.query<{ n: number }>(`SELECT count(*)::integer AS n FROM ${sql}`, values)).rows[0]?.n;
const movements = (tenant: Tenant) => count('journal_transactions WHERE account_id = $1', [tenant.accountId]);
const setAccount = (tenant: Tenant, assignment: string) =>
  db.admin.query(`UPDATE accounts SET ${assignment} WHERE id = $1`, [tenant.accountId]);
const request = (tenant: Tenant) => admissionRequest(tenant, { fingerprint: Buffer.alloc(32) });

describe('prices', () => {
  it('4 s of sora-2 cost 571,429 microcredits', async () => {
    const prices = await db.ledger.listPrices();
    const cheapest = prices.find(({ model, size }) => model === 'sora-2' && size === '720x1280');
    expect(cheapest?.amountMicrocredits).toBe(PRICE);
  });

  it('every price is cost ÷ (1 − margin), rounded up to a whole microcredit', async () => {
    const costs: Record<string, bigint> = {
      'sora-2 720x1280': 100_000n,
      'sora-2 1280x720': 100_000n,
      'sora-2-pro 720x1280': 300_000n,
      'sora-2-pro 1280x720': 300_000n,
      'sora-2-pro 1024x1792': 500_000n,
      'sora-2-pro 1792x1024': 500_000n,
      'sora-2-pro 1080x1920': 700_000n,
      'sora-2-pro 1920x1080': 700_000n,
    };
    const prices = await db.ledger.listPrices();
    expect(prices.length).toBe(Object.keys(costs).length * 5);
    for (const { model, size, seconds, amountMicrocredits } of prices) {
      const cost = (costs[`${model} ${size}`] ?? 0n) * BigInt(seconds);
      const amount = BigInt(amountMicrocredits);
      // The smallest whole number of which 70 % pays the provider.
      expect(amount * 7n >= cost * 10n && (amount - 1n) * 7n < cost * 10n, `${model} ${size} ${seconds} s`).toBe(true);
    }
  });

  // MR-47
  it('a generation keeps the price it was admitted at, whatever the price book says later', async () => {
    const tenant = await openTenant(db, 5_000_000);
    const before = await admit(db, tenant);
    const setPrice = (cost: number) =>
      db.admin.query(
        `INSERT INTO prices (model, size, provider_cost_microcredits_per_second, margin_basis_points, effective_from)
         VALUES ('sora-2', '720x1280', $1, 3000, clock_timestamp())`,
        [cost],
      );
    await setPrice(200_000);
    try {
      const after = await db.ledger.admitGeneration(request(tenant));
      expect(after).toMatchObject({ outcome: 'admitted', amountMicrocredits: 1_142_858 });
      expect(await db.ledger.placeHold(before, 3600)).toMatchObject({ outcome: 'held', amountMicrocredits: PRICE });
    } finally {
      await setPrice(100_000);
    }
    expect(await balance(tenant)).toEqual({ available: 5_000_000 - PRICE, held: PRICE });
    await expect(
      db.admin.query('UPDATE generations SET amount_microcredits = 1 WHERE id = $1', [before]),
    ).rejects.toMatchObject({ code: 'HF004' });
    await expect(db.admin.query('UPDATE prices SET margin_basis_points = 0')).rejects.toMatchObject({ code: 'HF004' });
    await expect(db.admin.query('DELETE FROM prices')).rejects.toMatchObject({ code: 'HF004' });
  });
});

describe('grants', () => {
  const grant = (tenant: Tenant, amountMicrocredits: number, idempotencyKey: string, reason = 'a reason') =>
    db.ledger.grantCredits({ accountId: tenant.accountId, amountMicrocredits, reason, idempotencyKey });

  it('the same grant again moves nothing and answers with the first movement', async () => {
    const tenant = await openTenant(db, 0);
    const first = await grant(tenant, 700, 'k');
    const again = await grant(tenant, 700, 'k');
    expect(first).toMatchObject({
      outcome: 'granted',
      movedMicrocredits: 700,
      availableMicrocredits: 700,
      replayed: false,
    });
    expect(again).toEqual({ ...first, replayed: true });
    expect(await movements(tenant)).toBe(1);
  });

  it('one key with another amount or another reason is refused', async () => {
    const tenant = await openTenant(db, 0);
    await grant(tenant, 700, 'k');
    expect(await grant(tenant, 701, 'k')).toMatchObject({ outcome: 'key_reused' });
    expect(await grant(tenant, -700, 'k')).toMatchObject({ outcome: 'key_reused' });
    expect(await grant(tenant, 700, 'k', 'another reason')).toMatchObject({ outcome: 'key_reused' });
    expect(await balance(tenant)).toEqual({ available: 700, held: 0 });
  });

  it("one tenant's key is free for another", async () => {
    const [one, other] = await Promise.all([openTenant(db, 0), openTenant(db, 0)]);
    await grant(one, 700, 'shared');
    expect(await grant(other, 900, 'shared')).toMatchObject({ outcome: 'granted', movedMicrocredits: 900 });
  });

  it('two callers at once with one key move credits once', async () => {
    const tenant = await openTenant(db, 0);
    for (const round of times(15)) {
      const answers = await Promise.all(times(4).map(() => grant(tenant, 10, `round ${round}`)));
      expect(answers.filter((answer) => 'replayed' in answer && !answer.replayed)).toHaveLength(1);
    }
    expect(await balance(tenant)).toEqual({ available: 150, held: 0 });
    expect(await movements(tenant)).toBe(15);
  });

  it('a claw-back takes at most what is available, never what is held, and is idempotent too', async () => {
    const tenant = await openTenant(db, PRICE + 300);
    await db.ledger.placeHold(await admit(db, tenant), 3600);
    expect(await grant(tenant, -1000, 'back')).toMatchObject({
      outcome: 'granted',
      movedMicrocredits: -300,
      availableMicrocredits: 0,
    });
    await grant(tenant, 50, 'more');
    expect(await grant(tenant, -1000, 'back')).toMatchObject({
      outcome: 'granted',
      movedMicrocredits: -300,
      replayed: true,
    });
    expect(await balance(tenant)).toEqual({ available: 50, held: PRICE });
  });

  it('a claw-back from nothing writes nothing', async () => {
    const tenant = await openTenant(db, 0);
    expect(await grant(tenant, -1, 'k')).toMatchObject({ outcome: 'nothing_available' });
    expect(await movements(tenant)).toBe(0);
  });

  // MR-72
  it.each([0, -0, 0.5, -1.5, 2 ** 53, -(2 ** 53), 2 ** 63, -(2 ** 63), 1e21, NaN, Infinity])(
    'an amount of %d is refused',
    async (amount) => {
      const tenant = await openTenant(db, 100);
      await expect(grant(tenant, amount, 'k')).rejects.toThrow();
      expect(await balance(tenant)).toEqual({ available: 100, held: 0 });
    },
  );

  it.each([
    [null, 'k'],
    [5, null],
  ])('a missing amount or key is refused (%s, %s)', async (amount, key) => {
    const tenant = await openTenant(db, 100);
    await expect(
      db.pool.query('SELECT grant_credits($1, $2, $3, $4)', [tenant.accountId, amount, 'r', key]),
    ).rejects.toThrow();
    expect(await balance(tenant)).toEqual({ available: 100, held: 0 });
  });

  it('a balance never passes 2^53 − 1, also counting what is held', async () => {
    const tenant = await openTenant(db, PRICE);
    await db.ledger.placeHold(await admit(db, tenant), 3600);
    expect(await grant(tenant, MAX_MICROCREDITS - PRICE + 1, 'a')).toMatchObject({ outcome: 'too_large' });
    expect(await grant(tenant, MAX_MICROCREDITS - PRICE, 'b')).toMatchObject({ outcome: 'granted' });
    expect(await grant(tenant, 1, 'c')).toMatchObject({ outcome: 'too_large' });
    expect(await balance(tenant)).toEqual({ available: MAX_MICROCREDITS - PRICE, held: PRICE });
  });

  it('an unknown account is told so', async () => {
    expect(await grant({ accountId: 'acct_00000000000000000000000000000000', apiKeyId: '' }, 5, 'k')).toMatchObject({
      outcome: 'unknown_account',
    });
  });
});

describe('admission', () => {
  const generations = (tenant: Tenant) => count('generations WHERE account_id = $1', [tenant.accountId]);

  it.each([
    ['unknown_model', { model: 'sora-9' }],
    ['unknown_size', { size: '1x1' }],
    ['unknown_size', { size: '1792x1024' }],
  ])('%s writes nothing', async (outcome, change) => {
    const tenant = await openTenant(db, 1_000_000);
    expect(await db.ledger.admitGeneration({ ...request(tenant), ...change })).toEqual({ outcome });
    expect(await generations(tenant)).toBe(0);
  });

  it('too small a balance and a frozen account are answered at a glance, with the price, and write nothing', async () => {
    const tenant = await openTenant(db, PRICE - 1);
    expect(await db.ledger.admitGeneration(request(tenant))).toEqual({
      outcome: 'insufficient_credits',
      amountMicrocredits: PRICE,
    });
    await setAccount(tenant, 'frozen_at = now()');
    expect(await db.ledger.admitGeneration(request(tenant))).toEqual({
      outcome: 'account_frozen',
      amountMicrocredits: PRICE,
    });
    expect(await generations(tenant)).toBe(0);
  });

  it.each([0, -4, 2 ** 31 - 1])('%d seconds are never admitted', async (seconds) => {
    const tenant = await openTenant(db, 1_000_000);
    const answer = await db.ledger
      .admitGeneration({ ...request(tenant), seconds })
      .catch(() => ({ outcome: 'refused' }));
    expect(answer.outcome).not.toBe('admitted');
    expect(await generations(tenant)).toBe(0);
  });

  it('an id is admitted once, by whomever', async () => {
    const [one, other] = await Promise.all([openTenant(db, 1_000_000), openTenant(db, 1_000_000)]);
    const first = request(one);
    const answers = await Promise.allSettled(times(4).map(() => db.ledger.admitGeneration(first)));
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    await expect(
      db.ledger.admitGeneration({ ...request(other), generationId: first.generationId }),
    ).rejects.toMatchObject({ code: 'already_admitted' });
    expect(await generations(other)).toBe(0);
  });

  it('admitting holds nothing', async () => {
    const tenant = await openTenant(db, PRICE);
    await admit(db, tenant);
    await admit(db, tenant);
    expect(await balance(tenant)).toEqual({ available: PRICE, held: 0 });
  });
});

describe('an idempotency key in admission', () => {
  it('from eight callers at once admits one generation, round after round', async () => {
    const tenant = await openTenant(db, 100 * PRICE);
    for (let round = 0; round < 15; round += 1) {
      const idempotencyKey = randomUUID();
      const answers = await Promise.all(
        times(8).map(() => db.ledger.admitGeneration({ ...request(tenant), idempotencyKey })),
      );
      const outcomes = answers.map(({ outcome }) => outcome).sort();
      expect(outcomes).toEqual(['admitted', ...times(7).map(() => 'in_use')]);
    }
  });

  it('whose request was never held in time is served anew, and the first one can never be held', async () => {
    const tenant = await openTenant(db, 2 * PRICE);
    const idempotencyKey = randomUUID();
    const late = { ...request(tenant), idempotencyKey, admitWithinMs: 0 };
    await db.ledger.admitGeneration(late);
    const again = { ...request(tenant), idempotencyKey };
    expect(await db.ledger.admitGeneration(again)).toMatchObject({
      outcome: 'admitted',
      generationId: again.generationId,
    });
    expect(await db.ledger.placeHold(late.generationId, 3600)).toMatchObject({ outcome: 'refused', code: 'voided' });
  });
});

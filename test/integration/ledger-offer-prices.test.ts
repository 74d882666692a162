import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OfferedParameter, PriceEffect } from '../../contracts/offers.ts';
import type { TestDatabase, Tenant } from '../harness/support/database.ts';
import { createTestDatabase, openTenant } from '../harness/support/database.ts';
import { offerSteps } from '../harness/support/offerSteps.ts';

/** What a request costs by what is sold, against a model in whole numbers (MR-72). */

let db: TestDatabase;
let tenant: Tenant;
beforeAll(async () => {
  db = await createTestDatabase();
  tenant = await openTenant(db, 1_000_000_000);
});
afterAll(async () => {
  await db.drop();
});

const { sold, quote, admit } = offerSteps(() => ({ db, tenant }));
const SEED: OfferedParameter = { name: 'seed', type: 'integer', min: 0, max: 99 };

describe('the price of a request', () => {
  const effect: fc.Arbitrary<PriceEffect> = fc.oneof(
    fc.integer({ min: 1, max: 30_000 }).map((factor_basis_points) => ({ factor_basis_points })),
    fc.integer({ min: 0, max: 1_000_000 }).map((amount_microcredits) => ({ amount_microcredits })),
    fc.integer({ min: 0, max: 1_000_000 }).map((per_second_microcredits) => ({ per_second_microcredits })),
  );
  const drawn = fc.record({
    cost: fc.oneof(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 1_000_000_000_000 })),
    margin: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 9999 })),
    lengths: fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { minLength: 2, maxLength: 4 }),
    whenSent: fc.array(effect, { maxLength: 3 }),
    whenTrue: fc.array(fc.tuple(effect, effect), { maxLength: 2 }),
    sent: fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }),
  });

  /** The same in whole numbers: one fraction, rounded up once. */
  function modelOf(cost: number, margin: number, seconds: number, effects: readonly PriceEffect[]): bigint {
    let [perSecond, amount, above, below] = [0n, 0n, 1n, BigInt(10_000 - margin)];
    for (const each of effects) {
      if ('per_second_microcredits' in each) perSecond += BigInt(each.per_second_microcredits);
      else if ('amount_microcredits' in each) amount += BigInt(each.amount_microcredits);
      else [above, below] = [above * BigInt(each.factor_basis_points), below * 10_000n];
    }
    const numerator = (BigInt(cost) * 10_000n + perSecond * BigInt(10_000 - margin)) * BigInt(seconds) * above;
    return (numerator + below - 1n) / below + amount;
  }

  it('is exact, never negative, never above 2^53 − 1, never falls with the seconds, and is the same in a dry run', async () => {
    let priced = 0;
    const property = fc.asyncProperty(drawn, async ({ cost, margin, lengths, whenSent, whenTrue, sent }) => {
      const parameters: OfferedParameter[] = [
        ...whenSent.map((price, n) => ({ ...SEED, name: `sent_${n}`, price })),
        ...whenTrue.map(([yes, no], n) => ({
          ...{ name: `choice_${n}`, type: 'boolean' as const, default: false },
          price: { true: yes, false: no },
        })),
      ];
      const ascending = lengths.toSorted((a, b) => a - b);
      const model = await sold({ lengths: ascending, parameters }, { cost, margin }).catch(() => undefined);
      if (model === undefined) return;
      const given = Object.fromEntries(
        parameters.flatMap(({ name, type }, n) => (sent[n] ? [[name, type === 'boolean' ? true : 1]] : [])),
      );
      const effects = [
        ...whenSent.filter((_, n) => sent[n]),
        ...whenTrue.map(([yes, no], n) => (sent[whenSent.length + n] ? yes : no)),
      ];
      let before = 1n;
      for (const seconds of ascending) {
        const quoted = await quote(model, { seconds, parameters: given });
        if (quoted.outcome !== 'priced') throw new Error(quoted.outcome);
        const amount = BigInt(quoted.amountMicrocredits);
        expect(amount).toBe(modelOf(cost, margin, seconds, effects));
        expect(amount >= before && amount <= BigInt(Number.MAX_SAFE_INTEGER)).toBe(true);
        expect(await admit(model, { seconds, parameters: given })).toMatchObject({
          amountMicrocredits: quoted.amountMicrocredits,
        });
        before = amount;
        priced += 1;
      }
    });
    await fc.assert(property, { numRuns: 60 });
    expect(priced).toBeGreaterThan(50);
  });
});

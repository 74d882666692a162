import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestDatabase } from '../support/database.ts';
import { createTestDatabase } from '../support/database.ts';
import { tallyText, unmet } from '../model/coverage.ts';
import { runLedgerModel } from '../model/run.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(async () => {
  await db.drop();
});

describe('the ledger and a model of it', () => {
  it('agree in ten thousand calls, which meet every kind of answer that there is', async () => {
    const { calls, tally, isReplay } = await runLedgerModel(db, {
      atLeast: 10_000,
      isEnough: (met) => unmet(met).length === 0,
      longest: 300,
      shrinkForMs: 1_200_000,
    });
    process.stdout.write(tallyText(tally));
    if (isReplay) return;
    expect(calls).toBeGreaterThanOrEqual(10_000);
    expect(unmet(tally)).toEqual([]);
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestDatabase } from '../harness/support/database.ts';
import { createTestDatabase } from '../harness/support/database.ts';
import { runLedgerModel } from '../harness/model/run.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(async () => {
  await db.drop();
});

describe('the ledger and a model of it', () => {
  it('agree about every answer and every balance, whatever is asked in whatever order', async () => {
    const { calls, isReplay } = await runLedgerModel(db, { atLeast: 500, longest: 300, shrinkForMs: 60_000 });
    if (!isReplay) expect(calls).toBeGreaterThanOrEqual(500);
  }, 120_000);
});

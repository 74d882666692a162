import { afterAll, beforeAll, expect, it } from 'vitest';
import type { TestDatabase } from '../harness/support/database.ts';
import { createTestDatabase } from '../harness/support/database.ts';
import { applyMutant } from '../harness/mutants/mutant.ts';
import { MUTANTS } from '../harness/mutants/mutants.ts';

/** `npm run test:mutants` takes minutes; that its list is not stale is seen at once. */

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase(1);
});
afterAll(async () => {
  await db.drop();
});

it('every mutant has a name of its own', () => {
  expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length);
});

it('every mutant finds its guard in the migrated database', async () => {
  const client = await db.admin.connect();
  const stale: string[] = [];
  for (const mutant of MUTANTS) {
    await client.query('BEGIN');
    await applyMutant(client, mutant).catch((error: unknown) => stale.push(`${mutant.name}: ${String(error)}`));
    await client.query('ROLLBACK');
  }
  client.release();
  expect(stale).toEqual([]);
});

import { afterAll, beforeAll, expect, it } from 'vitest';
import type { TestDatabase } from '../harness/support/database.ts';
import { createTestDatabase, openTenant } from '../harness/support/database.ts';
import { runBehind } from '../harness/support/runBehind.ts';

/** What processes lease of a key's requests a minute: together never more than its limit. */

const PER_MINUTE = 50;
let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase(20);
});
afterAll(async () => {
  await db.drop();
});

const newKey = async () => (await openTenant(db, 0)).apiKeyId;
const lease = (key: string, wanted: number, requestsPerMinute = PER_MINUTE) =>
  db.ledger.leaseRequests({ key, requestsPerMinute, wanted });
const leased = async (key: string, wanted: number) => (await lease(key, wanted)).leased;

/** Moves the end of a key's minute. */
const move = (key: string, by: string) =>
  db.admin.query('UPDATE request_windows SET ends_at = ends_at + $2::interval WHERE api_key_id = $1', [key, by]);

it('many processes at one moment lease exactly the limit of a key, and another key has its own', async () => {
  const [key, other] = [await newKey(), await newKey()];
  const leases = await Promise.all(Array.from({ length: 40 }, () => leased(key, 3)));
  expect(leases.reduce((sum, each) => sum + each, 0)).toBe(PER_MINUTE);
  // What is left is leased, though it is less than was wanted.
  expect(leases.filter((each) => each === 2)).toHaveLength(1);
  expect(await leased(other, 3)).toBe(3);
});

it('a process leases nothing while another leases what is left', async () => {
  const key = await newKey();
  await leased(key, 1);
  const first = {
    sql: 'SELECT FROM request_windows WHERE api_key_id = $1 FOR UPDATE',
    values: [key],
    // Leases it once the other one waits.
    until: `(SELECT leased > 0 FROM lease_requests('${key}', ${PER_MINUTE}, ${PER_MINUTE}))`,
  };
  expect(await runBehind(db, first, () => leased(key, 3))).toBe(0);
});

it('a limit that is lower than what was leased already leases nothing', async () => {
  const key = await newKey();
  expect(await leased(key, PER_MINUTE)).toBe(PER_MINUTE);
  expect((await lease(key, 1, PER_MINUTE / 2)).leased).toBe(0);
});

it('a key has its requests again when its minute has ended, and no lease outlives that', async () => {
  const key = await newKey();
  expect(await lease(key, PER_MINUTE)).toEqual({ leased: PER_MINUTE, endsInMs: 60_000 });
  await move(key, '-50 s');
  const later = await lease(key, 1);
  expect(later.leased).toBe(0);
  expect(later.endsInMs).toBeGreaterThan(0);
  expect(later.endsInMs).toBeLessThanOrEqual(10_000);
  await move(key, '-10 s');
  expect(await lease(key, PER_MINUTE)).toEqual({ leased: PER_MINUTE, endsInMs: 60_000 });
});

it('a clock that was set back by an hour keeps no key waiting for it', async () => {
  const key = await newKey();
  await lease(key, PER_MINUTE);
  await move(key, '1 h');
  expect(await lease(key, 1)).toEqual({ leased: 1, endsInMs: 60_000 });
});

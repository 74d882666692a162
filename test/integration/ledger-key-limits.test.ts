import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { apiKeyId } from '../../contracts/ids.ts';
import type { Tenant, TestDatabase } from '../harness/support/database.ts';
import { addKey, admit, createTestDatabase, openTenant, PRICE } from '../harness/support/database.ts';
import { FINISHED, PROVIDER } from '../harness/support/ledgerSteps.ts';

/** What a key may spend a day and a month, decided with the hold. */

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

const RICH = 100 * PRICE;
const DAY = { dailyLimitMicrocredits: 3 * PRICE };
const MONTH = { monthlyLimitMicrocredits: 3 * PRICE };
const REFUSED = { outcome: 'refused', code: 'key_spend_limit' };
const HELD = { outcome: 'held' };

const place = async (tenant: Tenant) => db.ledger.placeHold(await admit(db, tenant), 3600);
const heldBy = async (tenant: Tenant) => {
  const id = await admit(db, tenant);
  expect(await db.ledger.placeHold(id, 3600)).toMatchObject(HELD);
  return id;
};
const release = (id: string) => db.ledger.settleGeneration(id, 'provider_unavailable');
const capture = async (id: string, options?: { chargeMicrocredits: number }) => {
  await db.ledger.beginAttempt(id, [PROVIDER]);
  const video = `at_provider_${id}`;
  await db.ledger.endAttempt(id, 1, { outcome: 'created', providerVideoId: video, providerCreatedAt: null });
  await db.ledger.recordLook(id, video, FINISHED);
  expect(await db.ledger.settleGeneration(id, 'completed', options)).toMatchObject({ result: 'settled' });
};
const spent = async ({ apiKeyId: id }: Tenant) => {
  const { todayMicrocredits, thisMonthMicrocredits } = await db.ledger.getKeySpending(id);
  return [todayMicrocredits, thisMonthMicrocredits];
};
const times = (count: number) => Array.from({ length: count }, (_, index) => index);

describe('a key with a limit of three prices', () => {
  it.each([
    ['a day', DAY],
    ['a month', MONTH],
  ])('%s: of 10 holds at once exactly 3 are placed, and the others move nothing', async (_, limit) => {
    const tenant = await openTenant(db, RICH, limit);
    const ids = await Promise.all(times(10).map(() => admit(db, tenant)));
    const placed = await Promise.all(ids.map((id) => db.ledger.placeHold(id, 3600)));
    expect(placed.filter(({ outcome }) => outcome === 'held')).toHaveLength(3);
    expect(placed.filter(({ outcome }) => outcome !== 'held')).toEqual(
      times(7).map(() => ({ ...REFUSED, accountId: tenant.accountId })),
    );
    expect(await db.ledger.getBalance(tenant.accountId)).toMatchObject({
      availableMicrocredits: RICH - 3 * PRICE,
      heldMicrocredits: 3 * PRICE,
      activeGenerations: 3,
    });
    expect(await spent(tenant)).toEqual([3 * PRICE, 3 * PRICE]);
  });

  it('less a microcredit has room for two', async () => {
    const tenant = await openTenant(db, RICH, { dailyLimitMicrocredits: 3 * PRICE - 1 });
    await heldBy(tenant);
    await heldBy(tenant);
    expect(await place(tenant)).toMatchObject(REFUSED);
  });

  it('counts a repeated hold once, and stays refused what was refused', async () => {
    const tenant = await openTenant(db, RICH, DAY);
    const [first] = [await heldBy(tenant), await heldBy(tenant), await heldBy(tenant)];
    expect(await db.ledger.placeHold(first, 3600)).toMatchObject(HELD);
    expect(await spent(tenant)).toEqual([3 * PRICE, 3 * PRICE]);
    const refused = await admit(db, tenant);
    expect(await db.ledger.placeHold(refused, 3600)).toMatchObject(REFUSED);
    await release(first);
    expect(await db.ledger.placeHold(refused, 3600)).toMatchObject(REFUSED);
  });

  it('is not what another key of the account may spend', async () => {
    const tenant = await openTenant(db, RICH, { dailyLimitMicrocredits: 1 });
    expect(await place(tenant)).toMatchObject(REFUSED);
    const other = await addKey(db, tenant.accountId);
    await heldBy(other);
    expect((await db.pool.query('SELECT FROM api_key_spending WHERE api_key_id = $1', [other.apiKeyId])).rowCount).toBe(
      0,
    );
  });
});

describe('room', () => {
  it('is given back by a release, once, and lets one more in', async () => {
    const tenant = await openTenant(db, RICH, { ...DAY, ...MONTH });
    const [id] = [await heldBy(tenant), await heldBy(tenant), await heldBy(tenant)];
    expect(await place(tenant)).toMatchObject(REFUSED);
    await release(id);
    await release(id);
    expect(await spent(tenant)).toEqual([2 * PRICE, 2 * PRICE]);
    await heldBy(tenant);
    expect(await place(tenant)).toMatchObject(REFUSED);
  });

  it('is kept by a capture; one in part gives the rest back', async () => {
    const tenant = await openTenant(db, RICH, { ...DAY, ...MONTH });
    await capture(await heldBy(tenant));
    expect(await spent(tenant)).toEqual([PRICE, PRICE]);
    await capture(await heldBy(tenant), { chargeMicrocredits: 100 });
    expect(await spent(tenant)).toEqual([PRICE + 100, PRICE + 100]);
    await capture(await heldBy(tenant), { chargeMicrocredits: 0 });
    expect(await spent(tenant)).toEqual([PRICE + 100, PRICE + 100]);
  });

  it('is not taken by what the account or the time refuses', async () => {
    const tenant = await openTenant(db, PRICE, DAY);
    const [late, poor] = [await admit(db, tenant), await admit(db, tenant)];
    await db.admin.query("UPDATE generations SET admit_by = clock_timestamp() - interval '1 ms' WHERE id = $1", [late]);
    expect(await db.ledger.placeHold(late, 3600)).toMatchObject({ code: 'voided' });
    await heldBy(tenant);
    expect(await db.ledger.placeHold(poor, 3600)).toMatchObject({ code: 'insufficient_credits' });
    expect(await spent(tenant)).toEqual([PRICE, PRICE]);
  });

  it('is new on a new day, while the month goes on; and in a new month', async () => {
    const tenant = await openTenant(db, RICH, { ...DAY, monthlyLimitMicrocredits: 4 * PRICE });
    for (const _ of times(3)) await heldBy(tenant);
    const back = (column: string) =>
      db.admin.query(`UPDATE api_key_spending SET ${column} = ${column} - 40 WHERE api_key_id = $1`, [tenant.apiKeyId]);
    await back('day');
    expect(await spent(tenant)).toEqual([0, 3 * PRICE]);
    await heldBy(tenant);
    expect(await place(tenant)).toMatchObject(REFUSED);
    await back('month');
    await heldBy(tenant);
    expect(await spent(tenant)).toEqual([2 * PRICE, PRICE]);
  });

  it('of today is not given back by what was held on another day', async () => {
    const tenant = await openTenant(db, RICH, { ...DAY, ...MONTH });
    const [old] = [await heldBy(tenant), await heldBy(tenant)];
    const client = await db.admin.connect();
    await client.query('BEGIN; SET LOCAL session_replication_role = replica');
    await client.query("UPDATE holds SET placed_at = placed_at - interval '40 days' WHERE generation_id = $1", [old]);
    await client.query('COMMIT');
    client.release();
    await release(old);
    expect(await spent(tenant)).toEqual([2 * PRICE, 2 * PRICE]);
  });

  it('never keeps a hold from being settled, whatever was done to the count', async () => {
    const tenant = await openTenant(db, RICH, DAY);
    const id = await heldBy(tenant);
    await db.admin.query('UPDATE api_key_spending SET day_microcredits = 0 WHERE api_key_id = $1', [tenant.apiKeyId]);
    expect(await release(id)).toMatchObject({ result: 'settled' });
    expect(await spent(tenant)).toEqual([0, 0]);
  });
});

describe('a rotated key', () => {
  const rotate = async ({ accountId, apiKeyId: old }: Tenant, overlapSeconds: number) => {
    const sha256 = Buffer.from(randomUUID().replaceAll('-', ''));
    const rotated = await db.ledger.rotateApiKey(accountId, old, {
      id: apiKeyId(randomUUID()),
      sha256,
      overlapSeconds,
    });
    return rotated === undefined ? undefined : { accountId, apiKeyId: rotated.id };
  };

  it('shares its limit with the one before: rotating is no way to spend more', async () => {
    const first = await openTenant(db, RICH, DAY);
    await heldBy(first);
    const second = (await rotate(first, 60)) as Tenant;
    await heldBy(second);
    const third = (await rotate(second, 60)) as Tenant;
    const last = await heldBy(third);
    for (const key of [first, second, third]) expect(await place(key)).toMatchObject(REFUSED);
    await release(last);
    await heldBy(first);
    expect(await place(third)).toMatchObject(REFUSED);
  });

  it('comes once of two rotations at once, when the old one ends with it', async () => {
    const tenant = await openTenant(db, 0);
    const rotated = await Promise.all(times(8).map(() => rotate(tenant, 0)));
    expect(rotated.filter((key) => key !== undefined)).toHaveLength(1);
  });

  it('is refused for a key of another account, an unknown one and one that has ended', async () => {
    const [tenant, other] = [await openTenant(db, 0), await openTenant(db, 0)];
    expect(await rotate({ ...tenant, apiKeyId: other.apiKeyId }, 0)).toBeUndefined();
    expect(await rotate({ ...tenant, apiKeyId: apiKeyId(randomUUID()) }, 0)).toBeUndefined();
    await db.ledger.revokeApiKey(tenant.accountId, tenant.apiKeyId);
    expect(await rotate(tenant, 0)).toBeUndefined();
  });
});

it('two limited keys of one account, held and released at once: nobody waits in a circle, and the count is right', async () => {
  const one = await openTenant(db, RICH, { dailyLimitMicrocredits: 10 * PRICE });
  const two = await addKey(db, one.accountId, { monthlyLimitMicrocredits: 10 * PRICE });
  const ids = await Promise.all(times(40).map((index) => admit(db, index % 2 === 0 ? one : two)));
  const placed = await Promise.all(
    ids.map(async (id, index) => {
      const { outcome } = await db.ledger.placeHold(id, 3600);
      if (outcome === 'held' && index % 4 < 2) await release(id);
      return outcome;
    }),
  );
  expect(placed).toContain('held');
  for (const { apiKeyId: id } of [one, two]) {
    const { rows } = await db.admin.query<{ held: number; counted: number; month: number }>(
      `SELECT (SELECT COALESCE(sum(g.amount_microcredits), 0) FROM generations g WHERE g.limited_key = $1 AND g.state = 'held')::float AS held,
         s.day_microcredits::float AS counted, s.month_microcredits::float AS month FROM api_key_spending s WHERE s.api_key_id = $1`,
      [id],
    );
    expect(rows[0]?.counted).toBe(rows[0]?.held);
    expect(rows[0]?.month).toBe(rows[0]?.held);
    expect(rows[0]?.held).toBeLessThanOrEqual(10 * PRICE);
  }
});

import type { Database } from '../../store/index.ts';
import { once } from '../../store/index.ts';
import { openBooks } from '../harness/support/database.ts';
import { createHash, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { accountId, videoId } from '../../contracts/ids.ts';
import type { TestDatabase, Tenant } from '../harness/support/database.ts';
import { PRICE, addKey, createTestDatabase, openTenant } from '../harness/support/database.ts';
import { runBehind } from '../harness/support/runBehind.ts';

/** What comes again is answered as it was before, and done once. */

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase(5);
});
afterAll(async () => {
  await db.drop();
});

const request = (tenant: Tenant, body = 'a fox') => ({
  ...tenant,
  generationId: videoId(randomUUID()),
  model: 'sora-2',
  seconds: 4,
  size: '720x1280',
  prompt: body,
  admitWithinMs: 60_000,
  fingerprint: createHash('sha256').update(body).digest(),
  idempotencyKey: null,
});

describe("an SDK's retry, without a key,", () => {
  const HOUR = 3_600_000;
  const admitted = async (tenant: Tenant, body = 'a fox') => {
    const asked = request(tenant, body);
    expect(await db.ledger.admitGeneration(asked)).toMatchObject({ outcome: 'admitted' });
    return asked.generationId;
  };
  const retry = (tenant: Tenant, retryWithinMs = HOUR, body = 'a fox') =>
    db.ledger.findRepeat({
      ...tenant,
      fingerprint: request(tenant, body).fingerprint,
      idempotencyKey: null,
      retryWithinMs,
    });
  const idOf = async (found: ReturnType<typeof retry>) => {
    const repeat = await found;
    return repeat !== undefined && 'generationId' in repeat ? repeat.generationId : undefined;
  };
  /** As if it had been asked for, and its hold placed, so long ago. */
  const handedOut = (id: string, minutesAgo: number) =>
    db.admin.query(
      `UPDATE generations SET handed_out_at = clock_timestamp() - make_interval(mins => $2) WHERE id = $1`,
      [id, minutesAgo],
    );

  it('means what its own key asked for with its own body, waits for its hold, and is handed what is held', async () => {
    const [tenant, other] = await Promise.all([openTenant(db, 5 * PRICE), openTenant(db, 5 * PRICE)]);
    const id = await admitted(tenant);
    const rotated = await addKey(db, tenant.accountId);
    for (const found of [retry(other), retry(rotated), retry(tenant, HOUR, 'a hare')])
      expect(await found).toBeUndefined();
    expect(await retry(tenant)).toEqual({ outcome: 'pending', generationId: id, amountMicrocredits: PRICE });
    await db.ledger.placeHold(id, 3600);
    expect(await retry(tenant)).toMatchObject({ outcome: 'replay', generationId: id, status: 200, answer: null });
  });

  it('never means what its key has named since; naming by another key proves nothing', async () => {
    const tenant = await openTenant(db, 5 * PRICE);
    const id = await admitted(tenant);
    await db.ledger.markKnown(id, (await addKey(db, tenant.accountId)).apiKeyId);
    expect(await idOf(retry(tenant))).toBe(id);
    await db.ledger.markKnown(id, tenant.apiKeyId);
    expect(await retry(tenant)).toBeUndefined();
  });

  it('never means what was asked for with an idempotency key: each try of a call has it, or none', async () => {
    const tenant = await openTenant(db, 5 * PRICE);
    expect(await db.ledger.admitGeneration({ ...request(tenant), idempotencyKey: 'order-1' })).toMatchObject({
      outcome: 'admitted',
    });
    expect(await retry(tenant)).toBeUndefined();
    const id = await admitted(tenant);
    expect(await idOf(retry(tenant))).toBe(id);
  });

  it('never means what was refused or given up', async () => {
    const tenant = await openTenant(db, PRICE);
    await db.ledger.voidGeneration(await admitted(tenant));
    expect(await retry(tenant)).toBeUndefined();
  });

  it('reaches as far back as it says, from when the generation was last handed out', async () => {
    const tenant = await openTenant(db, 5 * PRICE);
    const id = await admitted(tenant);
    await handedOut(id, 20);
    expect(await retry(tenant, 10 * 60_000)).toBeUndefined();
    expect(await idOf(retry(tenant, 21 * 60_000))).toBe(id);
    // Renewed by that.
    expect(await idOf(retry(tenant, 10 * 60_000))).toBe(id);
  });

  it('is handed what was handed out longest ago, which its client has had the most time to name', async () => {
    const tenant = await openTenant(db, 5 * PRICE);
    const ids = [await admitted(tenant), await admitted(tenant), await admitted(tenant)].toSorted().reverse();
    for (const [n, id] of ids.entries()) await handedOut(id, 10 - n);
    const handed = [];
    for (let n = 0; n < 6; n += 1) handed.push(await idOf(retry(tenant)));
    expect(handed).toEqual([...ids, ...ids]);
  });

  it('is handed each of several once before any twice', async () => {
    const tenant = await openTenant(db, 5 * PRICE);
    const first = await admitted(tenant);
    expect(await idOf(retry(tenant))).toBe(first);
    await handedOut(first, 5);
    const second = await admitted(tenant);
    expect(await idOf(retry(tenant))).toBe(second);
    expect(await idOf(retry(tenant))).toBe(first);
  });

  it('at the same moment as others is handed another one than they, while one is left', async () => {
    const tenant = await openTenant(db, 20 * PRICE);
    const ids = [];
    for (let n = 0; n < 8; n += 1) ids.push(await admitted(tenant));
    const handed = await Promise.all(ids.map(() => idOf(retry(tenant))));
    expect(handed.toSorted()).toEqual(ids.toSorted());
  });

  it('and another one at the same moment are admitted once, when there is nothing yet that they could mean', async () => {
    const tenant = await openTenant(db, 20 * PRICE);
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => db.ledger.admitGeneration({ ...request(tenant), retryWithinMs: HOUR })),
    );
    expect(answers.filter(({ outcome }) => outcome === 'admitted')).toHaveLength(1);
    expect(answers.filter(({ outcome }) => outcome === 'pending')).toHaveLength(7);
  });

  it('waits for the request that it repeats while that is being admitted', async () => {
    const tenant = await openTenant(db, 5 * PRICE);
    const { generationId, fingerprint } = request(tenant);
    const sql = `SELECT admit_generation($1, $2, $3, 'sora-2', 4, '720x1280', NULL, 'a fox', NULL, NULL, NULL, NULL, 60000, $4, NULL, NULL)`;
    const values = [generationId, tenant.accountId, tenant.apiKeyId, fingerprint];
    expect(await runBehind(db, { sql, values }, () => idOf(retry(tenant)))).toBe(generationId);
  });
});

describe('an operation that is carried out once for its key', () => {
  const operation = (key: string, body = 'x') => ({
    scope: 'admin',
    key,
    fingerprint: createHash('sha256').update(body).digest(),
  });
  const open = (name: string) => async (inside: Database) => {
    const id = accountId(randomUUID());
    await openBooks(inside).openAccount(id, name);
    return { id };
  };

  it('is done once by eight callers at the same moment; each gets its answer', async () => {
    const name = `once ${randomUUID()}`;
    const answers = await Promise.all(Array.from({ length: 8 }, () => once(db.database, operation(name), open(name))));
    expect(answers.filter(({ outcome }) => outcome === 'done')).toHaveLength(1);
    const { rows } = await db.admin.query<{ id: string }>('SELECT id FROM accounts WHERE name = $1', [name]);
    expect(answers.map((each) => 'answer' in each && each.answer.id)).toEqual(Array(8).fill(rows[0]?.id));
    expect(rows).toHaveLength(1);
  });

  it('is not done for another body under its key', async () => {
    const name = `once ${randomUUID()}`;
    await once(db.database, operation(name), open(name));
    expect(await once(db.database, operation(name, 'y'), open(name))).toEqual({ outcome: 'key_reused' });
  });

  it('that raises leaves nothing behind, and is done by the next caller', async () => {
    const name = `once ${randomUUID()}`;
    const raising = once(db.database, operation(name), async (inside) => {
      await open(name)(inside);
      throw new Error('killed before the commit');
    });
    await expect(raising).rejects.toThrow('killed before the commit');
    expect((await db.admin.query('SELECT FROM accounts WHERE name = $1', [name])).rowCount).toBe(0);
    expect(await once(db.database, operation(name), open(name))).toMatchObject({ outcome: 'done' });
  });

  it('keeps its answer as it was', async () => {
    const name = `once ${randomUUID()}`;
    await once(db.database, operation(name), open(name));
    await expect(db.admin.query("UPDATE kept_operations SET answer = '{}' WHERE key = $1", [name])).rejects.toThrow(
      /append-only/,
    );
  });
});

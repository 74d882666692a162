import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { TestDatabase, Tenant } from '../harness/support/database.ts';
import { PRICE, admit, createTestDatabase, openTenant } from '../harness/support/database.ts';

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

const TTL = 3600;
const times = (count: number) => Array.from({ length: count }, (_, index) => index);
const balance = async (tenant: Tenant) => {
  const { availableMicrocredits, heldMicrocredits, heldVideos, activeGenerations } = await db.ledger.getBalance(
    tenant.accountId,
  );
  return { available: availableMicrocredits, held: heldMicrocredits, heldVideos, activeGenerations };
};
const holding = (count: number, available: number) => ({
  available,
  held: count * PRICE,
  heldVideos: count,
  activeGenerations: count,
});
const setAccount = (tenant: Tenant, assignment: string) =>
  db.admin.query(`UPDATE accounts SET ${assignment} WHERE id = $1`, [tenant.accountId]);
/** Rich enough to admit `count`, then left with exactly `microcredits`. */
const admitted = async (count: number, microcredits: number) => {
  const tenant = await openTenant(db, count * PRICE);
  const ids = await Promise.all(times(count).map(() => admit(db, tenant)));
  const surplus = microcredits - count * PRICE;
  if (surplus !== 0) {
    await db.ledger.grantCredits({
      accountId: tenant.accountId,
      amountMicrocredits: surplus,
      reason: 'to size',
      idempotencyKey: 'size',
    });
  }
  return { tenant, ids };
};
const one = async () => {
  const { tenant, ids } = await admitted(1, PRICE);
  return { tenant, id: ids[0] as string };
};
const outcomes = (placements: { outcome: string; code?: string }[]) => {
  const tally: Record<string, number> = {};
  for (const { outcome, code } of placements) tally[code ?? outcome] = (tally[code ?? outcome] ?? 0) + 1;
  return tally;
};

describe('a balance for M < N', () => {
  // MR-86
  it('20 holds at once on a balance for 6: exactly 6 are accepted', async () => {
    const { tenant, ids } = await admitted(20, 6 * PRICE + 100);
    const placements = await Promise.all(ids.map((id) => db.ledger.placeHold(id, TTL)));
    expect(outcomes(placements)).toEqual({ held: 6, insufficient_credits: 14 });
    expect(await balance(tenant)).toEqual(holding(6, 100));
  });

  it('a claw-back at the same moment never takes a balance below zero', async () => {
    for (const round of times(5)) {
      const { tenant, ids } = await admitted(8, 5 * PRICE);
      const clawBack = db.ledger.grantCredits({
        accountId: tenant.accountId,
        amountMicrocredits: -3 * PRICE,
        reason: 'r',
        idempotencyKey: `${round}`,
      });
      const placements = await Promise.all(ids.map((id) => db.ledger.placeHold(id, TTL)));
      const clawed = await clawBack;
      const moved = 'movedMicrocredits' in clawed ? -clawed.movedMicrocredits : 0;
      const held = outcomes(placements)['held'] ?? 0;
      expect(await balance(tenant)).toEqual(holding(held, 5 * PRICE - held * PRICE - moved));
    }
  });
});

describe('placing twice', () => {
  it('moves nothing and answers with the same hold', async () => {
    const { tenant, id } = await one();
    const first = await db.ledger.placeHold(id, TTL);
    const again = await db.ledger.placeHold(id, 2 * TTL);
    expect(first).toMatchObject({
      outcome: 'held',
      amountMicrocredits: PRICE,
      accountId: tenant.accountId,
      holdTtlMs: TTL * 1000,
    });
    const holdId = first.outcome === 'held' ? first.holdId : '';
    expect(again).toMatchObject({ outcome: 'held', holdId, holdTtlMs: TTL * 1000 });
    expect(again.outcome === 'held' && again.timeLeftMs).toBeLessThanOrEqual(TTL * 1000);
    expect(await balance(tenant)).toEqual(holding(1, 0));
  });

  it('from several connections at once places one hold', async () => {
    for (let round = 0; round < 10; round++) {
      const { tenant, ids } = await admitted(1, 3 * PRICE);
      const placements = await Promise.all(times(5).map(() => db.ledger.placeHold(ids[0] as string, TTL)));
      expect(new Set(placements.map((placed) => placed.outcome === 'held' && placed.holdId)).size).toBe(1);
      expect(await balance(tenant)).toEqual(holding(1, 2 * PRICE));
    }
  });

  it('never again after a refusal, whatever was topped up', async () => {
    const { tenant, ids } = await admitted(1, PRICE - 1);
    const id = ids[0] as string;
    const refused = { outcome: 'refused', code: 'insufficient_credits', accountId: tenant.accountId };
    expect(await db.ledger.placeHold(id, TTL)).toEqual(refused);
    await db.ledger.grantCredits({
      accountId: tenant.accountId,
      amountMicrocredits: 10 * PRICE,
      reason: 'r',
      idempotencyKey: 'top-up',
    });
    expect(await db.ledger.placeHold(id, TTL)).toEqual(refused);
    expect(await db.ledger.voidGeneration(id)).toMatchObject({ state: 'refused', refusalCode: 'insufficient_credits' });
    expect(await balance(tenant)).toEqual(holding(0, 11 * PRICE - 1));
  });
});

describe('a hold is refused', () => {
  it('for an unknown generation', async () => {
    await expect(db.ledger.placeHold('video_00000000000000000000000000000000', TTL)).rejects.toMatchObject({
      code: 'unknown_generation',
    });
  });

  it('for an account frozen since admission', async () => {
    const { tenant, id } = await one();
    await setAccount(tenant, 'frozen_at = now()');
    expect(await db.ledger.placeHold(id, TTL)).toMatchObject({ outcome: 'refused', code: 'account_frozen' });
    expect(await balance(tenant)).toEqual(holding(0, PRICE));
  });

  // MR-29
  it('once admit_by has passed: then it is voided for good', async () => {
    const { tenant, id } = await one();
    await db.admin.query("UPDATE generations SET admit_by = clock_timestamp() - interval '1 ms' WHERE id = $1", [id]);
    expect(await db.ledger.placeHold(id, TTL)).toMatchObject({ outcome: 'refused', code: 'voided' });
    await db.admin.query("UPDATE generations SET admit_by = clock_timestamp() + interval '1 hour' WHERE id = $1", [id]);
    expect(await db.ledger.placeHold(id, TTL)).toMatchObject({ outcome: 'refused', code: 'voided' });
    expect(await balance(tenant)).toEqual(holding(0, PRICE));
  });

  // MR-84
  it('beyond the cap: of 12 at once exactly as many as the cap allows are accepted', async () => {
    const { tenant, ids } = await admitted(12, 12 * PRICE);
    await setAccount(tenant, 'max_active_generations = 5');
    const placements = await Promise.all(ids.map((id) => db.ledger.placeHold(id, TTL)));
    expect(outcomes(placements)).toEqual({ held: 5, too_many_active_generations: 7 });
    expect(await balance(tenant)).toEqual(holding(5, 7 * PRICE));
  });

  it.each([0, -1, null])('with a life of %s seconds, and nothing is half done', async (ttl) => {
    const { tenant, id } = await one();
    await expect(db.pool.query('SELECT * FROM place_hold($1, $2)', [id, ttl])).rejects.toThrow();
    expect(await balance(tenant)).toEqual(holding(0, PRICE));
    expect(await db.ledger.placeHold(id, TTL)).toMatchObject({ outcome: 'held' });
  });
});

describe('giving a request up', () => {
  // MR-28
  it('against a hold at the same moment: exactly one wins, and what is voided holds nothing', async () => {
    const won = { held: 0, voided: 0 };
    for (let round = 0; round < 40; round++) {
      const { tenant, id } = await one();
      const place = () => db.ledger.placeHold(id, TTL);
      const giveUp = () => db.ledger.voidGeneration(id);
      const [placed, voided] =
        round % 2 === 0
          ? await Promise.all([place(), giveUp()])
          : await Promise.all([giveUp(), place()]).then(([second, first]) => [first, second] as const);
      expect(voided.state === 'held').toBe(placed.outcome === 'held');
      expect(['held', 'voided']).toContain(voided.state);
      won[voided.state as 'held' | 'voided']++;
      expect(await balance(tenant)).toEqual(placed.outcome === 'held' ? holding(1, 0) : holding(0, PRICE));
    }
    expect(won.held + won.voided).toBe(40);
  });

  it('waits for a hold whose transaction is still open, and then knows of it', async () => {
    const { id } = await one();
    const client = await db.pool.connect();
    await client.query('BEGIN');
    await client.query('SELECT * FROM place_hold($1, $2)', [id, TTL]);
    const voided = db.ledger.voidGeneration(id);
    await client.query('COMMIT');
    client.release();
    expect(await voided).toMatchObject({ state: 'held' });
  });

  it('twice is once', async () => {
    const { id } = await one();
    expect(await db.ledger.voidGeneration(id)).toEqual({ state: 'voided', refusalCode: 'voided' });
    expect(await db.ledger.voidGeneration(id)).toEqual({ state: 'voided', refusalCode: 'voided' });
    const { rows } = await db.pool.query("SELECT FROM generation_events WHERE generation_id = $1 AND kind = 'voided'", [
      id,
    ]);
    expect(rows).toHaveLength(1);
  });
});

describe('a process that dies', () => {
  /** Runs one statement in a transaction and kills the backend before it commits. */
  const dieAfter = async (sql: string, values: unknown[]) => {
    const client = await db.pool.connect();
    client.on('error', () => undefined);
    await client.query('BEGIN');
    const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    await client.query(sql, values);
    await db.admin.query('SELECT pg_terminate_backend($1, 5000)', [rows[0]?.pid]);
    await expect(client.query('COMMIT')).rejects.toThrow();
    client.release(true);
  };

  it('in the middle of placing leaves nothing held, and the next one places', async () => {
    const { tenant, id } = await one();
    await dieAfter('SELECT * FROM place_hold($1, $2)', [id, TTL]);
    expect(await balance(tenant)).toEqual(holding(0, PRICE));
    expect(await db.ledger.placeHold(id, TTL)).toMatchObject({ outcome: 'held' });
    expect(await balance(tenant)).toEqual(holding(1, 0));
  });

  it('in the middle of settling leaves the hold active, and the next one settles', async () => {
    const { tenant, id } = await one();
    await db.ledger.placeHold(id, TTL);
    await dieAfter('SELECT * FROM settle_generation($1, $2)', [id, 'provider_unavailable']);
    expect(await balance(tenant)).toEqual(holding(1, 0));
    expect(await db.ledger.settleGeneration(id, 'provider_unavailable')).toMatchObject({ result: 'settled' });
    expect(await balance(tenant)).toEqual(holding(0, PRICE));
  });

  it('in the middle of a grant leaves the key unused', async () => {
    const tenant = await openTenant(db, 0);
    await dieAfter('SELECT * FROM grant_credits($1, 5, $2, $3)', [tenant.accountId, 'r', 'k']);
    const granted = await db.ledger.grantCredits({
      accountId: tenant.accountId,
      amountMicrocredits: 7,
      reason: 'r',
      idempotencyKey: 'k',
    });
    expect(granted).toMatchObject({ outcome: 'granted', replayed: false, availableMicrocredits: 7 });
  });

  it('after begin_attempt committed leaves an open attempt: nothing is submitted blindly', async () => {
    const { id } = await one();
    await db.ledger.placeHold(id, TTL);
    const provider = { identity: 'openai@http://provider' };
    await dieAfter('SELECT * FROM begin_attempt($1, ARRAY[$2], 0)', [id, provider.identity]);
    expect(await db.ledger.beginAttempt(id, [provider])).toMatchObject({ outcome: 'begun', number: 1 });
    expect(await db.ledger.beginAttempt(id, [provider])).toEqual({ outcome: 'open' });
    expect(await db.ledger.placeHold(id, TTL)).toMatchObject({ outcome: 'held', attemptMayHaveArrived: true });
  });
});

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CallUrgency } from '../../store/index.ts';
import type { TestDatabase } from '../harness/support/database.ts';
import { createTestDatabase } from '../harness/support/database.ts';
import { ledgerSteps } from '../harness/support/ledgerSteps.ts';

/** A provider gets no more requests in a minute than it may, and whose turn comes first (MR-100). */

let db: TestDatabase;
beforeEach(async () => {
  db = await createTestDatabase(20);
});
afterEach(async () => {
  await db.drop();
});

const { held, outlive } = ledgerSteps(() => db);

const PROVIDER = 'openai@http://provider';
/** A burst of six, and then one in 60/55 s. */
const PER_MINUTE = 60;
const LIMITED = [{ identity: PROVIDER, requestsPerMinute: PER_MINUTE }];

const ask = (urgency: CallUrgency, waiter: string | null = null, provider = PROVIDER) =>
  db.ledger.takeTurn({ provider, requestsPerMinute: PER_MINUTE, urgency, waiter });
const isTaken = async (urgency: CallUrgency = 'look', waiter: string | null = null) =>
  (await ask(urgency, waiter)).waitMs === 0;

/** As if so many seconds had passed, for the budget and for whoever waits. */
const pass = (seconds: number) =>
  db.admin.query(
    `WITH paced AS (UPDATE provider_paces SET whole_at = whole_at - $1 * interval '1 second')
      UPDATE provider_waits SET rank_at = rank_at - $1 * interval '1 second', again_at = again_at - $1 * interval '1 second'`,
    [seconds],
  );
/** Takes the turns that there are. */
async function useUp() {
  for (let taken = 0; taken < PER_MINUTE; taken += 1) if (!(await isTaken('urgent'))) return;
  throw new Error('there is no end to the turns');
}

describe('a provider that may get sixty requests a minute', () => {
  it('gets a burst of six from many callers at one moment, and another provider its own', async () => {
    const asked = await Promise.all(Array.from({ length: 40 }, () => ask('look')));
    expect(asked.filter(({ waitMs }) => waitMs === 0)).toHaveLength(6);
    expect(Math.min(...asked.map(({ waitMs }) => waitMs).filter((waitMs) => waitMs > 0))).toBeGreaterThan(500);
    expect((await ask('look', null, 'gpu-1@http://other')).waitMs).toBe(0);
  });

  it('gets at most sixty in any minute, and nearly as many', async () => {
    let taken = 0;
    const beganMs = performance.now();
    for (let passed = 0; passed + (performance.now() - beganMs) / 1000 < 59; passed += 0.5) {
      while (await isTaken()) taken += 1;
      await pass(0.5);
    }
    expect(taken).toBeLessThanOrEqual(PER_MINUTE);
    expect(taken).toBeGreaterThan(55);
  });

  it('saves no turns up for more than a burst', async () => {
    await useUp();
    await pass(3600);
    const asked = await Promise.all(Array.from({ length: 20 }, () => ask('look')));
    expect(asked.filter(({ waitMs }) => waitMs === 0)).toHaveLength(6);
  });

  it('gets its turns although the database’s clock was set back by an hour', async () => {
    await useUp();
    await db.admin.query("UPDATE provider_paces SET whole_at = whole_at + interval '1 hour'");
    expect((await ask('look')).waitMs).toBeLessThan(1200);
    await pass(1.2);
    expect(await isTaken()).toBe(true);
  });
});

describe('of the calls that wait', () => {
  const order = async (...waiters: [CallUrgency, string][]) => {
    const served: string[] = [];
    for (let rounds = 0; served.length < waiters.length; rounds += 1) {
      if (rounds > 20) throw new Error(`only ${served.join()} had a turn`);
      await pass(1.1);
      for (const [urgency, waiter] of waiters)
        if (!served.includes(waiter) && (await isTaken(urgency, waiter))) served.push(waiter);
    }
    return served;
  };

  it('a last look goes first, then creates, looks and all others, and each kind in the order of its coming', async () => {
    await useUp();
    const waiters: [CallUrgency, string][] = [
      ['other', 'copy'],
      ['look', 'look 1'],
      ['look', 'look 2'],
      ['create', 'create'],
      ['urgent', 'last look'],
    ];
    for (const [urgency, waiter] of waiters) expect((await ask(urgency, waiter)).waitMs).toBeGreaterThan(0);
    expect((await ask('look')).waiting).toBe(5);
    expect(await order(...waiters)).toEqual(['last look', 'create', 'look 1', 'look 2', 'copy']);
    expect((await ask('look')).waiting).toBe(0);
  });

  it('none starves: what has waited for long goes before what is new and more urgent', async () => {
    await useUp();
    await ask('look', 'look');
    await ask('other', 'copy');
    await db.admin.query("UPDATE provider_waits SET rank_at = rank_at - interval '20 minutes 1 second'");
    await ask('create', 'create');
    expect(await order(['create', 'create'], ['look', 'look'], ['other', 'copy'])).toEqual(['look', 'copy', 'create']);
  });

  it('each is told when its turn comes, behind those ahead of it', async () => {
    await useUp();
    const [first, second, third] = [await ask('look', 'a'), await ask('look', 'b'), await ask('look', 'c')];
    expect(second.waitMs - first.waitMs).toBeGreaterThan(900);
    expect(third.waitMs - second.waitMs).toBeGreaterThan(900);
    for (let more = 0; more < 60; more += 1) await ask('look', `more ${more}`);
    expect((await ask('look', 'the last')).waitMs).toBe(30_000);
    expect((await ask('urgent', 'urgent')).waitMs).toBeLessThan(2000);
  });

  it('one that does not come again keeps its turn from others for three seconds, and its place for ten minutes', async () => {
    await useUp();
    await ask('look', 'dead');
    await pass(1.1);
    expect(await isTaken('look', 'alive')).toBe(false);
    await pass(3);
    expect(await isTaken('look', 'alive')).toBe(true);
    await useUp();
    await ask('look', 'alive');
    await pass(1.1);
    expect(await isTaken('look', 'alive')).toBe(true);
    await useUp();
    await pass(600);
    await useUp();
    await ask('look', 'another');
    const { rows } = await db.admin.query('SELECT waiter FROM provider_waits');
    expect(rows).toEqual([{ waiter: 'another' }]);
  });

  it('one that does not come again by itself takes no place', async () => {
    await useUp();
    await ask('urgent', null);
    expect((await ask('look')).waiting).toBe(0);
  });
});

describe('an attempt whose create has no turn', () => {
  it('is not begun, waits in the line, and begins once its turn comes', async () => {
    const { id } = await held();
    await useUp();
    expect(await db.ledger.beginAttempt(id, LIMITED)).toEqual({
      outcome: 'busy',
      provider: PROVIDER,
      waitMs: expect.any(Number) as number,
    });
    const { rows } = await db.admin.query(
      "SELECT (SELECT count(*)::int FROM provider_attempts) AS attempts, (SELECT count(*)::int FROM generation_events WHERE kind = 'attempt_begun') AS events, (SELECT provider FROM generations WHERE id = $1)",
      [id],
    );
    expect(rows).toEqual([{ attempts: 0, events: 0, provider: null }]);
    expect((await ask('look')).waiting).toBe(1);
    await pass(1.1);
    expect(await db.ledger.beginAttempt(id, LIMITED)).toMatchObject({ outcome: 'begun', number: 1 });
    expect(await ask('look')).toMatchObject({ waiting: 0 });
  });

  it('takes a turn from the looks when it begins, and none at a provider without a limit', async () => {
    for (let created = 0; created < 6; created += 1)
      expect(await db.ledger.beginAttempt((await held()).id, LIMITED)).toMatchObject({ outcome: 'begun' });
    expect(await isTaken()).toBe(false);
    expect(await db.ledger.beginAttempt((await held()).id, [{ identity: PROVIDER }])).toMatchObject({
      outcome: 'begun',
    });
  });

  it('is cancelled, or too late, all the same', async () => {
    const [cancelled, late] = [await held(), await held()];
    await useUp();
    await db.ledger.requestCancel(cancelled.id, 'client');
    await outlive(late.id);
    expect(await db.ledger.beginAttempt(cancelled.id, LIMITED)).toEqual({ outcome: 'cancelled' });
    expect(await db.ledger.beginAttempt(late.id, LIMITED)).toEqual({ outcome: 'too_late' });
  });
});

it('the line can only be changed by its function', async () => {
  for (const statement of [
    'UPDATE provider_paces SET whole_at = now()',
    "INSERT INTO provider_waits VALUES ('a', 'b', now(), now())",
    'DELETE FROM provider_waits',
  ])
    await expect(db.pool.query(statement)).rejects.toThrow(/permission denied/);
});

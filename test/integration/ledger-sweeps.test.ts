import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestDatabase } from '../harness/support/database.ts';
import { createTestDatabase } from '../harness/support/database.ts';
import { FINISHED, ledgerSteps, OPEN, PROVIDER } from '../harness/support/ledgerSteps.ts';

/** The sweep of a provider's list: who may do it, whether it is relied on, and how often it makes a workflow look. */

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase(10);
});
afterAll(async () => {
  await db.drop();
});

const { held, created, seen, settle, outlive } = ledgerSteps(() => db);

// MR-87
describe('the workflow of an open video is told to look', () => {
  type Reason = 'ended' | 'vanished';
  const isTold = async ({ id }: { id: string }, why: Reason) =>
    (await db.ledger.takeSweepNudges([id], why)).length === 1;

  it('once because a list shows its end, and three times because a list has lost it, whichever comes first', async () => {
    const hold = await created();
    const told = [];
    for (const why of ['vanished', 'ended', 'ended', 'vanished', 'vanished', 'vanished', 'ended'] as const)
      told.push(await isTold(hold, why));
    expect(told).toEqual([true, true, false, true, true, false, false]);
  });

  it('as often as that also by many sweeps at one moment', async () => {
    const hold = await created();
    const tell = (why: Reason) => Promise.all(Array.from({ length: 10 }, () => isTold(hold, why)));
    const [ended, vanished] = await Promise.all([tell('ended'), tell('vanished')]);
    expect([ended, vanished].map((told) => told.filter(Boolean).length)).toEqual([1, 3]);
  });

  it('apart from webhooks: neither takes what the other may send', async () => {
    const [webhooksFirst, listsFirst] = [await seen(OPEN), await seen(OPEN)];
    const toldByWebhooks = async ({ video }: { video: string }) => {
      const events = Array.from({ length: 21 }, (_, n) => ({
        webhookId: `${video} ${n}`,
        type: 'video.completed',
        providerVideoId: video,
      }));
      const recorded = [];
      for (const event of events) recorded.push(await db.ledger.recordProviderEvent(PROVIDER.identity, event));
      return recorded.filter(({ outcome }) => outcome === 'nudge').length;
    };
    const toldByLists = async (hold: { id: string }) => {
      const told = [await isTold(hold, 'ended')];
      for (let n = 0; n < 4; n += 1) told.push(await isTold(hold, 'vanished'));
      return told.filter(Boolean).length;
    };
    expect([await toldByWebhooks(webhooksFirst), await toldByLists(webhooksFirst)]).toEqual([20, 4]);
    expect([await toldByLists(listsFirst), await toldByWebhooks(listsFirst)]).toEqual([4, 20]);
  });

  it('only while its hold is active and no end of it was seen', async () => {
    const [waiting, finished, released] = [await held(), await seen(FINISHED), await seen(OPEN)];
    await outlive(released.id);
    await settle(released.id, 'expired');
    for (const hold of [waiting, finished, released, { id: 'video_none' }])
      expect([await isTold(hold, 'ended'), await isTold(hold, 'vanished')]).toEqual([false, false]);
  });

  it('never more often than the table allows, whoever writes it', async () => {
    const hold = await created();
    await isTold(hold, 'ended');
    for (const column of ['listed_ended', 'listed_vanished'])
      await expect(
        db.admin.query(`UPDATE provider_nudges SET ${column} = 4 WHERE generation_id = $1`, [hold.id]),
      ).rejects.toMatchObject({ constraint: `provider_nudges_${column}_range` });
  });
});

describe('a list', () => {
  let lists = 0;
  const newList = () => `list-${++lists}@http://provider`;
  const ONE_MINUTE_MS = 60_000;
  const SHOWN = { shown: 10, missed: 1 };
  const keep = (list: string, sweeper: string, coverage: typeof SHOWN | null = null, leaseMs = ONE_MINUTE_MS) =>
    db.ledger.keepSweep(list, sweeper, leaseMs, coverage);
  /** Moves the end of its lease. */
  const move = (list: string, by: string) =>
    db.admin.query('UPDATE provider_sweeps SET lease_until = lease_until + $2::interval WHERE provider = $1', [
      list,
      by,
    ]);

  it('is swept by one of many that begin at one moment, and by another when that gives it back', async () => {
    const list = newList();
    const sweepers = Array.from({ length: 10 }, (_, n) => `sweeper ${n}`);
    const begun = await Promise.all(sweepers.map(async (sweeper) => ((await keep(list, sweeper)) ? [sweeper] : [])));
    const [first = '', ...more] = begun.flat();
    expect(more).toEqual([]);
    expect([await keep(list, first), await keep(list, 'another')]).toEqual([true, false]);
    expect(await keep(list, first, null, 0)).toBe(true);
    expect([await keep(list, 'another'), await keep(list, first)]).toEqual([true, false]);
  });

  it('is swept by another when the lease has ended, or its end is further away than any lease', async () => {
    const list = newList();
    await keep(list, 'dead');
    await move(list, '-59 s');
    expect(await keep(list, 'second')).toBe(false);
    await move(list, '-1 s');
    expect(await keep(list, 'second')).toBe(true);
    // The clock was set back by an hour.
    await move(list, '1 h');
    expect(await keep(list, 'third')).toBe(true);
  });

  it('is relied on while it is swept and has shown nine of ten open videos, also by who renews the lease without a round', async () => {
    const list = newList();
    const tells = () => db.ledger.sweepTells(list);
    expect(await tells()).toBe(false);
    await keep(list, 'first');
    expect(await tells()).toBe(false);
    await keep(list, 'first', SHOWN);
    expect(await tells()).toBe(true);
    await keep(list, 'first');
    expect(await tells()).toBe(true);
    expect(await db.ledger.sweepTells(newList())).toBe(false);
    await keep(list, 'first', { ...SHOWN, missed: 2 });
    expect(await tells()).toBe(false);
    await keep(list, 'first', { shown: 0, missed: 0 });
    expect(await tells()).toBe(false);
    await keep(list, 'first', SHOWN);
    await move(list, '-1 min');
    expect(await tells()).toBe(false);
  });
});

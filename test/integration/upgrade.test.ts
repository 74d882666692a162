import { randomUUID } from 'node:crypto';
import { appendFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Ledger } from '../../ledger/index.ts';
import { createLedger } from '../../ledger/index.ts';
import { migrate } from '../../migrations/runner.ts';
import { PRICE, createTestDatabase } from '../support/database.ts';
import { fingerprintOf, firstLedger, isFirst } from '../support/firstLedger.ts';
import type { OpenDatabase, UpgradeSite } from '../support/upgradeSite.ts';
import { lookAt, migrationNames, openUpgradeSite, rowsOf } from '../support/upgradeSite.ts';

let site: UpgradeSite;
let upgraded: OpenDatabase;
let ledger: Ledger;

beforeAll(async () => {
  site = await openUpgradeSite();
  upgraded = await site.cloneOld();
  await migrate(upgraded.target);
  ledger = createLedger(upgraded.service);
});
afterAll(async () => {
  await site.close();
});

const byText = (rows: object[]) => rows.map((row) => JSON.stringify(row)).sort();
const driftOf = async ({ admin }: OpenDatabase) => (await admin.query('SELECT * FROM ledger_drift')).rows;

// Before those that go on with the upgraded database.
describe('a database of the first version, upgraded', () => {
  it('keeps every row and every balance', async () => {
    for (const [table, rows] of Object.entries(site.before.rows)) {
      if (table === 'journal_entries' || table === 'schema_migrations') continue;
      const columns = Object.keys(rows[0] ?? {});
      const kept = (await rowsOf(upgraded.admin, table)).map((row) =>
        Object.fromEntries(columns.map((column) => [column, row[column]])),
      );
      expect(rows.length, table).toBeGreaterThan(0);
      expect(byText(kept), table).toEqual(byText(rows));
    }
  });

  it('shows each transaction with exactly the entries that it had', async () => {
    const entries = site.before.rows['journal_entries'] ?? [];
    expect(entries.length).toBeGreaterThan(40);
    expect(byText(await rowsOf(upgraded.admin, 'journal_entries'))).toEqual(byText(entries));
  });

  it('says of each transaction what its account had afterwards', async () => {
    const sums = new Map<unknown, { available: number; held: number }>();
    const journal = (await rowsOf(upgraded.admin, 'journal_transactions')) as Record<string, number>[];
    for (const line of journal.sort((a, b) => a['id']! - b['id']!)) {
      const { available, held } = sums.get(line['account_id']) ?? { available: 0, held: 0 };
      const moved = (book: string) =>
        (site.before.rows['journal_entries'] ?? [])
          .filter((entry) => entry['transaction_id'] === line['id'] && entry['book'] === book)
          .reduce((sum, entry) => sum + Number(entry['amount_microcredits']), 0);
      const after = { available: available + moved('available'), held: held + moved('held') };
      const said = { available: line['available_after_microcredits'], held: line['held_after_microcredits'] };
      expect(said, JSON.stringify(line)).toEqual(after);
      sums.set(line['account_id'], after);
    }
    const accounts = (site.before.rows['accounts'] ?? []).map((account) => [
      account['id'],
      { available: account['available_microcredits'], held: account['held_microcredits'] },
    ]);
    expect([...sums].sort()).toEqual(accounts.sort());
  });

  it('has the schema of a new database', async () => {
    const fresh = await createTestDatabase();
    try {
      expect((await lookAt(upgraded)).schema).toEqual((await lookAt(fresh)).schema);
    } finally {
      await fresh.drop();
    }
  });
});

describe('in an upgraded database', () => {
  afterEach(async () => {
    expect(await driftOf(upgraded)).toEqual([]);
  });

  const balanceOf = async (accountId: string) => {
    const { availableMicrocredits, heldMicrocredits } = await ledger.getBalance(accountId);
    return { available: availableMicrocredits, held: heldMicrocredits };
  };
  /** What the work does to the account's balance. */
  const moving = async (accountId: string, work: () => Promise<void>) => {
    const began = await balanceOf(accountId);
    await work();
    const ended = await balanceOf(accountId);
    return { available: ended.available - began.available, held: ended.held - began.held };
  };
  const nothing = { available: 0, held: 0 };

  it('the key of an earlier grant or claw-back answers as it did, and moves nothing', async () => {
    for (const { tenant, amount, reason, key, answer } of site.filled.grants) {
      const grant = { accountId: tenant.accountId, amountMicrocredits: amount, idempotencyKey: key };
      const moved = await moving(tenant.accountId, async () => {
        expect(await ledger.grantCredits({ ...grant, reason: reason as string }), key).toMatchObject({
          outcome: answer.outcome,
          transactionId: Number(answer.transaction_id),
          movedMicrocredits: Number(answer.moved_microcredits),
          replayed: true,
        });
        expect(await ledger.grantCredits({ ...grant, reason: 'another' }), key).toMatchObject({
          outcome: 'key_reused',
        });
      });
      expect(moved, key).toEqual(nothing);
    }
  });

  it('an earlier hold is captured once', async () => {
    const { completed, completedForPart } = site.filled.generations;
    const captured = await moving(site.filled.busy.accountId, async () => {
      const answers = await Promise.all([1, 2, 3].map(() => ledger.settleGeneration(completed, 'completed')));
      for (const answer of answers) expect(answer).toMatchObject({ result: 'settled', settlement: { charged: true } });
    });
    expect(captured).toEqual({ available: 0, held: -PRICE });
    const inPart = await moving(site.filled.busy.accountId, async () => {
      await ledger.settleGeneration(completedForPart, 'completed', { chargeMicrocredits: 1 });
      await ledger.settleGeneration(completedForPart, 'completed', { chargeMicrocredits: 1 });
    });
    expect(inPart).toEqual({ available: PRICE - 1, held: -PRICE });
  });

  it('an earlier hold is released once', async () => {
    const released = await moving(site.filled.other.accountId, async () => {
      const { failed } = site.filled.generations;
      const answers = await Promise.all([1, 2, 3].map(() => ledger.settleGeneration(failed, 'provider_failed')));
      for (const answer of answers) expect(answer).toMatchObject({ result: 'settled', settlement: { charged: false } });
    });
    expect(released).toEqual({ available: PRICE, held: -PRICE });
  });

  it('an earlier hold goes on where it stood', async () => {
    const { held, mayHaveArrived, withVideo, heldByOther } = site.filled.generations;
    const provider = { baseUrl: 'http://provider', credential: 'default' };
    for (const id of [held, mayHaveArrived, withVideo, heldByOther]) {
      expect(await ledger.placeHold(id, 3600)).toMatchObject({ outcome: 'held', amountMicrocredits: PRICE });
    }
    expect(await ledger.beginCreate(held, provider)).toMatchObject({ outcome: 'begun', number: 1 });
    expect(await ledger.beginCreate(mayHaveArrived, provider)).toEqual({ outcome: 'open' });
    expect(await ledger.beginCreate(withVideo, provider)).toMatchObject({ outcome: 'known' });
    await ledger.requestCancel(heldByOther, 'client');
    expect(await ledger.settleGeneration(heldByOther, 'cancelled')).toMatchObject({ result: 'settled' });
    await expect(ledger.settleGeneration(withVideo, 'completed')).rejects.toMatchObject({ code: 'no_proof' });
  });

  it('an earlier settlement stands', async () => {
    const settled = {
      charged: 'completed',
      chargedOfOther: 'completed',
      blocked: 'provider_failed',
      createRefused: 'create_refused',
      cancelled: 'cancelled',
      expired: 'expired',
    } as const;
    for (const [name, reason] of Object.entries(settled) as [keyof typeof settled, 'completed' | 'expired'][]) {
      const id = site.filled.generations[name];
      const different = reason === 'completed' ? 'expired' : 'completed';
      const moved = await moving(site.filled.busy.accountId, async () => {
        expect(await ledger.settleGeneration(id, reason), name).toMatchObject({
          result: 'settled',
          settlement: { reason },
        });
        expect(await ledger.settleGeneration(id, different), name).toMatchObject({ result: 'conflict' });
        expect(await ledger.placeHold(id, 3600), name).toMatchObject({ outcome: 'settled', settlement: { reason } });
      });
      expect(moved, name).toEqual(nothing);
    }
  });

  it('an earlier charge is refunded, and never more of it than was charged', async () => {
    const { charged, blocked } = site.filled.generations;
    const ask = (generationId: string, amountMicrocredits: number | null, idempotencyKey: string) =>
      ledger.refundGeneration({ generationId, amountMicrocredits, reason: 'by grace', idempotencyKey });
    const refunded = await moving(site.filled.busy.accountId, async () => {
      expect(await ask(charged, PRICE + 1, 'too much')).toMatchObject({ outcome: 'exceeds_captured' });
      expect(await ask(charged, 1, 'one')).toMatchObject({ outcome: 'refunded', refundableMicrocredits: PRICE - 1 });
      expect(await ask(charged, null, 'rest')).toMatchObject({ outcome: 'refunded', movedMicrocredits: PRICE - 1 });
      expect(await ask(charged, null, 'rest')).toMatchObject({ outcome: 'refunded', replayed: true });
      expect(await ask(charged, 1, 'more')).toMatchObject({ outcome: 'nothing_left' });
      expect(await ask(blocked, 1, 'more')).toEqual(expect.objectContaining({ outcome: 'not_charged' }));
    });
    expect(refunded).toEqual({ available: PRICE, held: 0 });
  });

  it('an earlier idempotency key answers as it did, and an earlier request is held', async () => {
    const { requested, held, charged, refused, voided } = site.filled.generations;
    const again = ({ accountId, apiKeyId }: typeof site.filled.busy, key: string) =>
      ledger.admitGeneration({
        ...{
          accountId,
          apiKeyId,
          generationId: `video_${randomUUID().replaceAll('-', '')}`,
          model: 'sora-2',
          seconds: 4,
        },
        ...{ size: '720x1280', prompt: 'again', inputReference: null, admitWithinMs: 60_000 },
        ...{ fingerprint: fingerprintOf(key), idempotencyKey: key },
      });
    expect(await again(site.filled.busy, 'in flight')).toEqual({ outcome: 'in_use' });
    expect(await again(site.filled.busy, 'held')).toMatchObject({ outcome: 'replay', generationId: held, status: 200 });
    const kept = { outcome: 'replay', generationId: charged, status: 200, answer: { id: 'as it was' } };
    expect(await again(site.filled.busy, 'charged')).toMatchObject(kept);
    const without = { outcome: 'replay', generationId: null, status: 402 };
    expect(await again(site.filled.other, 'without credits')).toMatchObject(without);

    const placed = await moving(site.filled.busy.accountId, async () => {
      expect(await ledger.placeHold(requested, 3600)).toMatchObject({ outcome: 'held' });
    });
    expect(placed).toEqual({ available: -PRICE, held: PRICE });
    expect(await ledger.placeHold(refused, 3600)).toMatchObject({ outcome: 'refused', code: 'account_frozen' });
    expect(await ledger.placeHold(voided, 3600)).toMatchObject({ outcome: 'refused', code: 'voided' });
  });
});

/** Ways for a migration to fail when all of its own statements have run. */
const FAILURES = {
  'in its last statement': () => 'SELECT 1 / 0;',
  'when it is noted': (name: string) => `INSERT INTO schema_migrations (name, sha256) VALUES ('${name}', '');`,
};

it('a migration that fails leaves the schema and every row as they were', { timeout: 90_000 }, async () => {
  const database = await site.cloneOld();
  const newer = (await migrationNames()).filter((name) => !isFirst(name));
  for (const name of newer) {
    const start = await lookAt(database);
    for (const [when, statement] of Object.entries(FAILURES)) {
      const folder = await site.copyMigrations((each) => each <= name);
      await appendFile(new URL(name, folder), `\n${statement(name)}\n`);
      await expect(migrate({ ...database.target, folder })).rejects.toThrow(`The migration ${name} failed`);
      expect(await lookAt(database), `${name}, ${when}`).toEqual(start);
    }
    if (name === newer[0]) await expectFirstLedgerWorks(database);
    const whole = await site.copyMigrations((each) => each <= name);
    expect(await migrate({ ...database.target, folder: whole })).toEqual([name]);
  }
  expect(await driftOf(database)).toEqual([]);
  expect((await lookAt(database)).schema).toEqual((await lookAt(upgraded)).schema);
});

async function expectFirstLedgerWorks(database: OpenDatabase): Promise<void> {
  const first = firstLedger(database.service);
  const tenant = await first.openTenant('late');
  await first.grant(tenant, PRICE, 'a start', 'first');
  await first.settle(await first.seen(tenant, 'completed'), 'completed');
  expect(await driftOf(database)).toEqual([]);
}

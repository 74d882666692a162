import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { videoId } from '../../contracts/ids.ts';
import { createPool, LedgerUnavailable, openDatabase } from '../../store/index.ts';
import { inTransaction } from '../../store/transaction.ts';
import type { Books, TestDatabase } from '../harness/support/database.ts';
import {
  admissionRequest,
  PRICE,
  admit,
  createTestDatabase,
  openBooks,
  openTenant,
} from '../harness/support/database.ts';
import type { FirstStatement } from '../harness/support/runBehind.ts';
import { runBehind } from '../harness/support/runBehind.ts';
import { FINISHED, ledgerSteps } from '../harness/support/ledgerSteps.ts';

/** What comes second waits for what came first, and then answers as if nothing had been at the same moment. */

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase(5);
});
afterAll(async () => {
  await db.drop();
});
afterEach(async () => {
  expect((await db.pool.query('SELECT * FROM ledger_drift')).rows).toEqual([]);
});

const { held, seen, begin, settle, outlive, balance } = ledgerSteps(() => db);

const behind = <Answer>(first: FirstStatement, second: () => Promise<Answer>) => runBehind(db, first, second);

describe('with one key at once', () => {
  it('two grants move credits once, and the second answers with the first movement', async () => {
    const { accountId } = await openTenant(db, 0);
    const answer = await behind({ sql: "SELECT grant_credits($1, 700, 'r', 'k')", values: [accountId] }, () =>
      db.ledger.grantCredits({ accountId, amountMicrocredits: 700, reason: 'r', idempotencyKey: 'k' }),
    );
    expect(answer).toMatchObject({
      outcome: 'granted',
      movedMicrocredits: 700,
      availableMicrocredits: 700,
      replayed: true,
    });
  });

  it('two freezes freeze once, and the second answers as the first', async () => {
    const { accountId } = await openTenant(db, 0);
    const answer = await behind({ sql: "SELECT set_account_frozen($1, true, 'r', 'k')", values: [accountId] }, () =>
      db.ledger.setAccountFrozen({ accountId, frozen: true, reason: 'r', idempotencyKey: 'k' }),
    );
    expect(answer).toEqual({ outcome: 'frozen', replayed: true });
  });

  it('two prices are one, and the second answers as the first', async () => {
    const [model, idempotencyKey] = [randomUUID(), randomUUID()];
    const answer = await behind(
      { sql: "SELECT set_price($1, '1x1', 1000, 0, NULL, $2)", values: [model, idempotencyKey] },
      () =>
        db.ledger.setPrice({
          model,
          size: '1x1',
          costPerSecondMicrocredits: 1000,
          marginBasisPoints: 0,
          effectiveFrom: null,
          idempotencyKey,
        }),
    );
    expect(answer).toMatchObject({ outcome: 'set', replayed: true });
  });

  it('two requests are one', async () => {
    const tenant = await openTenant(db, 5 * PRICE);
    const ask = (generationId: string) =>
      admissionRequest(tenant, { generationId, fingerprint: Buffer.alloc(32), idempotencyKey: 'k' });
    const first = videoId(randomUUID());
    const answer = await behind(
      {
        sql: `SELECT admit_generation($1, $2, $3, 'sora-2', 4, '720x1280', NULL, 'a red fox', NULL, NULL, NULL, NULL, 60000, $4, 'k', NULL)`,
        values: [first, tenant.accountId, tenant.apiKeyId, Buffer.alloc(32)],
      },
      () => db.ledger.admitGeneration(ask(videoId(randomUUID()))),
    );
    expect(answer).toEqual({ outcome: 'in_use' });
  });
});

describe('of one generation', () => {
  it('a second hold waits for the first, and is that one', async () => {
    const tenant = await openTenant(db, 3 * PRICE);
    const id = await admit(db, tenant);
    const placed = await behind({ sql: 'SELECT place_hold($1, 3600)', values: [id] }, () =>
      db.ledger.placeHold(id, 60),
    );
    expect(placed).toMatchObject({ outcome: 'held', holdTtlMs: 3_600_000 });
    expect(await balance({ tenant, id })).toEqual({ available: 2 * PRICE, held: PRICE });
  });

  it('a release waits for the capture, and is a conflict', async () => {
    const hold = await seen(FINISHED);
    await outlive(hold.id);
    const released = await behind({ sql: "SELECT settle_generation($1, 'completed')", values: [hold.id] }, () =>
      settle(hold.id, 'expired'),
    );
    expect(released).toMatchObject({ result: 'conflict', settlement: { charged: true } });
  });

  it('a second refund waits for the first, and finds nothing left', async () => {
    const hold = await seen(FINISHED);
    await settle(hold.id, 'completed');
    const refunded = await behind({ sql: "SELECT refund_generation($1, NULL, 'r', 'one')", values: [hold.id] }, () =>
      db.ledger.refundGeneration({ generationId: hold.id, amountMicrocredits: 1, reason: 'r', idempotencyKey: 'two' }),
    );
    expect(refunded).toMatchObject({ outcome: 'nothing_left' });
    expect(await balance(hold)).toEqual({ available: PRICE, held: 0 });
  });

  it('an attempt waits for the cancel, and does not begin', async () => {
    const hold = await held();
    const begun = await behind({ sql: "SELECT request_cancel($1, 'client')", values: [hold.id] }, () => begin(hold.id));
    expect(begun).toEqual({ outcome: 'cancelled' });
  });
});

it("a hold whose time ends while it waits for the account's row is not placed", async () => {
  const tenant = await openTenant(db, PRICE);
  const id = await admit(db, tenant);
  await db.admin.query("UPDATE generations SET admit_by = clock_timestamp() + interval '1 second' WHERE id = $1", [id]);
  const placed = await behind(
    {
      sql: 'SELECT FROM accounts WHERE id = $1 FOR NO KEY UPDATE',
      values: [tenant.accountId],
      until: `(SELECT clock_timestamp() > admit_by FROM generations WHERE id = '${id}')`,
    },
    () => db.ledger.placeHold(id, 3600),
  );
  expect(placed).toMatchObject({ outcome: 'refused', code: 'voided' });
  expect(await balance({ tenant, id })).toEqual({ available: PRICE, held: 0 });
});

it('a process that falls silent in the middle of a transaction holds nobody up, and outlives the loss of its connection', async () => {
  const { accountId } = await openTenant(db, 0);
  const grant = (ledger: Books, idempotencyKey: string) =>
    ledger.grantCredits({ accountId, amountMicrocredits: 700, reason: 'r', idempotencyKey });
  const pool = createPool({
    databaseUrl: db.url,
    size: 1,
    applicationName: 'silent',
    onError: () => undefined,
    statementTimeoutMs: 300,
  });
  const working = inTransaction(
    openDatabase(pool),
    ['BEGIN'],
    () => undefined,
    async (inside) => {
      await grant(openBooks(inside), 'first');
      await grant(db.ledger, 'second');
      return grant(openBooks(inside), 'third');
    },
  );
  await expect(working).rejects.toBeInstanceOf(LedgerUnavailable);
  expect((await db.ledger.getBalance(accountId)).availableMicrocredits).toBe(700);
  await pool.end();
});

import { type Books, openBooks } from '../harness/support/database.ts';
import { openDatabase } from '../../store/index.ts';
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { videoId } from '../../contracts/ids.ts';
import { LedgerError, createPool } from '../../store/index.ts';
import { collide, connect, untilBlocked } from '../harness/support/blockedCalls.ts';
import { type Sight, liveThrough, readBooks } from '../harness/support/creditStorm.ts';
import type { TestDatabase, Tenant } from '../harness/support/database.ts';
import { PRICE, createTestDatabase, openTenant } from '../harness/support/database.ts';
import { BLOCKED, FINISHED, OPEN, ledgerSteps } from '../harness/support/ledgerSteps.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase(30);
});
afterAll(async () => {
  await db.drop();
});
afterEach(async () => {
  expect((await db.pool.query('SELECT * FROM ledger_drift')).rows).toEqual([]);
});

const { seen, settle, outlive, balance } = ledgerSteps(() => db);

describe('20 holds of 75 microcredits at the same moment on a balance of 500', () => {
  const admitCheap = async (tenant: Tenant) => {
    const generationId = videoId(randomUUID());
    const request = { model: 'cheap', seconds: 1, size: 'small', prompt: 'a fox' };
    const rest = { admitWithinMs: 60_000, fingerprint: Buffer.alloc(32), idempotencyKey: null };
    await db.ledger.admitGeneration({ ...tenant, generationId, ...request, ...rest });
    return generationId;
  };

  it('6 are placed and 14 refused, and the balances are 50 and 450', async () => {
    const cheap = { model: 'cheap', size: 'small', costPerSecondMicrocredits: 75, marginBasisPoints: 0 };
    await db.ledger.setPrice({ ...cheap, effectiveFrom: null, idempotencyKey: 'cheap' });
    await db.ledger.setOffer({ model: 'cheap', terms: { lengths: [1] }, effectiveFrom: null, idempotencyKey: 'cheap' });
    const tenant = await openTenant(db, 500);
    const ids = await Promise.all(Array.from({ length: 20 }, () => admitCheap(tenant)));
    const gate = await connect(db);
    const clients = await Promise.all(ids.map(() => connect(db)));
    try {
      // All of them are at the account's row before the first may go on.
      await gate.client.query('BEGIN');
      const reason = { reason: 'opens the gate', idempotencyKey: 'gate' };
      await gate.ledger.grantCredits({ accountId: tenant.accountId, amountMicrocredits: 1, ...reason });
      const placing = clients.map(({ ledger }, index) => ledger.placeHold(ids[index] as string, 3600));
      const pids = clients.map(({ pid }) => pid);
      await untilBlocked(db, pids, gate.pid);
      await gate.client.query('ROLLBACK');
      const placements = await Promise.all(placing);
      const codes = placements.map((placement) => ('code' in placement ? placement.code : placement.outcome));
      expect(codes.sort()).toEqual([...Array(6).fill('held'), ...Array(14).fill('insufficient_credits')]);
      expect(await balance({ tenant, id: '' })).toEqual({ available: 50, held: 450 });
    } finally {
      for (const { client } of [gate, ...clients]) client.release(true);
    }
  });
});

const HELD = { available: 0, held: PRICE };
const CHARGED = { available: 0, held: 0 };
const RETURNED = { available: PRICE, held: 0 };

const COMPLETED = { charged: true, reason: 'completed', errorCode: null };
const FAILED = { charged: false, reason: 'provider_failed', errorCode: 'moderation_blocked' };
const EXPIRED = { charged: false, reason: 'expired', errorCode: 'generation_timeout' };
const settled = (settlement: unknown) => ({ result: 'settled', settlement });
const conflict = (settlement: unknown) => ({ result: 'conflict', settlement });
const terminal = (verdict: string) => ({ result: 'terminal', look: { verdict } });
const refused = (error: string) => ({ error });
const refundedAll = (replayed: boolean) => ({ outcome: 'refunded', movedMicrocredits: PRICE, replayed });
const NOT_CHARGED = { outcome: 'not_charged' };

type Hold = Awaited<ReturnType<typeof seen>>;
type Move = (ledger: Books, hold: Hold) => Promise<unknown>;
const refund =
  (idempotencyKey: string): Move =>
  (ledger, { id }) =>
    ledger.refundGeneration({ generationId: id, amountMicrocredits: null, reason: 'sorry', idempotencyKey });
const MOVES = {
  capture: (ledger, { id }) => ledger.settleGeneration(id, 'completed'),
  release: (ledger, { id }) => ledger.settleGeneration(id, 'provider_failed'),
  expire: (ledger, { id }) => ledger.settleGeneration(id, 'expired'),
  refund: refund('first'),
  'refund by another key': refund('second'),
} satisfies Record<string, Move>;
type MoveName = keyof typeof MOVES;

const answerOf = (moving: Promise<unknown>) =>
  moving.catch((error: unknown) => {
    if (error instanceof LedgerError) return refused(error.code);
    throw error;
  });

async function expectCollision(hold: Hold, first: Move, second: Move, end: Ending, then: unknown, books: unknown) {
  const answers = await collide(
    db,
    (ledger) => first(ledger, hold),
    (ledger) => answerOf(second(ledger, hold)),
    end,
  );
  expect(answers.second).toMatchObject(then as object);
  expect(await balance(hold)).toEqual(books);
  const moved = 'SELECT kind FROM journal_transactions WHERE generation_id = $1';
  const kinds = (await db.pool.query<{ kind: string }>(moved, [hold.id])).rows.map(({ kind }) => kind);
  // The one hold, one end of it, one refund: nothing twice.
  expect(new Set(kinds).size).toBe(kinds.length);
  expect(kinds.includes('capture') && kinds.includes('release')).toBe(false);
  return answers;
}

type Ending = 'COMMIT' | 'ROLLBACK';
type Case = readonly [first: MoveName, second: MoveName, ending: Ending, answer: object, books: object];

describe('of two moves of one generation at the same moment, the second waits for the first and then', () => {
  /** The state in which the first move is possible, past the hold's end, so that only a rule can refuse an expiry. */
  const READY: Record<MoveName, () => Promise<Hold>> = {
    capture: () => overdue(FINISHED),
    release: () => overdue(BLOCKED),
    expire: () => overdue(OPEN),
    refund: async () => {
      const hold = await overdue(FINISHED);
      await settle(hold.id, 'completed');
      return hold;
    },
    'refund by another key': () => READY.refund(),
  };
  const overdue = async (look: typeof FINISHED | typeof BLOCKED | typeof OPEN) => {
    const hold = await seen(look);
    await outlive(hold.id);
    return hold;
  };

  it.each<Case>([
    ['capture', 'capture', 'COMMIT', settled(COMPLETED), CHARGED],
    ['capture', 'release', 'COMMIT', conflict(COMPLETED), CHARGED],
    ['capture', 'expire', 'COMMIT', conflict(COMPLETED), CHARGED],
    ['capture', 'refund', 'COMMIT', refundedAll(false), RETURNED],
    ['release', 'capture', 'COMMIT', conflict(FAILED), RETURNED],
    ['release', 'release', 'COMMIT', settled(FAILED), RETURNED],
    ['release', 'expire', 'COMMIT', conflict(FAILED), RETURNED],
    ['release', 'refund', 'COMMIT', NOT_CHARGED, RETURNED],
    ['expire', 'capture', 'COMMIT', conflict(EXPIRED), RETURNED],
    ['expire', 'release', 'COMMIT', conflict(EXPIRED), RETURNED],
    ['expire', 'expire', 'COMMIT', settled(EXPIRED), RETURNED],
    ['expire', 'refund', 'COMMIT', NOT_CHARGED, RETURNED],
    ['refund', 'capture', 'COMMIT', settled(COMPLETED), RETURNED],
    ['refund', 'release', 'COMMIT', conflict(COMPLETED), RETURNED],
    ['refund', 'expire', 'COMMIT', conflict(COMPLETED), RETURNED],
    ['refund', 'refund', 'COMMIT', refundedAll(true), RETURNED],
    ['refund', 'refund by another key', 'COMMIT', { outcome: 'nothing_left', refundableMicrocredits: 0 }, RETURNED],

    ['capture', 'capture', 'ROLLBACK', settled(COMPLETED), CHARGED],
    ['capture', 'release', 'ROLLBACK', refused('no_proof'), HELD],
    ['capture', 'expire', 'ROLLBACK', terminal('completed'), HELD],
    ['capture', 'refund', 'ROLLBACK', NOT_CHARGED, HELD],
    ['release', 'capture', 'ROLLBACK', refused('no_proof'), HELD],
    ['release', 'release', 'ROLLBACK', settled(FAILED), RETURNED],
    ['release', 'expire', 'ROLLBACK', terminal('failed'), HELD],
    ['release', 'refund', 'ROLLBACK', NOT_CHARGED, HELD],
    ['expire', 'capture', 'ROLLBACK', refused('no_proof'), HELD],
    ['expire', 'release', 'ROLLBACK', refused('no_proof'), HELD],
    ['expire', 'expire', 'ROLLBACK', settled(EXPIRED), RETURNED],
    ['expire', 'refund', 'ROLLBACK', NOT_CHARGED, HELD],
    ['refund', 'capture', 'ROLLBACK', settled(COMPLETED), CHARGED],
    ['refund', 'release', 'ROLLBACK', conflict(COMPLETED), CHARGED],
    ['refund', 'expire', 'ROLLBACK', conflict(COMPLETED), CHARGED],
    ['refund', 'refund', 'ROLLBACK', refundedAll(false), RETURNED],
    ['refund', 'refund by another key', 'ROLLBACK', refundedAll(false), RETURNED],
  ])('%s, then %s, after the %s of the first', async (first, second, ending, answer, books) => {
    const hold = await READY[first]();
    const answers = await expectCollision(hold, MOVES[first], MOVES[second], ending, answer, books);
    const again = first === second && ending === 'COMMIT';
    // The repeat answers with the very same movement.
    if (again && first === 'refund') expect(answers.second).toEqual({ ...(answers.first as object), replayed: true });
    else if (again) expect(answers.second).toEqual(answers.first);
  });
});

describe('of two hands that each bring their own proof, the first to commit decides:', () => {
  const look = (ledger: Books, { id, video }: Hold, said: typeof FINISHED | typeof BLOCKED) =>
    ledger.recordLook(id, video, said);
  const HANDS: Record<'capture' | 'release' | 'expire', Move> = {
    capture: (ledger, hold) => look(ledger, hold, FINISHED).then(() => MOVES.capture(ledger, hold)),
    release: (ledger, hold) => look(ledger, hold, BLOCKED).then(() => MOVES.release(ledger, hold)),
    expire: MOVES.expire,
  };
  const ENDS = {
    capture: { settlement: COMPLETED, books: CHARGED },
    release: { settlement: FAILED, books: RETURNED },
    expire: { settlement: EXPIRED, books: RETURNED },
  };
  const names = ['capture', 'release', 'expire'] as const;
  const pairs = names.flatMap((first) => names.map((second) => [first, second] as const));

  it.each(pairs)('%s, then %s', async (first, second) => {
    const begin = async () => {
      const hold = await seen(OPEN);
      await outlive(hold.id);
      return hold;
    };
    const { settlement, books } = ENDS[first];
    const answer = first === second ? settled(settlement) : conflict(settlement);
    await expectCollision(await begin(), HANDS[first], HANDS[second], 'COMMIT', answer, books);
    const own = ENDS[second];
    await expectCollision(await begin(), HANDS[first], HANDS[second], 'ROLLBACK', settled(own.settlement), own.books);
  });
});

const CLIENTS = 4;
const ROUNDS = 30;

describe('while several processes move the credits of the same customers', () => {
  it('every snapshot adds up: balances are what was issued less what was earned, and what the journal says', async () => {
    const tenants = await Promise.all(Array.from({ length: 3 }, () => openTenant(db, 20 * PRICE)));
    const pools = Array.from({ length: CLIENTS }, (_, index) =>
      createPool({ databaseUrl: db.url, size: 6, applicationName: `client ${index}`, onError: () => undefined }),
    );
    let isOver = false;
    const client = async (ledger: Books, first: number) => {
      for (let round = first; round < first + ROUNDS; round++) {
        const both = [tenants[round % 3], tenants[(round + 1) % 3]] as Tenant[];
        await Promise.all(both.map((tenant, side) => liveThrough(db, ledger, tenant, round + side)));
      }
    };
    const storm = Promise.all(pools.map((pool, index) => client(openBooks(openDatabase(pool)), index))).finally(() => {
      isOver = true;
    });
    // A client that meets a deadlock rejects here.
    storm.catch(() => undefined);
    const sights: Sight[] = [];
    while (!isOver) sights.push(await readBooks(db));
    await storm;
    await Promise.all(pools.map((pool) => pool.end()));
    sights.push(await readBooks(db));
    expect(sights.filter(({ customers, outside, apart }) => customers !== outside || apart > 0)).toEqual([]);
    // It looked while they moved.
    expect(new Set(sights.map(({ movements }) => movements)).size).toBeGreaterThan(10);
    expect((await db.pool.query('SELECT * FROM ledger_drift')).rows).toEqual([]);
    const { rows } = await db.admin.query<{ deadlocks: string }>(
      'SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()',
    );
    expect(rows).toEqual([{ deadlocks: '0' }]);
    const kinds = await db.pool.query('SELECT DISTINCT kind FROM journal_transactions ORDER BY kind');
    expect(kinds.rows.map(({ kind }: { kind: string }) => kind)).toEqual([
      'capture',
      'claw_back',
      'grant',
      'hold',
      'refund',
      'release',
    ]);
    process.stdout.write(`bank reader: ${sights.length} snapshots, ${sights.at(-1)?.movements} movements\n`);
  }, 120_000);
});

import { type Books, openBooks } from '../support/database.ts';
import { openDatabase } from '../../../store/index.ts';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { TestPostgres } from '../../../dev/testing.ts';
import { startTestPostgres } from '../../../dev/testing.ts';
import type { Pool } from '../../../store/index.ts';
import { LedgerUnavailable, createPool } from '../../../store/index.ts';
import { migrate } from '../../../migrations/runner.ts';
import type { Tenant } from '../support/database.ts';
import { openTenant } from '../support/database.ts';
import type { Operation, Outcome } from '../support/keyedOperations.ts';
import type { Story } from '../support/operationStories.ts';
import { anyStory, luckOf } from '../support/operationStories.ts';
import { findHalves, fingerprint, tracesOf } from '../support/operationTraces.ts';
import type { Victim } from '../support/postgresKills.ts';
import { aimAt } from '../support/postgresKills.ts';
import { WITH_SEARCH_PATH } from '../support/template.ts';

const KILLS = 30;
const CLIENTS = 6;
/** Operations of one client at the same time. */
const LANES = 4;
const FIRST_GRANT = 5_000_000;
const SEED = Number(process.env['KILLS_SEED'] ?? Date.now() % 2 ** 31);

/** A client's sequence of operations. */
interface Lane {
  readonly ledger: Books;
  readonly nextStory: () => Story;
  story: Story;
  /** Requested and not acknowledged. */
  asked: Operation;
}
interface Known {
  readonly lane: Lane;
  readonly operation: Operation;
  readonly outcome: Outcome;
}
interface Round {
  readonly victim: Victim;
  readonly acknowledged: readonly Operation[];
  readonly foundDone: readonly Operation[];
  readonly foundNotDone: readonly Operation[];
  readonly milliseconds: number;
}

let postgres: TestPostgres;
let admin: pg.Pool;
let lanes: Lane[];
const pools: Pool[] = [];
/** The balances that follow from the answers, by account. */
const books = new Map<string, { available: number; held: number }>();
const luck = luckOf(SEED);

beforeAll(async () => {
  postgres = await startTestPostgres({ durable: true });
  const service = new URL(postgres.superuserUrl('holdfast'));
  service.username = 'holdfast_service';
  service.password = 'service';
  await migrate({ ownerUrl: postgres.ownerUrl('holdfast'), serviceUrl: service.href });
  admin = new pg.Pool({ connectionString: postgres.superuserUrl('holdfast'), options: WITH_SEARCH_PATH, max: 8 });
  admin.on('error', () => undefined);
  const ledgers = Array.from({ length: CLIENTS }, (_, client) => {
    const options = { databaseUrl: service.href, size: LANES, applicationName: `client ${client}` };
    const pool = createPool({ ...options, onError: () => undefined });
    pools.push(pool);
    return openBooks(openDatabase(pool));
  });
  const tenants = await Promise.all(ledgers.map((ledger) => openTenant({ ledger }, FIRST_GRANT)));
  for (const { accountId } of tenants) books.set(accountId, { available: FIRST_GRANT, held: 0 });
  lanes = ledgers.flatMap((ledger) => Array.from({ length: LANES }, () => newLane(ledger, tenants)));
});
afterAll(async () => {
  await Promise.all([...pools, admin].map((pool) => pool.end()));
  await postgres.stop();
});

function newLane(ledger: Books, tenants: readonly Tenant[]): Lane {
  // Its own random numbers, so its requests don't depend on the speed of the others.
  const own = luckOf(luck.between(0, 2 ** 31));
  const nextStory = () => anyStory(own, tenants);
  const story = nextStory();
  return { ledger, nextStory, story, asked: begin(story) };
}

function begin(story: Story): Operation {
  const { value, done } = story.next();
  if (done) throw new Error('a story begins with an operation');
  return value;
}

/** Records the result of the lane's operation and chooses the next one. */
function answered(lane: Lane, outcome: Outcome): Known {
  const known = { lane, operation: lane.asked, outcome };
  const { accountId } = known.operation;
  if (accountId !== null) {
    const { available, held } = books.get(accountId) ?? { available: 0, held: 0 };
    books.set(accountId, { available: available + outcome.available, held: held + outcome.held });
  }
  const { value, done } = lane.story.next(outcome);
  if (done) lane.story = lane.nextStory();
  lane.asked = done ? begin(lane.story) : value;
  return known;
}

/** Every lane works until the server is killed; returns what was acknowledged and what was not. */
async function loadUntilKilled(victim: Victim): Promise<{ acknowledged: Known[]; inFlight: Lane[] }> {
  const [acknowledged, inFlight]: [Known[], Lane[]] = [[], []];
  const limit = luck.between(40, 400);
  let kill: ReturnType<typeof aimAt> | undefined;
  let killed: Promise<void> | undefined;
  const run = async (lane: Lane): Promise<void> => {
    while (killed === undefined) {
      try {
        const outcome = await lane.asked.run(lane.ledger);
        acknowledged.push(answered(lane, outcome));
      } catch (error) {
        if (!(error instanceof LedgerUnavailable)) throw error;
        inFlight.push(lane);
        break;
      }
      // By now every connection is there.
      if (acknowledged.length === Math.floor(limit / 2)) kill = aimAt(postgres);
      if (acknowledged.length === limit) killed = kill?.(victim);
    }
  };
  await Promise.all(lanes.map(run));
  await killed;
  return { acknowledged, inFlight };
}

async function state() {
  const { rows } = await admin.query<{ id: string; available: string; held: string }>(
    'SELECT id, available_microcredits AS available, held_microcredits AS held FROM accounts',
  );
  const balances = rows.map(({ id, available, held }) => [id, { available: Number(available), held: Number(held) }]);
  return {
    balances: new Map(balances as [string, { available: number; held: number }][]),
    drift: (await admin.query('SELECT * FROM ledger_drift')).rows,
    halves: await findHalves(admin),
  };
}

/** The acknowledged operations without a trace in the database; read before anything is repeated. */
async function findLost(acknowledged: readonly Known[]): Promise<string[]> {
  const found = await Promise.all(acknowledged.map(({ operation }) => tracesOf(admin, operation)));
  return acknowledged.flatMap(({ operation: { kind, subject } }, index) =>
    found[index] === 'done' ? [] : [`${kind} of ${subject}: ${found[index]}`],
  );
}

/** Repeats the operations that were not acknowledged; returns their results and whether they had been done. */
async function complete(inFlight: Lane[]): Promise<{ lane: Lane; done: boolean; known: Known }[]> {
  const found = await Promise.all(inFlight.map((lane) => tracesOf(admin, lane.asked)));
  expect(inFlight.filter((_, index) => found[index] === 'half done').map(({ asked }) => asked)).toEqual([]);
  return Promise.all(
    inFlight.map(async (lane, index) => {
      const { asked } = lane;
      const done = found[index] === 'done';
      const outcome = await asked.run(lane.ledger);
      expect(outcome.replayed ?? done, `${asked.kind} of ${asked.subject} was ${found[index]}`).toBe(done);
      expect(await tracesOf(admin, asked), `${asked.kind} of ${asked.subject}`).toBe('done');
      return { lane, done, known: answered(lane, outcome) };
    }),
  );
}

/** Repeats each operation with its key: the answer is the same, and no table changes. */
async function expectAllThere(known: readonly Known[]): Promise<void> {
  const before = await fingerprint(admin);
  await Promise.all(
    lanes.map(async (lane) => {
      for (const { operation, outcome } of known.filter((each) => each.lane === lane)) {
        const again = await operation.run(lane.ledger);
        const name = `${operation.kind} of ${operation.subject}, key ${operation.key}`;
        expect(again.fact, name).toEqual(outcome.fact);
        expect(again.replayed, name).not.toBe(false);
      }
    }),
  );
  expect(await fingerprint(admin)).toEqual(before);
}

// MR-73
it(
  `what was acknowledged outlives ${KILLS} kills of PostgreSQL, and what was not is wholly done or wholly undone`,
  { timeout: 360_000 },
  async () => {
    process.stdout.write(`KILLS_SEED=${SEED}\n`);
    const rounds: Round[] = [];
    const all: Known[] = [];
    for (let number = 0; number < KILLS; number += 1) {
      const beganMs = performance.now();
      const victim = number % 2 === 0 ? 'everything' : 'postmaster';
      const { acknowledged, inFlight } = await loadUntilKilled(victim);
      await postgres.restart();
      expect(await findLost(acknowledged), `after kill ${number + 1}`).toEqual([]);
      expect(await state(), `after kill ${number + 1}`).toMatchObject({ drift: [], halves: [] });
      const completed = await complete(inFlight);
      expect(await state(), `after kill ${number + 1}`).toEqual({ balances: books, drift: [], halves: [] });
      const known = [...acknowledged, ...completed.map((each) => each.known)];
      await expectAllThere(known);
      all.push(...known);
      const found = (done: boolean) =>
        completed.filter((each) => each.done === done).map((each) => each.known.operation);
      rounds.push({
        victim,
        acknowledged: acknowledged.map(({ operation }) => operation),
        foundDone: found(true),
        foundNotDone: found(false),
        milliseconds: performance.now() - beganMs,
      });
    }
    await expectAllThere(all);
    expect(await state()).toEqual({ balances: books, drift: [], halves: [] });
    report(rounds);
    // The kills did strike during operations.
    expect(rounds.flatMap(({ foundDone }) => foundDone)).not.toEqual([]);
    expect(rounds.flatMap(({ foundNotDone }) => foundNotDone)).not.toEqual([]);
  },
);

function report(rounds: readonly Round[]): void {
  const line = (name: string, of: readonly Round[], counts: (operation: Operation) => boolean) => {
    const count = (list: (round: Round) => readonly Operation[]) => of.flatMap(list).filter(counts).length;
    const [done, notDone] = [count(({ foundDone }) => foundDone), count(({ foundNotDone }) => foundNotDone)];
    const cells = [of.length, count(({ acknowledged }) => acknowledged), done + notDone, done, notDone];
    return [name.padEnd(22), ...cells.map((cell) => String(cell).padStart(13))].join('');
  };
  const heads = ['kills', 'acknowledged', 'in flight', 'found done', 'not done'].map((head) => head.padStart(13));
  const kinds = [...new Set(rounds.flatMap(({ acknowledged }) => acknowledged).map(({ kind }) => kind))].sort();
  const lines = [
    [' '.repeat(22), ...heads].join(''),
    ...(['everything', 'postmaster'] as const).map((victim) =>
      line(
        `kill -9 ${victim}`,
        rounds.filter((round) => round.victim === victim),
        () => true,
      ),
    ),
    line('all', rounds, () => true),
    ...kinds.map((kind) => line(`  ${kind}`, rounds, (operation) => operation.kind === kind)),
  ];
  const seconds = rounds.reduce((sum, { milliseconds }) => sum + milliseconds, 0) / 1000;
  process.stdout.write(`${lines.join('\n')}\n${seconds.toFixed(1)} s\n`);
}

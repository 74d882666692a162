import { openBooks } from '../support/database.ts';
import { openDatabase } from '../../../store/index.ts';
import { randomUUID } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import pg from 'pg';
import { startTestPostgres } from '../../../dev/testing.ts';
import type { Pool } from '../../../store/index.ts';
import { createPool } from '../../../store/index.ts';
import { migrate } from '../../../migrations/runner.ts';
import { WITH_SEARCH_PATH } from '../support/template.ts';
import { rawHoldAndCapture, rawHoldAndCaptureInOneStatement, RAW_SCHEMA } from './rawSql.ts';

/**
 * `npm run bench:ledger`: how many holds with their captures a second, through `ledger/` and by raw SQL that writes the same
 * rows without functions, triggers and foreign keys. All on one durable PostgreSQL, interleaved in one run, each with as
 * many connections as clients.
 */

const CLIENTS = [1, 16, 64];
const ACCOUNTS = 1000;
const ROUNDS = Number(process.argv[2] ?? 5);
const ROUND_MS = Number(process.argv[3] ?? 2000);

interface Job {
  readonly id: string;
  readonly accountId: string;
}
type Way = 'ledger' | 'raw, one statement' | 'raw, BEGIN to COMMIT';
type Shape = '1,000 accounts' | 'one hot account';

const postgres = await startTestPostgres({ durable: process.argv[4] !== 'volatile' });
try {
  const service = new URL(postgres.superuserUrl('holdfast'));
  service.username = 'holdfast_service';
  service.password = 'bench';
  await migrate({ ownerUrl: postgres.ownerUrl('holdfast'), serviceUrl: service.href });
  const admin = new pg.Pool({ connectionString: postgres.superuserUrl('holdfast'), options: WITH_SEARCH_PATH, max: 2 });
  admin.on('error', fail);
  await admin.query("ALTER SYSTEM SET max_wal_size = '16GB'; ");
  await admin.query("ALTER SYSTEM SET checkpoint_timeout = '1h'");
  await admin.query('SELECT pg_reload_conf()');
  await admin.query(RAW_SCHEMA);
  const accounts = Array.from({ length: ACCOUNTS + 1 }, () => `acct_${randomUUID().replaceAll('-', '')}`);
  await seedAccounts(admin, accounts);
  const [hot = '', ...many] = accounts;

  const results = new Map<string, number[]>();
  for (const shape of ['1,000 accounts', 'one hot account'] as Shape[]) {
    for (const clients of CLIENTS) {
      const pool = createPool({ databaseUrl: service.href, size: clients, applicationName: 'bench', onError: fail });
      const rawPool = createPool({
        databaseUrl: postgres.superuserUrl('holdfast'),
        size: clients,
        applicationName: 'bench',
        onError: fail,
      });
      const ledger = openBooks(openDatabase(pool));
      const ways: Record<Way, (job: Job) => Promise<void>> = {
        ledger: async ({ id, accountId }) => {
          const placed = await ledger.placeHold(id, 3600, accountId);
          if (placed.outcome !== 'held') throw new Error(JSON.stringify(placed));
          const settled = await ledger.settleGeneration(id, 'completed', { accountId });
          if (settled.result !== 'settled') throw new Error(JSON.stringify(settled));
        },
        'raw, one statement': (job) => rawHoldAndCaptureInOneStatement(rawPool, job.id, job.accountId),
        'raw, BEGIN to COMMIT': (job) => rawHoldAndCapture(rawPool, job.id, job.accountId),
      };
      // Round 0 warms up: each connection plans its statements once.
      for (let round = 0; round <= ROUNDS; round += 1) {
        for (const way of Object.keys(ways) as Way[]) {
          const jobs = await seedGenerations(
            admin,
            way === 'ledger' ? 'holdfast' : 'raw',
            shape === 'one hot account' ? [hot] : many,
            jobsFor(clients, shape),
          );
          const perSecond = await measure(jobs, clients, ways[way]);
          const key = `${shape}|${clients}|${way}`;
          if (round > 0) results.set(key, [...(results.get(key) ?? []), perSecond]);
        }
      }
      await Promise.all([pool.end(), rawPool.end()]);
      report(results, shape, clients);
    }
  }
  await admin.end();
} finally {
  await postgres.stop();
}

function fail(_error: Error): void {
  // The server ends with connections still open.
}

function jobsFor(clients: number, shape: Shape): number {
  return Math.ceil((clients === 1 ? 1500 : shape === 'one hot account' ? 3000 : 9000) * (ROUND_MS / 1000));
}

async function seedAccounts(admin: pg.Pool, ids: string[]): Promise<void> {
  for (const schema of ['holdfast', 'raw']) {
    await admin.query(
      `INSERT INTO ${schema}.accounts (id, name, available_microcredits, max_active_generations)
       SELECT id, 'bench', 1000000000000000, 1000000 FROM unnest($1::text[]) id`,
      [ids],
    );
  }
  const keys = ids.map(() => `key_${randomUUID().replaceAll('-', '')}`);
  await admin.query(
    `INSERT INTO api_keys (id, account_id, name, key_sha256) SELECT k, a, 'bench', sha256(k::bytea) FROM unnest($1::text[], $2::text[]) t (k, a)`,
    [keys, ids],
  );
}

/** Generations that are admitted, and whose video the provider has completed: what is left is to hold and to capture. */
async function seedGenerations(admin: pg.Pool, schema: string, accountIds: string[], count: number): Promise<Job[]> {
  const ids = Array.from({ length: count }, () => `video_${uuidv7().replaceAll('-', '')}`);
  const owners = ids.map((_, index) => accountIds[index % accountIds.length] ?? '');
  await admin.query(
    `INSERT INTO ${schema}.generations (id, account_id, api_key_id, admit_by, fingerprint, model, seconds, size, price_id,
       amount_microcredits, provider, provider_video_id, provider_canonical_id, provider_verdict, provider_status)
     SELECT id, account, k.id, now() + interval '1 hour', sha256(t.id::bytea), 'sora-2', 4, '720x1280', 1, 571429,
       'openai@http://provider', 'at_' || t.id, 'at_' || t.id, 'completed', 'completed'
     FROM unnest($1::text[], $2::text[]) t (id, account) JOIN api_keys k ON k.account_id = t.account`.replace(
      'SELECT id,',
      'SELECT t.id,',
    ),
    [ids, owners],
  );
  await admin.query('VACUUM ANALYZE ' + schema + '.generations');
  return ids.map((id, index) => ({ id, accountId: owners[index] ?? '' }));
}

async function measure(jobs: Job[], clients: number, work: (job: Job) => Promise<void>): Promise<number> {
  let next = 0;
  let done = 0;
  const beganMs = performance.now();
  const client = async (): Promise<void> => {
    while (performance.now() - beganMs < ROUND_MS) {
      const job = jobs[next];
      next += 1;
      if (job === undefined) throw new Error('too few generations were seeded');
      await work(job);
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  return done / ((performance.now() - beganMs) / 1000);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

function report(all: ReadonlyMap<string, number[]>, shape: Shape, clients: number): void {
  const of = (way: Way) => median(all.get(`${shape}|${clients}|${way}`) ?? []);
  const ledger = of('ledger');
  const show = (way: Way) => `${way} ${of(way).toFixed(0)}/s (ledger is ${(ledger / of(way)).toFixed(2)})`;
  process.stdout.write(
    `${shape}, ${clients} clients: ledger ${ledger.toFixed(0)}/s; ${show('raw, one statement')}; ${show('raw, BEGIN to COMMIT')}  [${(all.get(`${shape}|${clients}|ledger`) ?? []).map((n) => n.toFixed(0)).join(' ')}]\n`,
  );
}
export type { Pool };

import { openBooks } from '../support/database.ts';
import { type GenerationSearch, openDatabase } from '../../../store/index.ts';
import pg from 'pg';
import { startTestPostgres } from '../../../dev/testing.ts';
import { verifyLedger } from '../../../ledger/index.ts';
import { createPool } from '../../../store/index.ts';
import { migrate } from '../../../migrations/runner.ts';
import { WITH_SEARCH_PATH } from '../support/template.ts';
import { ACCOUNT, HOT_ACCOUNT, KEY, loadGenerations } from './manyGenerations.ts';

/**
 * `npm run bench:reads`: loads 1,000,000 generations of a year (1,000 accounts, one of which has a tenth of all), then times
 * every view and every read of the API through `ledger/`, and looks at its plan: no sequential scan of anything that grows.
 */

const GENERATIONS = Number(process.argv[2] ?? 1_000_000);
const RUNS = 1000;
/** The tables that grow with use, which must not be read as a whole. */
const GROWING =
  /Seq Scan on (generations|holds|journal_transactions|generation_events|generation_labels|inputs|idempotency_keys|provider_attempts|account_operations|refunds|contents)\b/;

const postgres = await startTestPostgres({ durable: true });
const service = new URL(postgres.superuserUrl('holdfast'));
service.username = 'holdfast_service';
service.password = 'bench';
await migrate({ ownerUrl: postgres.ownerUrl('holdfast'), serviceUrl: service.href });
const admin = new pg.Client({ connectionString: postgres.superuserUrl('holdfast'), options: WITH_SEARCH_PATH });
await admin.connect();
const pool = createPool({
  databaseUrl: service.href,
  size: 4,
  applicationName: 'bench',
  onError: () => undefined,
  statementTimeoutMs: 600_000,
});
/** What is sent while a plan is asked for, on any connection. */
let sent: { readonly text: string; readonly values: unknown[] }[] | undefined;
pool.on('connect', (client) => {
  const query = client.query.bind(client) as (...args: unknown[]) => unknown;
  client.query = ((...args: unknown[]) => {
    const [statement] = args as [string | { text: string; values?: unknown[] }];
    if (typeof statement !== 'string') sent?.push({ text: statement.text, values: statement.values ?? [] });
    return query(...args);
  }) as unknown as typeof client.query;
});
const ledger = openBooks(openDatabase(pool));
let failed = false;
try {
  const beganMs = performance.now();
  process.stdout.write(`loading ${GENERATIONS} generations …\n`);
  const sample = await loadGenerations(admin, GENERATIONS, (what) => process.stdout.write(`  ${what}\n`));
  process.stdout.write(`loaded in ${((performance.now() - beganMs) / 1000).toFixed(0)} s\n`);

  const [month, day] = [30, 1].map((days) => new Date(Date.now() - days * 86_400_000)) as [Date, Date];
  const one = (list: readonly string[]) => list[Math.floor(Math.random() * list.length)] ?? '';
  await measure('API: GET /v1/videos/{id}', () => ledger.getGeneration(HOT_ACCOUNT, one(sample.ofHot)));
  await measure('API: GET /v1/videos/{id}/content', () => ledger.getContent(HOT_ACCOUNT, one(sample.ofHot), 'video'));
  await measure('API: GET /v1/videos/{id}/timeline', () => ledger.listEvents(HOT_ACCOUNT, one(sample.ofHot)));
  await measure('API: GET /v1/credits, an account', () => ledger.getBalance(ACCOUNT));
  await measure('API: GET /v1/credits, the hot account', () => ledger.getBalance(HOT_ACCOUNT));
  await measure('API: GET /v1/prices', () => ledger.listPrices());
  await measure('API: whose key', () => ledger.findCaller(KEY));
  const retry = { fingerprint: Buffer.alloc(32), idempotencyKey: null, retryWithinMs: 45 * 60_000 };
  await measure("API: an SDK's retry", () =>
    ledger.findRepeat({ accountId: HOT_ACCOUNT, apiKeyId: sample.hotKeyId, ...retry }),
  );
  await measure('statement of a month, an account', () => ledger.getStatement(ACCOUNT, month, new Date()));
  await measure('statement of a day, the hot account', () => ledger.getStatement(HOT_ACCOUNT, day, new Date()));
  const page = (after: string | null) => ({ limit: 100, order: 'desc', after }) as const;
  await measure('API: GET /v1/videos?limit=100', () => ledger.listGenerations(HOT_ACCOUNT, page(one(sample.ofHot))));
  await measure('API: GET /v1/scripts?limit=100', () => ledger.listTexts(HOT_ACCOUNT, 'script', page(null)));
  await measure('API: GET /v1/credits/holds?limit=100', () => ledger.listHolds(HOT_ACCOUNT, page(null)));
  await measure('API: GET /v1/credits/transactions?limit=100', () =>
    ledger.listTransactions(HOT_ACCOUNT, { limit: 100, order: 'desc', after: null }),
  );
  await measure('admin: overview', () => ledger.getOverview());
  await measure('admin: accounts', () => ledger.listAccounts('', 100));
  await measure('admin: emergency releases', () => ledger.listEmergencyReleases(100));
  const search = (what: string, filters: Omit<GenerationSearch, 'kinds'>) =>
    measure(`admin: search videos ${what}`, () =>
      ledger.searchGenerations({ kinds: ['video'], ...filters }, { limit: 100, order: 'desc', after: null }),
    );
  const halfAYear = (days: number) => new Date(Date.now() - (182 - days) * 86_400_000);
  const labels = (user: string | null, metadata: Record<string, string> = {}) => ({ labels: { user, metadata } });
  await search('of all accounts', {});
  await search('of the hot account', { accountId: HOT_ACCOUNT });
  await search('by provider id', { providerVideoId: sample.providerVideos[0] });
  await search('by error code', { errorCode: 'moderation_blocked' });
  await search('by error code and account', { errorCode: 'moderation_blocked', accountId: ACCOUNT });
  await search('by an unknown error code', { errorCode: 'unknown' });
  await search('that are held', { state: 'held' });
  await search('that were refunded', { state: 'released' });
  await search('of a day half a year ago', { createdAfter: halfAYear(0), createdBefore: halfAYear(1) });
  await search('of that day, refunded', {
    state: 'released',
    createdAfter: halfAYear(0),
    createdBefore: halfAYear(1),
  });
  await search('by user', labels('user-77'));
  await search('by a rare pair', labels(null, { order: 'order 4711' }));
  await search('by a common pair', labels(null, { campaign: 'campaign 7' }));
  await search('by a pair that none has', labels(null, { campaign: 'unknown' }));
  await measure('admin: what is shown of a page', () => ledger.getVideosForOperator(sample.ofHot.slice(0, 100)));
  await measure('admin: an account', () => ledger.getAccount(ACCOUNT));
  await measure('admin: the hot account', () => ledger.getAccount(HOT_ACCOUNT));
  await measure('admin: its last generation', () => ledger.getLastGeneration(HOT_ACCOUNT));
  await measure('admin: its keys', () => ledger.listApiKeys(HOT_ACCOUNT, '', 100));
  await measure('worker: which videos have an owner', () =>
    ledger.findOwnedVideos('openai@http://provider', sample.providerVideos),
  );
  await measure('worker: what to archive', () => ledger.getArchiving(one(sample.ofHot)));
  await measure('worker: the open attempt', () => ledger.getOpenAttempt(one(sample.ofHot)));
  for (const view of ['active_generations', 'recent_failures', 'credit_usage_today', 'stuck_holds', 'current_prices']) {
    await measure(`view ${view}`, () => pool.query({ name: view, text: `SELECT * FROM ${view}` }));
  }
  await measure('view ledger_drift of an account', () =>
    pool.query({ name: 'drift_of', text: 'SELECT * FROM ledger_drift WHERE account_id = $1', values: [ACCOUNT] }),
  );
  const auditMs = performance.now();
  const { rows } = await pool.query('SELECT * FROM ledger_drift');
  const driftMs = performance.now() - auditMs;
  const { difference, transactions } = await verifyLedger(pool, () => undefined);
  process.stdout.write(
    `ledger_drift as a whole: ${rows.length} rows in ${(driftMs / 1000).toFixed(1)} s; ledger:verify of ${transactions} transactions: ${difference === null ? 'right' : JSON.stringify(difference)}, ${((performance.now() - auditMs - driftMs) / 1000).toFixed(1)} s\n`,
  );
} finally {
  await Promise.all([pool.end(), admin.end()]);
  await postgres.stop();
}
process.stdout.write(
  failed
    ? 'A read was slower than 5 ms p99, or reads a whole table.\n'
    : 'Every read is within 5 ms p99 and by index.\n',
);
process.exitCode = failed ? 1 : 0;

async function measure(name: string, read: () => Promise<unknown>): Promise<void> {
  const plan = await planOf(read);
  for (let run = 0; run < 50; run += 1) await read();
  const times: number[] = [];
  for (let run = 0; run < RUNS; run += 1) {
    const beganMs = performance.now();
    await read();
    times.push(performance.now() - beganMs);
  }
  times.sort((a, b) => a - b);
  const at = (quantile: number) => (times[Math.floor(RUNS * quantile)] ?? Number.NaN).toFixed(2);
  const scans = plan.filter((line) => GROWING.test(line));
  const slow = Number(at(0.99)) > 5;
  failed ||= slow || scans.length > 0;
  process.stdout.write(
    `${name.padEnd(50)} p50 ${at(0.5)} ms  p99 ${at(0.99)} ms${slow ? '  SLOW' : ''}  ${scans.length === 0 ? 'by index' : scans.join('; ')}\n`,
  );
}

/** The plans of every statement that the read sends, as the server makes them with those very values. */
async function planOf(read: () => Promise<unknown>): Promise<string[]> {
  sent = [];
  await read();
  const statements = sent;
  sent = undefined;
  const plans: string[][] = [];
  for (const { text, values } of statements) {
    const { rows } = await pool.query<{ 'QUERY PLAN': string }>({ text: `EXPLAIN ${text}`, values });
    plans.push(rows.map((row) => row['QUERY PLAN']));
  }
  return plans.flat();
}

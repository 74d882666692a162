import { TASK_QUEUE } from '../../../contracts/temporal.ts';
import type { ApiDependencies } from '../../http/deps.ts';
import type { Check, Finding } from './checks.ts';
import {
  checkArchive,
  checkClock,
  checkDatabase,
  checkMigrations,
  checkProvider,
  checkRights,
  compareLedger,
  checkSales,
  countEmergencies,
  describeWebhooks,
} from './checks.ts';
import { checkReconciler, checkSearchAttributes, checkTemporal, checkWorkers } from './temporalChecks.ts';

const LIMIT_MS = 3000;

/** Each check with the advice that is given when it raises or times out. */
const CHECKS: readonly [name: string, check: Check, advice: string][] = [
  ['database', checkDatabase, 'PostgreSQL does not answer. Check that it is running and that DATABASE_URL is correct.'],
  ['migrations', checkMigrations, 'The migrations cannot be read. Run npm run migrate.'],
  ['rights', checkRights, 'The privileges cannot be read. Run npm run migrate.'],
  ['clock', checkClock, 'The database’s clock cannot be read.'],
  ['ledger', compareLedger, 'The latest movements could not be compared. Run npm run ledger:verify.'],
  ['emergency releases', countEmergencies, 'Emergency releases could not be counted.'],
  ['sales', checkSales, 'The state of sales could not be read.'],
  [
    'temporal',
    checkTemporal,
    'Temporal does not answer. Check that it is running, and check TEMPORAL_ADDRESS and its key.',
  ],
  [
    'search attributes',
    checkSearchAttributes,
    'The search attributes could not be listed. Check that Temporal is running.',
  ],
  ...Object.values(TASK_QUEUE).map((queue): [string, Check, string] => [
    `workers ${queue}`,
    checkWorkers(queue),
    `The workers of ${queue} could not be listed. Check that Temporal is running.`,
  ]),
  ['reconciler', checkReconciler, 'The reconciler’s schedule could not be read. Check that Temporal is running.'],
  [
    'provider',
    checkProvider,
    'The provider does not answer. Check that it is running and that OPENAI_BASE_URL is correct.',
  ],
  ['archive', checkArchive, 'The archive cannot be written. Check ARCHIVE_DIR, its permissions and its disk.'],
  ['provider webhooks', describeWebhooks, ''],
];

/** Runs all checks concurrently. Takes little more than three seconds even if one hangs. */
export async function examine(deps: ApiDependencies): Promise<(Finding & { name: string })[]> {
  return Promise.all(
    CHECKS.map(async ([name, check, advice]) => ({ name, ...(await limited(deps, name, check, advice)) })),
  );
}

async function limited(deps: ApiDependencies, name: string, check: Check, advice: string): Promise<Finding> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Finding>((resolve) => {
    timer = setTimeout(() => resolve({ ok: false, message: `${advice} (no answer within 3 s)` }), LIMIT_MS);
  });
  const found = check(deps).catch((error: unknown): Finding => {
    deps.log.warn({ err: error, check: name }, 'a check of the doctor failed');
    return { ok: false, message: advice };
  });
  try {
    return await Promise.race([found, late]);
  } finally {
    clearTimeout(timer);
  }
}

import { TASK_QUEUE } from '../../../contracts/temporal.ts';
import type { ApiDependencies } from '../../http/deps.ts';
import {
  checkArchive,
  checkClock,
  checkDatabase,
  checkMigrations,
  checkRights,
  compareLedger,
  checkSales,
  countEmergencies,
  describeWebhooks,
} from './checks.ts';
import type { Check, Finding } from './finding.ts';
import { checkDebts, checkProvider, checkRemoved } from './providerChecks.ts';
import { checkReconciler, checkSearchAttributes, checkTemporal, checkWorkers } from './temporalChecks.ts';

const LIMIT_MS = 3000;

/** Each with what is to be done when it raises, or takes too long. */
const checksOf = ({ providers }: ApiDependencies): readonly [name: string, check: Check, advice: string][] => [
  ['database', checkDatabase, 'PostgreSQL does not answer: is it running, and does DATABASE_URL name it?'],
  ['migrations', checkMigrations, 'The migrations can not be read: run npm run migrate.'],
  ['rights', checkRights, 'The rights can not be read: run npm run migrate.'],
  ['clock', checkClock, 'The database’s clock can not be read.'],
  ['ledger', compareLedger, 'The latest movements could not be compared: run npm run ledger:verify.'],
  ['emergency releases', countEmergencies, 'They could not be counted.'],
  ['sales', checkSales, 'Whether sales are open could not be read.'],
  ['temporal', checkTemporal, 'Temporal does not answer: is it running, and do TEMPORAL_ADDRESS and its key fit?'],
  ['search attributes', checkSearchAttributes, 'They could not be listed: is Temporal there?'],
  ...Object.values(TASK_QUEUE).map((queue): [string, Check, string] => [
    `workers ${queue}`,
    checkWorkers(queue),
    `Who polls ${queue} could not be asked: is Temporal there?`,
  ]),
  ['reconciler', checkReconciler, 'Its schedule could not be read: is Temporal there?'],
  ...providers.all.map((provider): [string, Check, string] => [
    providers.all.length === 1 ? 'provider' : `provider ${provider.name}`,
    () => checkProvider(provider),
    'The provider gives no answer: is it up, and does its base URL name it?',
  ]),
  ['removed providers', checkRemoved, 'What they still owe could not be read: is PostgreSQL there?'],
  ['provider debts', checkDebts, 'The refusals on record could not be read: is PostgreSQL there?'],
  ['archive', checkArchive, 'The archive can not be written: look at ARCHIVE_DIR, its rights and its disk.'],
  ['provider webhooks', describeWebhooks, ''],
];

/** Examines everything at once; answers within little more than three seconds, whatever hangs. */
export async function examine(deps: ApiDependencies): Promise<(Finding & { name: string })[]> {
  return Promise.all(
    checksOf(deps).map(async ([name, check, advice]) => ({ name, ...(await limited(deps, name, check, advice)) })),
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

import { TASK_QUEUE } from '../../../contracts/temporal.ts';
import {
  checkArchive,
  checkClock,
  checkDatabase,
  checkMigrations,
  checkRights,
  compareLedger,
  checkSales,
  countEmergencies,
  countOverdueHolds,
  countUnarchivedVideos,
  describeWebhooks,
} from './checks.ts';
import { type Check, type Examined, type Finding, ill } from './finding.ts';
import { checkDebts, checkOffers, checkOutages, checkProvider, checkRemoved, checkSweeps } from './providerChecks.ts';
import {
  checkReconciler,
  checkSearchAttributes,
  checkTemporal,
  checkWorkers,
  checkWorkerVersions,
} from './temporalChecks.ts';

const LIMIT_MS = 3000;

interface Examination {
  readonly name: string;
  readonly check: Check;
  /** What to do when the check raises or takes too long although the server that it asks answers. */
  readonly advice: string;
  /** The server that the check asks. */
  readonly server?: Server;
}

/** Each server is checked by the examination of this name; while that fails, no other one that asks the server can run. */
const SERVERS = { database: 'PostgreSQL', temporal: 'Temporal' } as const;
type Server = keyof typeof SERVERS;

const ofDatabase = (name: string, check: Check, advice: string): Examination => ({
  name,
  check,
  advice,
  server: 'database',
});
const ofTemporal = (name: string, check: Check, advice: string): Examination => ({
  name,
  check,
  advice,
  server: 'temporal',
});

const examinationsOf = ({ providers }: Examined): readonly Examination[] => [
  ofDatabase(
    'database',
    checkDatabase,
    'PostgreSQL does not answer: is it running, and does DATABASE_URL name it? New requests are 503 or 500 meanwhile; credits are as they are, and nothing is released.',
  ),
  ofDatabase('migrations', checkMigrations, 'The migrations can not be read: run npm run migrate.'),
  ofDatabase('rights', checkRights, 'The rights can not be read: run npm run migrate.'),
  ofDatabase('clock', checkClock, 'The database’s clock can not be read; the API’s log says why.'),
  ofDatabase('ledger', compareLedger, 'The latest movements could not be compared: run npm run ledger:verify.'),
  ofDatabase('emergency releases', countEmergencies, 'They could not be counted; the API’s log says why.'),
  ofDatabase('overdue holds', countOverdueHolds, 'They could not be counted; the API’s log says why.'),
  ofDatabase('unarchived videos', countUnarchivedVideos, 'They could not be counted; the API’s log says why.'),
  ofDatabase('sales', checkSales, 'Whether sales are open could not be read; the API’s log says why.'),
  ofTemporal(
    'temporal',
    checkTemporal,
    'Temporal does not answer: is it running, and do TEMPORAL_ADDRESS and its key fit? New requests are refused with 503 meanwhile; credits stay reserved, and nothing is settled.',
  ),
  ofTemporal('search attributes', checkSearchAttributes, 'They could not be listed; the API’s log says why.'),
  ...Object.values(TASK_QUEUE).map((queue) =>
    ofTemporal(
      `workers ${queue}`,
      checkWorkers(queue),
      `Who polls ${queue} could not be asked; the API’s log says why.`,
    ),
  ),
  ofTemporal('worker versions', checkWorkerVersions, 'They could not be listed; the API’s log says why.'),
  ofTemporal('reconciler', checkReconciler, 'Its schedule could not be read; the API’s log says why.'),
  ...providers.all.map((provider) => ({
    name: providers.all.length === 1 ? 'provider' : `provider ${provider.name}`,
    check: () => checkProvider(provider),
    // Which keeps its requests a minute.
    ...(provider.requestsPerMinute !== null && { server: 'database' as const }),
    advice: 'The provider gives no answer: is it up, and does its base URL name it?',
  })),
  ofDatabase(
    'provider outages',
    checkOutages,
    'What the workers’ probes saw could not be read; the API’s log says why.',
  ),
  ofDatabase('list sweeps', checkSweeps, 'Who sweeps which list could not be read; the API’s log says why.'),
  ofDatabase('offers without a provider', checkOffers, 'What is for sale could not be read; the API’s log says why.'),
  ofDatabase('removed providers', checkRemoved, 'What is open there could not be read; the API’s log says why.'),
  ofDatabase('provider refusals', checkDebts, 'The refusals on record could not be read; the API’s log says why.'),
  {
    name: 'archive',
    check: checkArchive,
    advice: 'The archive can not be written: look at ARCHIVE_DIR, its rights and its disk.',
  },
  { name: 'provider webhooks', check: describeWebhooks, advice: '' },
];

/** A check that raised, or gave no answer in time. */
class Unanswered {
  constructor(readonly error: unknown) {}
}

const LATE = new Unanswered(undefined);

/** Examines everything at once; answers within little more than three seconds, whatever hangs. */
export async function examine(deps: Examined): Promise<(Finding & { name: string })[]> {
  const results = await Promise.all(
    examinationsOf(deps).map(async (examination) => ({ examination, result: await limited(deps, examination.check) })),
  );
  const unanswered = new Set(
    results.filter(({ result }) => result instanceof Unanswered).map(({ examination }) => examination.name),
  );
  return results.map(({ examination: { name, advice, server }, result }) => {
    if (!(result instanceof Unanswered)) return { name, ...result };
    // One server that is away is one problem: its dependents give no advice of their own and log nothing.
    if (server !== undefined && server !== name && unanswered.has(server)) {
      return { name, ...ill(`Not checked: ${SERVERS[server]} does not answer.`) };
    }
    if (result === LATE) return { name, ...ill(`${advice} (no answer within 3 s)`) };
    deps.log.warn({ err: result.error, check: name }, 'a check of the doctor failed');
    return { name, ...ill(advice) };
  });
}

async function limited(deps: Examined, check: Check): Promise<Finding | Unanswered> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Unanswered>((resolve) => {
    timer = setTimeout(() => resolve(LATE), LIMIT_MS);
  });
  try {
    return await Promise.race([check(deps).catch((error: unknown) => new Unanswered(error)), late]);
  } finally {
    clearTimeout(timer);
  }
}

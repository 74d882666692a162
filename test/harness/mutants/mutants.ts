import { accounts } from './accounts.ts';
import { afterwards } from './afterwards.ts';
import { cancels } from './cancels.ts';
import { consoleSessions } from './consoleSessions.ts';
import { contents } from './contents.ts';
import { derivedFigures } from './derivedFigures.ts';
import { drift } from './drift.ts';
import { holds } from './holds.ts';
import { limits } from './limits.ts';
import { made } from './made.ts';
import type { Mutant } from './mutant.ts';
import { offers } from './offers.ts';
import { outages } from './outages.ts';
import { provider } from './provider.ts';
import { rates } from './rates.ts';
import { refunds } from './refunds.ts';
import { requests } from './requests.ts';
import { schema } from './schema.ts';
import { settlements } from './settlements.ts';
import { sweeps } from './sweeps.ts';
import { texts } from './texts.ts';
import { turns } from './turns.ts';
import { webhooks } from './webhooks.ts';

/** The mutants with the tests that should catch them. Those tests run first, the others only if they pass. */
const groups: readonly (readonly [mutants: readonly Mutant[], tests: readonly string[]])[] = [
  [accounts, ['ledger-accounts', 'ledger-admission', 'ledger-waits']],
  [
    requests,
    ['ledger-repeats', 'ledger-accounts', 'ledger-outcomes', 'ledger-admission', 'ledger-holds', 'ledger-money-rules'],
  ],
  [holds, ['ledger-holds', 'ledger-waits', 'ledger-refunds']],
  [consoleSessions, ['ledger-console-sessions']],
  [limits, ['ledger-key-limits', 'ledger-tables']],
  [settlements, ['ledger-settlement', 'ledger-outcomes', 'ledger-money-rules']],
  [cancels, ['ledger-cancels', 'ledger-claims']],
  [derivedFigures, ['ledger-derived-figures']],
  [refunds, ['ledger-refunds']],
  [made, ['ledger-made']],
  [offers, ['ledger-offers', 'ledger-offer-prices', 'ledger-images']],
  [
    provider,
    [
      'ledger-provider-records',
      'ledger-outcomes',
      'ledger-money-rules',
      'ledger-waits',
      'ledger-adoption',
      'ledger-contested-ids',
    ],
  ],
  [outages, ['ledger-outages', 'ledger-places']],
  [turns, ['ledger-turns']],
  [rates, ['ledger-request-rates']],
  [sweeps, ['ledger-sweeps']],
  [afterwards, ['ledger-claims']],
  [contents, ['ledger-contents', 'ledger-content-refunds', 'ledger-content-served']],
  [drift, ['ledger-tables', 'ledger-constraints']],
  [texts, ['ledger-texts']],
  [webhooks, ['ledger-webhooks', 'ledger-operator-webhooks']],
  [schema, ['ledger-tables', 'ledger-constraints', 'ledger-service-role']],
];

/**
 * Every guard of money in the database, each taken out once. A guard that exists both in a function and as a constraint is
 * listed twice: the function gives the answer that a caller can use, the constraint holds when a function is wrong.
 */
export const MUTANTS: readonly (Mutant & { readonly nearest: readonly string[] })[] = groups.flatMap(
  ([mutants, tests]) => mutants.map((mutant) => ({ ...mutant, nearest: tests.map((test) => `${test}.test.ts`) })),
);

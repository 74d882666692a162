import { accounts } from './accounts.ts';
import { afterwards } from './afterwards.ts';
import { contents } from './contents.ts';
import { derivedFigures } from './derivedFigures.ts';
import { drift } from './drift.ts';
import { holds } from './holds.ts';
import { limits } from './limits.ts';
import type { Mutant } from './mutant.ts';
import { provider } from './provider.ts';
import { refunds } from './refunds.ts';
import { requests } from './requests.ts';
import { schema } from './schema.ts';
import { settlements } from './settlements.ts';
import { texts } from './texts.ts';
import { webhooks } from './webhooks.ts';

/** The mutants with the tests that should see them; those run first, and the others only when these pass. */
const groups: readonly (readonly [mutants: readonly Mutant[], tests: readonly string[]])[] = [
  [accounts, ['ledger-guards-keys', 'ledger-admission', 'ledger-guards-waits']],
  [
    requests,
    [
      'ledger-guards-repeats',
      'ledger-guards-keys',
      'ledger-guards',
      'ledger-admission',
      'ledger-holds',
      'ledger-money-rules',
    ],
  ],
  [holds, ['ledger-holds', 'ledger-guards-waits', 'ledger-guards-refunds']],
  [limits, ['ledger-key-limits', 'ledger-guards-schema']],
  [settlements, ['ledger-settlement', 'ledger-guards', 'ledger-money-rules']],
  [derivedFigures, ['ledger-derived-figures']],
  [refunds, ['ledger-guards-refunds']],
  [provider, ['ledger-provider-records', 'ledger-guards', 'ledger-money-rules', 'ledger-guards-waits']],
  [afterwards, ['ledger-guards-claims']],
  [contents, ['ledger-contents']],
  [drift, ['ledger-guards-schema', 'ledger-constraints']],
  [texts, ['ledger-texts']],
  [webhooks, ['ledger-webhooks']],
  [schema, ['ledger-guards-schema', 'ledger-constraints', 'ledger-service-role']],
];

/**
 * Every guard of money in the database, each taken out once. A guard that stands twice, in a function and as a constraint,
 * is here twice: the function gives the answer that a caller can use, the constraint holds when a function is wrong.
 */
export const MUTANTS: readonly (Mutant & { readonly nearest: readonly string[] })[] = groups.flatMap(
  ([mutants, tests]) => mutants.map((mutant) => ({ ...mutant, nearest: tests.map((test) => `${test}.test.ts`) })),
);

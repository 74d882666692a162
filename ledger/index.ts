import type { Pool } from '../store/pool.ts';
import * as accounts from './accounts.ts';
import * as attempts from '../store/attempts.ts';
import * as contents from '../store/contents.ts';
import * as doctor from '../store/doctor.ts';
import * as events from '../store/events.ts';
import * as generations from '../store/generations.ts';
import * as holds from './holds.ts';
import * as keys from '../store/keys.ts';
import * as lists from './lists.ts';
import * as lookup from '../store/lookup.ts';
import * as claims from './claims.ts';
import * as reconcile from './reconcile.ts';
import type { KeptOperation, Once } from '../store/once.ts';
import { runOnce } from '../store/once.ts';
import * as operatorsViews from './overview.ts';
import * as prices from './prices.ts';
import * as providerEvents from '../store/providerEvents.ts';
import * as refunds from './refunds.ts';
import * as requests from './admission.ts';
import * as sales from './sales.ts';
import * as statements from './statement.ts';
import * as textPrices from './textPrices.ts';
import * as texts from '../store/texts.ts';
import * as webhookDeliveries from '../store/webhookDeliveries.ts';
import * as webhookEndpoints from '../store/webhookEndpoints.ts';

const operations = {
  ...accounts,
  ...attempts,
  ...contents,
  ...doctor,
  ...events,
  ...generations,
  ...holds,
  ...keys,
  ...lists,
  ...lookup,
  ...claims,
  ...operatorsViews,
  ...prices,
  ...providerEvents,
  ...reconcile,
  ...refunds,
  ...requests,
  ...sales,
  ...statements,
  ...textPrices,
  ...texts,
  ...webhookDeliveries,
  ...webhookEndpoints,
};
type Operations = typeof operations;

/** Every operation of the ledger, bound to one pool. */
export type Ledger = {
  [Name in keyof Operations]: Operations[Name] extends (pool: Pool, ...rest: infer Arguments) => infer Result
    ? (...rest: Arguments) => Result
    : never;
} & {
  ping: () => Promise<void>;
  /** Carries an operation out once for its idempotency key, in one transaction with its answer (`runOnce`). */
  once: <Answer extends object>(
    operation: KeptOperation,
    work: (ledger: Ledger) => Promise<Answer>,
    toKeep?: (answer: Answer) => Answer,
  ) => Promise<Once<Answer>>;
};

/** What changes what is shown of a generation. */
const CHANGING: ReadonlySet<string> = new Set([
  'placeHold',
  'recordLook',
  'endAttempt',
  'adoptVideo',
  'settleGeneration',
  'requestCancel',
  'recordText',
  'endText',
  'closeText',
  'recordContentGone',
]);

/**
 * Binds the ledger's operations to a pool. Each is one statement, so each is atomic by itself. `announced` hears of each
 * generation that was changed, after the commit.
 */
export function createLedger(pool: Pool, announced: (generationId: string) => void = () => undefined): Ledger {
  const announcing = (name: string, operation: (...rest: unknown[]) => unknown) =>
    CHANGING.has(name)
      ? async (...rest: unknown[]) => {
          const result = await operation(...rest);
          if (typeof rest[0] === 'string') announced(rest[0]);
          return result;
        }
      : operation;
  const bound = Object.entries(operations).map(([name, operation]) => [
    name,
    announcing(name, (operation as (pool: Pool, ...rest: unknown[]) => unknown).bind(undefined, pool)),
  ]);
  return {
    ...(Object.fromEntries(bound) as Ledger),
    ping: async () => {
      await pool.query('SELECT 1');
    },
    once: async (operation, work, toKeep) => {
      const changed: string[] = [];
      const inTransaction = (inside: Pool) => work(createLedger(inside, (id) => changed.push(id)));
      const result = await runOnce(pool, operation, inTransaction, toKeep);
      changed.forEach(announced);
      return result;
    },
  };
}

export { Announcer, type Changes, listenForChanges } from '../store/changes.ts';
export { toCsv } from './csv.ts';
export { createPool, type Pool } from '../store/pool.ts';
export { LedgerError, type LedgerErrorCode, LedgerUnavailable } from '../store/errors.ts';
export type { AppliedFile } from '../store/doctor.ts';
export type { GenerationEvent } from '../store/events.ts';
export type { Generation } from '../store/generations.ts';
export type { Admission, AnyAdmission, KeptAnswer, Repeated } from './admission.ts';
export type { ListedHold } from './lists.ts';
export type { Listed, Page } from '../store/pages.ts';
export type { Adoption, OpenAttempt } from '../store/lookup.ts';
export type { Caller, KeySpending, ListedKey } from '../store/keys.ts';
export type { KeptOperation, Once } from '../store/once.ts';
export type { Balance, Frozen, Grant, OpenedAccount } from './accounts.ts';
export type { Archiving, Content, GoneRefund, ServedPart } from '../store/contents.ts';
export type { AttemptStart, GenerationRequest, SeenVideo } from '../store/attempts.ts';
export type { EmergencyRelease, ListedAccount, Overview } from './overview.ts';
export type { Price } from './prices.ts';
export type { PriceChange } from './priceChange.ts';
export type { ProviderEvent, RecordedEvent } from '../store/providerEvents.ts';
export type { Movement } from './holds.ts';
export type { Refund } from './refunds.ts';
export type { Sales } from './sales.ts';
export type { Statement, StatementTotals } from './statement.ts';
export type { StatementLine } from './statementLine.ts';
export type { Text, TextClosing } from '../store/texts.ts';
export type { TextPrice } from './textPrices.ts';
export { type Difference, type Verification, verifyLedger } from './verify.ts';
export type { Claim } from './claims.ts';
export type { HeldGeneration } from './reconcile.ts';
export type { LoggedDelivery, RecordedAttempt, WebhookToSend } from '../store/webhookDeliveries.ts';
export type { WebhookEndpoint } from '../store/webhookEndpoints.ts';

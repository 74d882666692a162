import type { Pool } from './pool.ts';
import * as accounts from './accounts.ts';
import * as attempts from './attempts.ts';
import * as contents from './contents.ts';
import * as doctor from './doctor.ts';
import * as events from './events.ts';
import * as generations from './generations.ts';
import * as holds from './holds.ts';
import * as keys from './keys.ts';
import * as lists from './lists.ts';
import * as lookup from './lookup.ts';
import * as claims from './claims.ts';
import * as reconcile from './reconcile.ts';
import type { KeptOperation, Once } from './once.ts';
import { runOnce } from './once.ts';
import * as operatorsViews from './operations.ts';
import * as prices from './prices.ts';
import * as providerEvents from './providerEvents.ts';
import * as refunds from './refunds.ts';
import * as requests from './requests.ts';
import * as sales from './sales.ts';
import * as statements from './statement.ts';
import * as textPrices from './textPrices.ts';
import * as texts from './texts.ts';
import * as webhookDeliveries from './webhookDeliveries.ts';
import * as webhookEndpoints from './webhookEndpoints.ts';

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
  'endCreate',
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

export { Announcer, type Changes, listenForChanges } from './changes.ts';
export { toCsv } from './csv.ts';
export { createPool, type Pool } from './pool.ts';
export { LedgerError, type LedgerErrorCode, LedgerUnavailable } from './errors.ts';
export type { GenerationEvent } from './events.ts';
export type { Generation } from './generations.ts';
export type { Admission, AnyAdmission, KeptAnswer, Repeated } from './requests.ts';
export type { Listed, ListedHold, Page } from './lists.ts';
export type { Adoption, OpenAttempt } from './lookup.ts';
export type { Caller, KeySpending, ListedKey } from './keys.ts';
export type { KeptOperation, Once } from './once.ts';
export type { Balance, Frozen, Grant, OpenedAccount } from './accounts.ts';
export type { Archiving, Content, GoneRefund, ServedPart } from './contents.ts';
export type { CreateStart, GenerationRequest, SeenVideo } from './attempts.ts';
export type { EmergencyRelease, ListedAccount, Overview } from './operations.ts';
export type { Price, PriceChange } from './prices.ts';
export type { ProviderEvent, RecordedEvent } from './providerEvents.ts';
export type { Movement } from './holds.ts';
export type { Refund, RefundActor } from './refunds.ts';
export type { Sales } from './sales.ts';
export type { Statement, StatementLine, StatementTotals } from './statement.ts';
export type { Text, TextClosing } from './texts.ts';
export type { TextPrice } from './textPrices.ts';
export { type Difference, type Verification, verifyLedger } from './verify.ts';
export type { Claim } from './claims.ts';
export type { HeldGeneration } from './reconcile.ts';
export type { LoggedDelivery, RecordedAttempt, WebhookToSend } from './webhookDeliveries.ts';
export type { WebhookEndpoint } from './webhookEndpoints.ts';

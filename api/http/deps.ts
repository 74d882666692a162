import type { HttpBindings } from '@hono/node-server';
import type { Ledger } from '../../ledger/index.ts';
import type { AppliedFile, Caller, Changes, Database, RecordedEvent, Store } from '../../store/index.ts';
import type { ContentStore } from '../../outbound/index.ts';
import type { Provider } from '../../provider/index.ts';
import type { Temporal } from '../../temporal/index.ts';
import type { Log } from './log.ts';

export type WebhookOutcome = 'unverified' | 'other' | RecordedEvent['outcome'];

export interface StreamLimits {
  /** Of one key, with those that it was rotated from. */
  readonly ofOneKey: number;
  readonly inAll: number;
}

export interface ApiDependencies {
  /** For what is carried out in one transaction with its answer. */
  readonly database: Database;
  readonly ledger: Ledger;
  readonly store: Store;
  readonly temporal: Temporal;
  readonly provider: Provider;
  readonly archive: ContentStore;
  readonly changes: Pick<Changes, 'watch'>;
  /** Aborted when this process ends: streams are closed, and their clients go on at another. */
  readonly closing: AbortSignal;
  /** Aborted a little later: who still waits for a hold is told that nothing is held. */
  readonly givingUp: AbortSignal;
  /** Undefined: `/admin` does not exist. */
  readonly adminKey: string | undefined;
  /** Of a key that has no number of its own; to each process. */
  readonly requestsPerMinute: number;
  /** How many may follow a generation at once in this process. */
  readonly streamLimits: StreamLimits;
  /** Undefined: the provider's webhooks are not listened to. */
  readonly webhookSecret: string | undefined;
  /** Whether a tenant's webhooks may go to any address, by plain HTTP too. */
  readonly webhookAllowPrivate: boolean;
  /** Counts the provider's webhooks by what they came to. */
  readonly countWebhook: (outcome: WebhookOutcome) => void;
  /** How long a create waits for its hold before it is given up. */
  readonly startTimeoutMs: number;
  readonly log: Log;
  /** The files of the schema that this version was made for. */
  readonly schemaFiles: readonly AppliedFile[];
}

export interface Env {
  Bindings: HttpBindings;
  Variables: { requestId: string; caller: Caller };
}

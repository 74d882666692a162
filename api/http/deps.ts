import type { HttpBindings } from '@hono/node-server';
import type { Ledger } from '../../ledger/index.ts';
import type { AppliedFile, Caller, Changes, Database, Generation, RecordedEvent, Store } from '../../store/index.ts';
import type { ContentStore, PrivateFor } from '../../outbound/index.ts';
import type { Provider, Providers } from '../../provider/index.ts';
import type { Door } from '../door/door.ts';
import type { Temporal } from '../../temporal/index.ts';
import type { Log } from './log.ts';

export type WebhookOutcome = 'unverified' | 'other' | RecordedEvent['outcome'];

export interface StreamLimits {
  /** Streams of one API key and the keys that it was rotated from. */
  readonly ofOneKey: number;
  /** Streams of all keys in this process. */
  readonly inAll: number;
}

export type ApiProvider = Pick<
  Provider,
  | 'name'
  | 'identity'
  | 'videosAtOnce'
  | 'requestsPerMinute'
  | 'sweepIntervalMs'
  | 'baseUrl'
  | 'readWebhook'
  | 'listVideos'
  | 'askModels'
  | 'deleteVideo'
  | 'downloadContent'
>;

export interface ApiDependencies {
  /** For work that is done in one transaction with its kept answer. */
  readonly database: Database;
  readonly ledger: Ledger;
  readonly store: Store;
  readonly temporal: Temporal;
  /** The API submits and polls nothing: only workflows do. */
  readonly providers: Providers<ApiProvider>;
  readonly archive: Pick<ContentStore, 'read' | 'write' | 'remove'>;
  readonly changes: Pick<Changes, 'watch'>;
  /** Aborted when shutdown begins: streams are closed, and their clients reconnect to another process. */
  readonly closing: AbortSignal;
  /** Aborted later during shutdown: requests that still wait for a hold are voided and answered 503. */
  readonly givingUp: AbortSignal;
  /** Lets in as many starts of generations as can be begun soon. */
  readonly door: Door;
  /** Undefined disables `/admin`. */
  readonly adminKey: string | undefined;
  /** The limit of a key without a limit of its own. */
  readonly requestsPerMinute: number;
  readonly streamLimits: StreamLimits;
  readonly webhooksPrivateFor: PrivateFor;
  /** Counts a provider's webhooks by outcome. */
  readonly countWebhook: (provider: string, outcome: WebhookOutcome) => void;
  /** How long a request waits for its hold before it is voided. */
  readonly startTimeoutMs: number;
  /** The address of a workflow's page in Temporal Web; null if that has none. */
  readonly linkToWorkflow: (workflowId: string) => string | null;
  readonly log: Log;
  /** The files of the schema that this version was made for. */
  readonly schemaFiles: readonly AppliedFile[];
}

/** A video that was read together with the key. */
interface NamedVideo {
  readonly id: string;
  /** Undefined: the account has no such video. */
  readonly video: Generation | undefined;
}

export interface Env {
  Bindings: HttpBindings;
  Variables: { requestId: string; caller: Caller; namedVideo?: NamedVideo };
}

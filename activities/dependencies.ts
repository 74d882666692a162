import type { GenerationRef } from '../contracts/activities.ts';
import type { Alarm } from '../contracts/alarms.ts';
import type { Ledger } from '../ledger/index.ts';
import type { ContentStore, WebhookSender } from '../outbound/index.ts';
import type { Provider } from '../provider/index.ts';
import type { Store } from '../store/index.ts';

/** What the reconciler asks of Temporal; by describe, for a list may lag behind. */
export interface Generations {
  isRunning(generationId: string): Promise<boolean>;
  resume(generation: GenerationRef): Promise<'resumed' | 'running'>;
}

/** What activities need of a log; pino's fits. Ids, amounts and reasons only: no prompt, no key. */
export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** What a copy of a content may take. */
export interface CopyLimits {
  readonly maximumBytes: number;
  /** A copy that brings fewer bytes in such a time is broken off, and goes on later: it takes the place of others. */
  readonly leastBytes: number;
  readonly withinMs: number;
  /** Of one try, which so ends before Temporal would end it: then a time-out is always a fault of ours. */
  readonly tryMs: number;
}

/** Of the ledger, what activities use. */
type LedgerOperation =
  | 'placeHold'
  | 'settleGeneration'
  | 'recordSettlementRefusal'
  | 'listHeld'
  | 'listFollowed'
  | 'stopFollowing'
  | 'voidLateRequests'
  | 'compareNextAccounts';

/** Of the store, what activities use. */
type StoreOperation =
  | 'beginAttempt'
  | 'endAttempt'
  | 'noteAmbiguousAttempt'
  | 'getOpenAttempt'
  | 'getProviderVideo'
  | 'noteUnreachable'
  | 'recordLook'
  | 'adoptVideo'
  | 'findOwnedVideos'
  | 'findListedBefore'
  | 'noteOwnerlessVideos'
  | 'listUnmatchedPrompts'
  | 'recordText'
  | 'endText'
  | 'closeText'
  | 'requestCancel'
  | 'getArchiving'
  | 'listUnarchived'
  | 'recordContent'
  | 'recordContentGone'
  | 'recordUnusableContent'
  | 'listUnclaimed'
  | 'beginDeletion'
  | 'endDeletion'
  | 'listWebhooks'
  | 'listOverdueWebhooks'
  | 'getWebhookToSend'
  | 'recordWebhookAttempt';

export interface ActivityDependencies {
  readonly ledger: Pick<Ledger, LedgerOperation>;
  readonly store: Pick<Store, StoreOperation>;
  readonly provider: Provider;
  readonly archive: ContentStore;
  readonly webhooks: WebhookSender;
  readonly generations: Generations;
  readonly holdTtlSeconds: number;
  readonly copyLimits: CopyLimits;
  /** Whether the provider was set up to send webhooks. */
  readonly providerEventsExpected: boolean;
  /** A video that isn't in the provider's list this long after its create was begun was never made. */
  readonly lookForCreateMs: number;
  /** A writer of a text that renews its lease no more for this long is called once more, and then taken for dead. */
  readonly textLeaseMs: number;
  readonly count: (alarm: Alarm, amount?: number) => void;
  readonly observe: (gauge: 'orphan_videos', value: number) => void;
  readonly log: Log;
}

/** What has to do with the provider alone. */
export type ProviderDependencies = Pick<
  ActivityDependencies,
  'store' | 'provider' | 'providerEventsExpected' | 'lookForCreateMs' | 'textLeaseMs' | 'count'
>;

import type { GenerationRef } from '../contracts/activities.ts';
import type { Alarm } from '../contracts/alarms.ts';
import type { Ledger } from '../ledger/index.ts';
import type { ContentStore, WebhookSender } from '../outbound/index.ts';
import type { Providers } from '../provider/index.ts';
import type { Store, SweepReason } from '../store/index.ts';

/** The copies of charged videos to the archive: standalone activities of Temporal. */
export interface Archives {
  /** Starts the copy; one that is under way is left alone. */
  start(generation: GenerationRef): Promise<void>;
  isRunning(generationId: string): Promise<boolean>;
}

/** What activities ask of Temporal; the reconciler by describe, because a list may lag behind. */
export interface Generations {
  isRunning(generationId: string): Promise<boolean>;
  resume(generation: GenerationRef): Promise<'resumed' | 'running'>;
  /** Makes its workflow look now. Does nothing when none runs. */
  nudge(generationId: string): Promise<void>;
}

/** The log of the activities (pino's fits). Ids, amounts and reasons only: no prompt, no key. */
export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** The limits of a copy of a content. */
export interface CopyLimits {
  readonly maximumBytes: number;
  /** A copy with fewer bytes within `withinMs` is broken off and resumed later, because it takes the slot of others. */
  readonly leastBytes: number;
  readonly withinMs: number;
  /** Limits one try to less than Temporal's time-out, so that a time-out of Temporal is always a fault of ours. */
  readonly tryMs: number;
}

/** What is counted of the sweeps of providers' lists, by the provider's name. */
export interface SweepMeter {
  readonly listed: (provider: string, result: 'read' | 'failed' | 'no_list' | 'no_turn') => void;
  readonly nudged: (provider: string, reason: SweepReason, workflows: number) => void;
}

/** The ledger's operations that activities use. */
type LedgerOperation =
  | 'placeHold'
  | 'settleGeneration'
  | 'recordSettlementRefusal'
  | 'listHeld'
  | 'listFollowed'
  | 'stopFollowing'
  | 'voidLateRequests'
  | 'compareNextAccounts';

/** The store's operations that activities use. */
type StoreOperation =
  | 'beginAttempt'
  | 'endAttempt'
  | 'noteAmbiguousAttempt'
  | 'getOpenAttempt'
  | 'getProviderVideo'
  | 'noteUnreachable'
  | 'takeTurn'
  | 'recordLook'
  | 'adoptVideo'
  | 'findOwnedVideos'
  | 'findListedBefore'
  | 'noteOwnerlessVideos'
  | 'listUnmatchedPrompts'
  | 'beginText'
  | 'recordText'
  | 'endText'
  | 'closeText'
  | 'requestCancel'
  | 'beginCancel'
  | 'recordCancelEnded'
  | 'noteCancelUnclear'
  | 'getArchiving'
  | 'listUnarchived'
  | 'recordContent'
  | 'recordArchivedVideo'
  | 'recordContentGone'
  | 'recordUnusableContent'
  | 'listUnclaimed'
  | 'beginDeletion'
  | 'endDeletion'
  | 'listWebhooks'
  | 'listOverdueWebhooks'
  | 'getWebhookToSend'
  | 'recordWebhookAttempt'
  | 'listOpenVideos'
  | 'takeSweepNudges'
  | 'keepSweep'
  | 'sweepTells';

export interface ActivityDependencies {
  readonly ledger: Pick<Ledger, LedgerOperation>;
  readonly store: Pick<Store, StoreOperation>;
  /** For local activities: the same database, on connections that give up within the time of a local try. */
  readonly hasty: {
    readonly ledger: Pick<Ledger, 'placeHold' | 'settleGeneration' | 'recordSettlementRefusal'>;
    readonly store: Pick<Store, 'listWebhooks'>;
  };
  readonly providers: Providers;
  readonly archive: ContentStore;
  readonly webhooks: WebhookSender;
  readonly generations: Generations;
  readonly archives: Archives;
  readonly holdTtlSeconds: number;
  readonly copyLimits: CopyLimits;
  /** A video that isn't in the provider's list this long after its create was begun was never made. */
  readonly lookForCreateMs: number;
  /** A writer of a text that renews its lease no more for this long is called once more, and then taken for dead. */
  readonly textLeaseMs: number;
  readonly count: (alarm: Alarm, amount?: number) => void;
  readonly observe: (gauge: 'orphan_videos' | 'stranded_generations', value: number) => void;
  readonly sweepMeter: SweepMeter;
  /** Aborted when this process ends: what would go on for a day is left to another worker. */
  readonly stopping: AbortSignal;
  readonly log: Log;
}

/** What the provider's activities need. */
export type ProviderDependencies = Pick<
  ActivityDependencies,
  'store' | 'providers' | 'lookForCreateMs' | 'textLeaseMs' | 'count' | 'log'
>;

import type { ReleaseReason, SettlementReason } from './states.ts';

/**
 * What workflows ask of the world. Terms: a *hold* reserves credits for one generation; *capture* charges them, *release*
 * gives them back; both *settle* the hold, once. An *attempt* is one call that may make a video at the provider; a *look*
 * is one retrieve of it.
 */

/** Why a hold could not be placed; nothing is held then. */
export type HoldRefusalCode =
  | 'insufficient_credits'
  | 'account_frozen'
  | 'too_many_active_generations'
  /** The API key has spent, with what is held, what it may a day or a month. */
  | 'key_spend_limit'
  /** The request was given up by the API, or its `admit_by` passed, before a hold was placed. */
  | 'voided';

export interface HeldPlacement {
  readonly outcome: 'held';
  readonly holdId: string;
  readonly accountId: string;
  readonly amountMicrocredits: number;
  /** By the database's clock at the time of the answer; the workflow starts its own timer from it (MR-50). */
  readonly timeLeftMs: number;
  /** The whole length of this hold. */
  readonly holdTtlMs: number;
  readonly model: string;
  /** Of a video; null of a text, as size. */
  readonly seconds: number | null;
  readonly size: string | null;
  /** Median of recent completed generations of the same model, seconds and size; null when there are none. */
  readonly expectedDurationMs: number | null;
  /** Known when an earlier run of this workflow has created the video: then nothing is created again. */
  readonly providerVideoId: string | null;
  /** It pays for a video that completed after its refund: archived first, then captured; nothing is created. */
  readonly isClaim: boolean;
  /** An earlier run began a create whose end nobody knows: a blind second one could make a second paid video. */
  readonly attemptMayHaveArrived: boolean;
}

export interface RefusedPlacement {
  readonly outcome: 'refused';
  readonly code: HoldRefusalCode;
  readonly accountId: string;
}

/** The hold was settled before this run asked: after a reset or a late resume. The run has nothing left to do. */
export interface SettledPlacement {
  readonly outcome: 'settled';
  readonly accountId: string;
  readonly settlement: Settlement;
}

export type HoldPlacement = HeldPlacement | RefusedPlacement | SettledPlacement;

export interface Settlement {
  readonly charged: boolean;
  readonly reason: SettlementReason;
  /** The code that the customer sees on a failed video; null when charged. */
  readonly errorCode: string | null;
}

/**
 * What a settlement came to. `conflict`: the generation was settled differently before; that settlement stands and the
 * attempt to change it is recorded. Of a release as expired only: `not_due`, the database's clock says there is time left;
 * `terminal`, the provider's last word is on record, and settles it.
 */
export type SettleResult =
  | { readonly result: 'settled' | 'conflict'; readonly settlement: Settlement }
  | { readonly result: 'not_due'; readonly timeLeftMs: number }
  | { readonly result: 'terminal'; readonly look: TerminalLook };

/** A generation and whose it is: the ledger lets only a few movements of one account wait for its row at once. */
export interface GenerationRef {
  readonly generationId: string;
  readonly accountId: string;
}

export interface LedgerActivities {
  /** Idempotent: the first call moves the credits, every later one answers with the hold as it stands. */
  placeHold(input: GenerationRef): Promise<HoldPlacement>;
  /** Needs a recorded look that said `completed`. Idempotent. */
  captureHold(input: GenerationRef): Promise<SettleResult>;
  /** Idempotent for the same reason. */
  releaseHold(input: GenerationRef & { reason: ReleaseReason }): Promise<SettleResult>;
  /** Gives the credits back although the outcome can't be recorded: ten minutes after the first refusal, never before. */
  emergencyRelease(input: GenerationRef): Promise<SettleResult>;
  /** Records that an operator cancelled the workflow in Temporal; moves nothing. */
  recordCancel(input: { generationId: string }): Promise<void>;
  /**
   * Alerts an operator: so many holds, this one among them, are past their end and can't be settled by a fault of ours.
   * Asks nothing of the database, which may be that fault. Moves nothing.
   */
  alertOverdue(input: { holds: number; generationId: string; why: string }): Promise<void>;
  /**
   * Records that the content could not be archived while its link lived; answers with what is on record. A charge whose video
   * nobody had is refunded in the same transaction. Idempotent.
   */
  recordContentGone(input: { generationId: string }): Promise<Archived>;
}

/**
 * The type of failures that are the provider's: it was asked, and gave no readable answer this time. Any other failure is a
 * fault of ours, for which a hold waits without end.
 */
export const PROVIDER_TRANSIENT = 'ProviderTransient';

/**
 * The type of the failure of an activity that settles, when a rule or a constraint of the database refuses it. Every other
 * failure (no connection, a missing function or right) is retried without end.
 */
export const SETTLEMENT_REFUSED = 'SettlementRefused';

/** What one call of the provider's create came to, sorted by what it proves. */
export type SubmitOutcome =
  | { readonly outcome: 'created'; readonly providerVideoId: string; readonly providerEventsExpected: boolean }
  /** The provider refused what the client asked for: nothing was made, and nothing else will be. */
  | { readonly outcome: 'refused'; readonly errorCode: string }
  /** Proven that nothing was made (operator's fault, rate limit, refused connection): try again later. */
  | { readonly outcome: 'not_made'; readonly why: string; readonly retryAfterMs: number | null }
  /**
   * Nothing is made any more: settled by another hand, cancelled while no video is known, as many creates
   * begun as may be, or the hold's time is over.
   */
  | { readonly outcome: 'settled' | 'cancelled' | 'spent' | 'too_late' }
  /** It was answered with the id of a video that another generation has: no second create, the hold waits for its hour. */
  | { readonly outcome: 'conflict' }
  /** The call may have arrived. Creating again could make a second paid video. */
  | { readonly outcome: 'ambiguous'; readonly why: string };

/** What looking for a create that may have arrived came to (MR-32 to MR-37). */
export type FindOutcome =
  | { readonly outcome: 'adopted'; readonly providerVideoId: string; readonly providerEventsExpected: boolean }
  /** Nothing yet; a provider may list a video a little after it was made. */
  | { readonly outcome: 'nothing_yet' }
  /** Nothing for long enough: the attempt is closed, another may be begun. */
  | { readonly outcome: 'not_found' }
  /** More than one could be meant. Nothing is adopted and nothing created while that lasts. */
  | { readonly outcome: 'unclear'; readonly why: string }
  /** This provider can't tell, ever: the hold waits for its hour. */
  | { readonly outcome: 'unknowable'; readonly why: string }
  /** The attempt is not open any more. */
  | { readonly outcome: 'closed' };

export type TerminalLook = { readonly verdict: 'completed' } | { readonly verdict: 'failed' };

/** What a retrieve saw, after it was recorded. Only `completed` and `failed` are terminal. */
export type Look = TerminalLook | { readonly verdict: 'open' };

/** What writing a text came to. `ended`: on record, and charged by that record, nothing if nothing was delivered. */
export type TextOutcome =
  | { readonly outcome: 'ended' }
  | Extract<SubmitOutcome, { outcome: 'refused' | 'not_made' | 'settled' | 'cancelled' | 'spent' | 'too_late' }>;

export interface TextActivities {
  /**
   * Commits an attempt, then asks the provider at most once and reads to the end, whether or not a client listens. Safe to
   * retry: a call that may have arrived is not made again. While its writer is alive, a retry fails and is made again soon, and
   * answers with the writer's end; of a dead writer the text ends with what was delivered (MR-62, MR-63).
   */
  writeText(input: GenerationRef & { leastTimeLeftMs: number }): Promise<TextOutcome>;
}

export interface ProviderActivities {
  /** Commits an attempt, then calls the provider at most once. Safe to retry: an open attempt answers `ambiguous`. */
  submitVideo(input: { generationId: string; leastTimeLeftMs: number }): Promise<SubmitOutcome>;
  /** Looks in the provider's list for the video that an open attempt may have made, and adopts it when it is the only one. */
  findVideo(input: { generationId: string }): Promise<FindOutcome>;
  /**
   * Asks the provider and records the answer. Network errors, 4xx, 5xx and unreadable answers are retryable failures of
   * the activity, so an outage adds nothing to the history; only a readable answer returns.
   */
  retrieveVideo(input: { generationId: string; providerVideoId: string }): Promise<Look>;
}

/** Where the content of a charged video is now. `gone`: the provider's link died before it could be copied. */
export interface Archived {
  readonly outcome: 'archived' | 'gone';
}

export interface OutboundActivities {
  /**
   * Copies the content of a completed video from the provider to the archive, from where an earlier try broke off, and
   * records it. Every trouble is a retryable failure; only a link that is dead for good, an hour after the video was seen
   * completed, answers `gone`, and refunds a charge whose video nobody had. Thumbnail and spritesheet come along where the
   * provider has them.
   */
  archiveContent(input: GenerationRef): Promise<Archived>;
}

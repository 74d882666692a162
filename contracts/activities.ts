import type { PollPlan, ToldBy } from './pollPlan.ts';
import type { ReleaseReason, SettlementReason } from './states.ts';
import type { DeliverWebhookInput } from './webhooks.ts';

/**
 * The interfaces of the activities. Terms: a *hold* reserves credits for one generation; *capture* charges them, *release*
 * returns them; either *settles* the hold, once. An *attempt* is one submission to the provider, which may make a video; a
 * *look* is one retrieve of that video.
 */

/** Why a hold was refused. Nothing is held then. */
export type HoldRefusalCode =
  | 'insufficient_credits'
  | 'account_frozen'
  | 'too_many_active_generations'
  /** The hold would exceed the daily or monthly spend limit of the API key. */
  | 'key_spend_limit'
  /** The API gave the request up, or its `admit_by` passed, before the hold was placed. */
  | 'voided';

export interface HeldPlacement {
  readonly outcome: 'held';
  readonly holdId: string;
  readonly accountId: string;
  readonly amountMicrocredits: number;
  /** Measured by the database's clock when it answered; the workflow starts its own timer from it (MR-50). */
  readonly timeLeftMs: number;
  /** The whole length of this hold. */
  readonly holdTtlMs: number;
  readonly model: string;
  /** Null for a text; so is `size`. */
  readonly seconds: number | null;
  readonly size: string | null;
  /** The median of recently completed generations of the same model, seconds and size; null when there are none. */
  readonly expectedDurationMs: number | null;
  /** Set when an earlier run of this workflow submitted the video; it is not submitted again. */
  readonly providerVideoId: string | null;
  /** It pays for a video that completed after its refund: the video is archived, then captured; nothing is submitted. */
  readonly isClaim: boolean;
  /** An earlier run began an attempt whose end is unknown: another one could make a second paid video. */
  readonly attemptMayHaveArrived: boolean;
}

export interface RefusedPlacement {
  readonly outcome: 'refused';
  readonly code: HoldRefusalCode;
  readonly accountId: string;
}

/** The hold is settled already, as after a reset or a late resume. The run has nothing left to do. */
export interface SettledPlacement {
  readonly outcome: 'settled';
  readonly accountId: string;
  readonly settlement: Settlement;
}

export type HoldPlacement = HeldPlacement | RefusedPlacement | SettledPlacement;

export interface Settlement {
  readonly charged: boolean;
  readonly reason: SettlementReason;
  /** The code that the customer sees on a failed video; null when it was charged. */
  readonly errorCode: string | null;
}

/**
 * The result of a settlement. `conflict`: the generation was settled differently before; that settlement stands, and the
 * attempt to change it is recorded. Only for a release as `expired`: `not_due`, the database's clock says that time is left;
 * `terminal`, what is on record must settle it.
 */
export type SettleResult =
  | { readonly result: 'settled' | 'conflict'; readonly settlement: Settlement }
  | { readonly result: 'not_due'; readonly timeLeftMs: number }
  | { readonly result: 'terminal'; readonly look: TerminalLook };

/** A settlement comes with the deliveries that must tell of it and are still due; usually none. */
export type WithWebhooks<Result> = Result extends { readonly settlement: Settlement }
  ? Result & { readonly webhooks: readonly DeliverWebhookInput[] }
  : Result;

/** A generation and its account; the ledger limits how many movements of one account wait for its row at once. */
export interface GenerationRef {
  readonly generationId: string;
  readonly accountId: string;
}

export interface LedgerActivities {
  /** Idempotent: the first call moves the credits; later calls return the hold as it is. */
  placeHold(input: GenerationRef): Promise<WithWebhooks<HoldPlacement>>;
  /** Needs a recorded look that said `completed`; after a cancel was sent, an archived content too. Idempotent. */
  captureHold(input: GenerationRef): Promise<WithWebhooks<SettleResult>>;
  /** Idempotent when called with the same reason. */
  releaseHold(input: GenerationRef & { reason: ReleaseReason }): Promise<WithWebhooks<SettleResult>>;
  /** Returns the credits although the outcome can't be recorded; not before ten minutes after the first refusal. */
  emergencyRelease(input: GenerationRef): Promise<WithWebhooks<SettleResult>>;
  /** Records that an operator cancelled the workflow in Temporal. Moves no credits. */
  recordCancel(input: { generationId: string }): Promise<void>;
  /**
   * Alerts an operator that `holds` holds, this generation's among them, are past their end and can't be settled because of
   * a fault of ours. It doesn't use the database, which may be that fault. Moves no credits.
   */
  alertOverdue(input: { holds: number; generationId: string; why: string }): Promise<void>;
  /** Starts the copy of a charged video's content to the archive; one that is under way is left alone. */
  startArchive(input: GenerationRef): Promise<void>;
}

/**
 * The failure type for the provider's faults: it was asked and gave no readable answer. Any other failure is a fault of ours;
 * a hold waits for it to be mended, without limit.
 */
export const PROVIDER_TRANSIENT = 'ProviderTransient';

/** The failure type of a fault of ours whose message we write ourselves: a provider that is needed is not in the settings. */
export const PROVIDER_NOT_CONFIGURED = 'ProviderNotConfigured';

/**
 * The failure type of a call that our own settings, proxy, process or storage kept from its answer: a fault of ours. Its message is
 * ours too.
 */
export const HINDERED_BY_US = 'HinderedByUs';

/**
 * The failure type of a call that was not made, because its provider may get no more requests in this minute: a fault of ours, so no
 * hold ends by it. Its message is ours too.
 */
export const PROVIDER_BUSY = 'ProviderBusy';

/** Temporal's priority of the calls that decide how a hold ends. They also go first where a provider's requests are limited. */
export const URGENT = 1;

/**
 * The failure type of a settlement that a rule or a constraint of the database refuses. Every other failure (no connection, a
 * missing function or privilege) is retried without limit.
 */
export const SETTLEMENT_REFUSED = 'SettlementRefused';

/** The result of one submission, sorted by what it proves. */
export type SubmitOutcome =
  | { readonly outcome: 'created'; readonly providerVideoId: string; readonly toldBy: ToldBy }
  /** The provider refused what the client asked for: nothing was made, and nothing more is submitted. */
  | { readonly outcome: 'refused'; readonly errorCode: string }
  /** Proven that nothing was made (operator's fault, rate limit, refused connection): try again later. */
  | { readonly outcome: 'not_made'; readonly why: string; readonly retryAfterMs: number | null }
  /**
   * Nothing more is submitted: the hold was settled elsewhere, it was cancelled before a video was known, all attempts are
   * spent, or the hold's time is over.
   */
  | { readonly outcome: 'settled' | 'cancelled' | 'spent' | 'too_late' }
  /** The provider answered with the id of another generation's video: nothing more is submitted; the hold waits for its end. */
  | { readonly outcome: 'conflict' }
  /** The call may have arrived: submitting again could make a second paid video. */
  | { readonly outcome: 'ambiguous'; readonly why: string };

/** The result of searching for the video of an attempt that may have arrived (MR-32 to MR-37). */
export type FindOutcome =
  | { readonly outcome: 'adopted'; readonly providerVideoId: string; readonly toldBy: ToldBy }
  /** Not found yet; a provider may list a video a little after it made it. */
  | { readonly outcome: 'nothing_yet' }
  /** Not found for long enough: the attempt is closed, and another may begin. */
  | { readonly outcome: 'not_found' }
  /** Several videos match. Nothing is adopted and nothing submitted while that is so. */
  | { readonly outcome: 'unclear'; readonly why: string }
  /** This provider can never tell: the hold waits for its end. */
  | { readonly outcome: 'unknowable'; readonly why: string }
  /** The attempt is no longer open. */
  | { readonly outcome: 'closed' };

/** What settles a hold. `ended`: the client cancelled, and the provider ended its work, or has no content of it (MR-9). */
export type TerminalLook = { readonly verdict: 'completed' | 'failed' | 'ended' };

/** What a look saw, after it was recorded. */
export type Look =
  | TerminalLook
  /** `cancelWanted`: the client cancelled, and the provider can be asked to end its work. It was not asked before. */
  | { readonly verdict: 'open'; readonly cancelWanted: boolean }
  /** It completed after the provider was asked to end its work: charged once it is archived (MR-9). */
  | { readonly verdict: 'to_archive' };

/** The result of writing a text. `ended`: it is on record and charged by that record; nothing if nothing was delivered. */
export type TextOutcome =
  | { readonly outcome: 'ended' }
  | Extract<SubmitOutcome, { outcome: 'refused' | 'not_made' | 'settled' | 'cancelled' | 'spent' | 'too_late' }>;

export interface TextActivities {
  /**
   * Commits an attempt, then calls the provider at most once and reads its answer to the end, whether or not a client listens.
   * Safe to retry: a call that may have arrived is not repeated. While its writer is alive, a retry fails and is repeated soon;
   * once the writer has ended, it returns that end. A dead writer's text ends with what was delivered (MR-62, MR-63).
   */
  writeText(input: GenerationRef & { leastTimeLeftMs: number }): Promise<TextOutcome>;
}

/** A generation and its video's id at the provider. */
export interface VideoRef {
  readonly generationId: string;
  readonly providerVideoId: string;
}

export interface ProviderActivities {
  /** Commits an attempt, then calls the provider at most once. Safe to retry: an open attempt answers `ambiguous`. */
  submitVideo(input: { generationId: string; leastTimeLeftMs: number }): Promise<SubmitOutcome>;
  /** Searches the provider's list for the video that an open attempt may have made, and adopts it when only one matches. */
  findVideo(input: { generationId: string }): Promise<FindOutcome>;
  /**
   * Retrieves the video and records the answer. Network errors, 4xx, 5xx and unreadable answers are retryable failures of
   * the activity, so an outage adds nothing to the history; only a readable answer returns.
   */
  retrieveVideo(input: VideoRef): Promise<Look>;
  /**
   * Looks by the poll plan until there is something to do: a terminal verdict, or a cancel to send. A look that sees neither is a
   * retryable failure whose delay is the plan's, so the history does not grow with the video's duration.
   */
  watchVideo(input: VideoRef & { plan: PollPlan; createdAgoMs: number }): Promise<Look>;
  /**
   * Asks the provider to end its work, at most once in a generation's life; committed before the call. `ended` only when its
   * answer proved that, which is recorded; anything else is no failure, and the video is looked at as before (MR-9).
   */
  cancelVideo(input: { generationId: string }): Promise<{ ended: boolean }>;
}

/** Whether the content of a charged video was archived. `gone`: the provider's link died before it was copied. */
export interface Archived {
  readonly outcome: 'archived' | 'gone';
}

export interface OutboundActivities {
  /**
   * Copies the content of a completed video from the provider to the archive, resuming where an earlier try broke off, and
   * records it. Every problem is a retryable failure, except a link that is still dead an hour after the video was seen
   * completed, and a charged video whose provider has failed to deliver it for a day: that returns `gone`, and refunds a charge
   * whose video its owner never received. Thumbnail and spritesheet are copied where the provider has them.
   */
  archiveContent(input: GenerationRef): Promise<Archived>;
}

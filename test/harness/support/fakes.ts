import { ApplicationFailure } from '@temporalio/common';
import type {
  Archived,
  SubmitOutcome,
  FindOutcome,
  HeldPlacement,
  HoldPlacement,
  LedgerActivities,
  Look,
  OutboundActivities,
  ProviderActivities,
  SettleResult,
  WithWebhooks,
} from '../../../contracts/activities.ts';
import type { SettlementReason } from '../../../contracts/states.ts';
import { PROVIDER_TRANSIENT, SETTLEMENT_REFUSED } from '../../../contracts/activities.ts';
import { watchVideo } from '../../../activities/watchVideo.ts';
import type { DeliverWebhookInput } from '../../../contracts/webhooks.ts';

export const HOUR_MS = 3_600_000;

/** The hold that `placeHold` returns for a new 4 s sora-2 generation. */
export function held(changes: Partial<HeldPlacement> = {}): HeldPlacement {
  return {
    outcome: 'held',
    holdId: 'hold_00',
    accountId: 'acct_00',
    amountMicrocredits: 571_429,
    timeLeftMs: HOUR_MS,
    holdTtlMs: HOUR_MS,
    model: 'sora-2',
    seconds: 4,
    size: '720x1280',
    expectedDurationMs: 100_000,
    providerVideoId: null,
    isClaim: false,
    attemptMayHaveArrived: false,
    ...changes,
  };
}

/** Fakes of one generation's activities, typed by the contract, with their calls in order. */
export interface FakeWorld {
  readonly ledger: LedgerActivities;
  readonly provider: ProviderActivities;
  readonly outbound: OutboundActivities;
  readonly calls: string[];
  /** When each look was made, by the server's clock, in milliseconds since the submission. */
  readonly lookedAtMs: number[];
}

/** `away`: the provider was asked and gave no answer, as a network error. `ours`: our own database failed, as it does for a missing privilege. */
type Trouble = 'away' | 'ours';

const isTrouble = (seen: unknown): seen is Trouble => seen === 'away' || seen === 'ours';

function failureOf(trouble: Trouble): Error {
  // Each try costs the time-skipping server real time, so hours of trouble are few tries.
  const nextRetryDelay = '30 seconds';
  if (trouble === 'ours')
    return ApplicationFailure.create({ message: 'permission denied for function record_look', nextRetryDelay });
  return ApplicationFailure.create({ message: 'connection reset', type: PROVIDER_TRANSIENT, nextRetryDelay });
}

export interface FakeWorldOptions {
  readonly now: () => Promise<number>;
  readonly placement?: HoldPlacement;
  readonly create?: (attempt: number) => SubmitOutcome | Promise<SubmitOutcome>;
  readonly find?: (look: number) => FindOutcome | Trouble | Promise<FindOutcome | Trouble>;
  /** What a look sees this long after the submission. */
  readonly look?: (sinceCreateMs: number) => Look | Trouble | { retryAfterMs: number } | Promise<Look | Trouble>;
  /** What comes of asking the provider to end its work. */
  readonly cancel?: () => { ended: boolean } | Trouble;
  /** What comes of a copy that must be made before the charge; other copies are only started. */
  readonly archive?: (attempt: number) => Archived['outcome'] | Trouble | Promise<Archived['outcome'] | Trouble>;
  /** Raises where the copy can't be started. */
  readonly startArchive?: () => void;
  /** The deliveries that its settlement recorded. */
  readonly webhooks?: readonly DeliverWebhookInput[];
  readonly settle?: (reason: SettlementReason, attempt: number) => SettleResult | 'away' | 'refused';
}

export const COMPLETED: Look = { verdict: 'completed' };
export const OPEN: Look = { verdict: 'open', cancelWanted: false };

export function fakeWorld(options: FakeWorldOptions): FakeWorld {
  const calls: string[] = [];
  const lookedAtMs: number[] = [];
  let createdAtMs = 0;
  let heldAtMs = 0;
  let creates = 0;
  let settles = 0;
  let finds = 0;
  let copies = 0;
  // What the ledger knows: it is recorded before the workflow learns of it.
  let known: Partial<HeldPlacement> = {};

  const withWebhooks = <Result extends object>(result: Result): WithWebhooks<Result> =>
    ('settlement' in result ? { ...result, webhooks: options.webhooks ?? [] } : result) as WithWebhooks<Result>;

  const settle = (reason: SettlementReason): WithWebhooks<SettleResult> => {
    settles += 1;
    calls.push(reason === 'completed' ? 'capture' : reason === 'emergency' ? 'emergency' : `release ${reason}`);
    const answer = options.settle?.(reason, settles);
    if (answer === 'away') throw new Error('the database is away');
    if (answer === 'refused') throw ApplicationFailure.nonRetryable('refused', SETTLEMENT_REFUSED);
    return withWebhooks(answer ?? settledAs(reason));
  };

  const retrieveVideo = async (): Promise<Look> => {
    const sinceCreateMs = (await options.now()) - createdAtMs;
    const seen = (await options.look?.(sinceCreateMs)) ?? OPEN;
    if (isTrouble(seen)) throw failureOf(seen);
    if ('retryAfterMs' in seen) {
      const { retryAfterMs: nextRetryDelay } = seen;
      throw ApplicationFailure.create({ message: 'HTTP 429', type: PROVIDER_TRANSIENT, nextRetryDelay });
    }
    calls.push('look');
    lookedAtMs.push(sinceCreateMs);
    return seen;
  };
  return {
    calls,
    lookedAtMs,
    ledger: {
      placeHold: async () => {
        calls.push('hold');
        heldAtMs ||= await options.now();
        const placement = options.placement ?? held();
        return withWebhooks(placement.outcome === 'held' ? { ...placement, ...known } : placement);
      },
      captureHold: async () => settle('completed'),
      releaseHold: async ({ reason }) => settle(reason),
      emergencyRelease: async () => settle('emergency'),
      recordCancel: async () => {
        calls.push('record cancel');
      },
      alertOverdue: async () => {
        calls.push('alert');
      },
      startArchive: async () => {
        options.startArchive?.();
        calls.push('archive');
      },
    },
    provider: {
      submitVideo: async ({ leastTimeLeftMs }) => {
        creates += 1;
        calls.push('create');
        createdAtMs = await options.now();
        heldAtMs ||= createdAtMs;
        // Like the ledger: a call that waited in a queue may be too late, too.
        const { timeLeftMs } = { timeLeftMs: HOUR_MS, ...options.placement };
        if (createdAtMs - heldAtMs > timeLeftMs - leastTimeLeftMs) return { outcome: 'too_late' };
        const created = (await options.create?.(creates)) ?? {
          outcome: 'created',
          providerVideoId: 'pv_1',
          toldBy: 'nobody',
        };
        if (created.outcome === 'created') known = { providerVideoId: created.providerVideoId };
        if (created.outcome === 'ambiguous') known = { attemptMayHaveArrived: true };
        return created;
      },
      findVideo: async () => {
        finds += 1;
        calls.push('find');
        const found = (await options.find?.(finds)) ?? { outcome: 'nothing_yet' };
        if (isTrouble(found)) throw failureOf(found);
        if (found.outcome === 'adopted') known = { providerVideoId: found.providerVideoId };
        if (found.outcome === 'not_found') known = { attemptMayHaveArrived: false };
        return found;
      },
      retrieveVideo,
      watchVideo: (input) =>
        watchVideo(input, async () => ({
          look: await retrieveVideo(),
          whoTells: async () => input.plan.toldBy,
        })),
      cancelVideo: async () => {
        const ended = options.cancel?.() ?? { ended: false };
        if (isTrouble(ended)) throw failureOf(ended);
        calls.push('cancel');
        return ended;
      },
    },
    outbound: {
      archiveContent: async () => {
        copies += 1;
        const outcome = (await options.archive?.(copies)) ?? 'archived';
        if (isTrouble(outcome)) throw failureOf(outcome);
        calls.push('copy');
        return { outcome };
      },
    },
  };
}

export function settledAs(reason: SettlementReason): SettleResult {
  const charged = reason === 'completed';
  const codes: Partial<Record<SettlementReason, string>> = {
    expired: 'generation_timeout',
    emergency: 'settlement_failed',
  };
  const errorCode = charged ? null : (codes[reason] ?? reason);
  return { result: 'settled', settlement: { charged, reason, errorCode } };
}

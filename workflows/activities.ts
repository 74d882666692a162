import { proxyActivities, proxyLocalActivities } from '@temporalio/workflow';
import type { ActivityOptions } from '@temporalio/workflow';
import type {
  LedgerActivities,
  OutboundActivities,
  ProviderActivities,
  TextActivities,
} from '../contracts/activities.ts';
import type { ReconcileActivities, ReconcileProviderActivities } from '../contracts/reconcile.ts';
import { URGENT } from '../contracts/activities.ts';
import { COPY, TASK_QUEUE } from '../contracts/temporal.ts';
import type { WebhookLedgerActivities, WebhookOutboundActivities } from '../contracts/webhooks.ts';
import { causeOf, isRefusal } from './whoseFault.ts';

/**
 * Each ledger call is one short, idempotent transaction, so Temporal retries it without limit. While the database is
 * unreachable, no credits move.
 */
const LEDGER_OPTIONS: ActivityOptions = {
  taskQueue: TASK_QUEUE.workflowsAndLedger,
  startToCloseTimeout: '15 seconds',
  retry: { initialInterval: '500 milliseconds', backoffCoefficient: 2, maximumInterval: '20 seconds' },
};

/** Much shorter than a workflow task may take, and longer than what a local step waits for its database (MR-103). */
const LOCAL_TRY_MS = 4000;

/**
 * The ledger's steps. Those that every generation takes are tried once as a local activity, inside the workflow task: it costs one
 * event and no queue. After any trouble the same step runs as a regular activity, which Temporal retries without limit, so an
 * outage adds no events and no step is lost; each step is idempotent, so it makes no difference if the local try was carried out.
 * A refusal by the ledger is an answer, and is raised (MR-103).
 */
export function ledger(summary: string): LedgerActivities {
  const regular = proxyActivities<LedgerActivities>({ ...LEDGER_OPTIONS, summary });
  const local = proxyLocalActivities<LedgerActivities>({
    startToCloseTimeout: LOCAL_TRY_MS,
    scheduleToCloseTimeout: LOCAL_TRY_MS,
    retry: { maximumAttempts: 1 },
    summary,
  });
  return {
    placeHold: localFirst(local.placeHold, regular.placeHold),
    captureHold: localFirst(local.captureHold, regular.captureHold),
    releaseHold: localFirst(local.releaseHold, regular.releaseHold),
    startArchive: localFirst(local.startArchive, regular.startArchive),
    emergencyRelease: regular.emergencyRelease,
    recordCancel: regular.recordCancel,
    alertOverdue: regular.alertOverdue,
  };
}

function localFirst<Input, Result>(
  local: (input: Input) => Promise<Result>,
  regular: (input: Input) => Promise<Result>,
): (input: Input) => Promise<Result> {
  return async (input) => {
    try {
      return await local(input);
    } catch (error) {
      if (isRefusal(error)) throw error;
      // Raises what is not the failure of an activity.
      causeOf(error);
      return regular(input);
    }
  };
}

/**
 * For the reconciler. Retries are limited: a run that hangs would keep the schedule from starting the next one, which tries
 * again anyway. A survey asks Temporal about many holds, so it may take longer than a ledger call.
 */
export function reconciler(summary: string): ReconcileActivities & LedgerActivities & WebhookLedgerActivities {
  return proxyActivities<ReconcileActivities & LedgerActivities & WebhookLedgerActivities>({
    ...LEDGER_OPTIONS,
    startToCloseTimeout: '60 seconds',
    scheduleToCloseTimeout: '2 minutes',
    summary,
  });
}

/** Longer than the provider client's time-out of 30 s, so that the activity sees every time-out itself. */
const PROVIDER_CALL_MS = 45_000;

const PROVIDER_OPTIONS: ActivityOptions = {
  taskQueue: TASK_QUEUE.provider,
  startToCloseTimeout: PROVIDER_CALL_MS,
  heartbeatTimeout: '12 seconds',
  retry: { initialInterval: '1 second', backoffCoefficient: 1.5, maximumInterval: '10 seconds' },
};

/**
 * Provider calls are retried until `timeLeftMs` has passed. Their failures carry the provider's Retry-After if it sent one.
 * Temporal's server does the retries, so an outage adds no events to the history.
 */
export function provider(summary: string, timeLeftMs: number): ProviderActivities & ReconcileProviderActivities {
  return proxyActivities<ProviderActivities & ReconcileProviderActivities>({
    ...PROVIDER_OPTIONS,
    scheduleToCloseTimeout: Math.max(1000, timeLeftMs),
    summary,
  });
}

/** Reading a provider's whole list takes many calls. */
const PROVIDER_LIST_MS = 180_000;

/** One provider call for the reconciler; the next run is the retry. `long` is for a call that reads the provider's list. */
export function providerOnce(
  summary: string,
  length: 'short' | 'long' = 'short',
): ProviderActivities & ReconcileProviderActivities {
  const callMs = length === 'long' ? PROVIDER_LIST_MS : PROVIDER_CALL_MS;
  return proxyActivities<ProviderActivities & ReconcileProviderActivities>({
    ...PROVIDER_OPTIONS,
    startToCloseTimeout: callMs,
    scheduleToCloseTimeout: callMs + 15_000,
    retry: { maximumAttempts: 1 },
    summary,
  });
}

/** If no worker takes the task within this time, that is a fault of ours, and the caller waits for it to be mended. */
const QUEUED_AT_MOST = '1 minute';

/** Tries at a hold's end: enough for a second one after the longest Retry-After. */
export const LAST_TRIES = 6;

/**
 * The calls that decide whether a hold is released at its end. The number of tries is limited, not the time: a time limit
 * could cut a try short, and then the last failure would not tell whether the provider was asked (`whoseFault`).
 */
export function lastAtProvider(
  summary: string,
  tries: number,
): Pick<ProviderActivities, 'retrieveVideo' | 'findVideo'> {
  const options: ActivityOptions = {
    ...PROVIDER_OPTIONS,
    scheduleToStartTimeout: QUEUED_AT_MOST,
    retry: { ...PROVIDER_OPTIONS.retry, maximumAttempts: tries },
    priority: { priorityKey: URGENT },
    summary,
  };
  const { retrieveVideo } = proxyActivities<ProviderActivities>(options);
  const { findVideo } = proxyActivities<ProviderActivities>({ ...options, startToCloseTimeout: PROVIDER_LIST_MS });
  return { retrieveVideo, findVideo };
}

/** Like `provider`, for calls that read the provider's list. */
export function providerList(summary: string, timeLeftMs: number): Pick<ProviderActivities, 'findVideo'> {
  return proxyActivities<ProviderActivities>({
    ...PROVIDER_OPTIONS,
    startToCloseTimeout: PROVIDER_LIST_MS,
    scheduleToCloseTimeout: Math.max(1000, timeLeftMs),
    summary,
  });
}

/**
 * Like `provider`, for the submission. It must start within `timeLeftMs`, but recording its result is retried without limit
 * while the database is unreachable. A retry that starts after the hold's end returns `too_late`.
 */
export function submitter(summary: string, timeLeftMs: number): ProviderActivities {
  return proxyActivities<ProviderActivities>({
    ...PROVIDER_OPTIONS,
    scheduleToStartTimeout: Math.max(1000, timeLeftMs),
    summary,
  });
}

/** The copy that a video must have before it is charged is retried until `withinMs` has passed. */
export function outbound(summary: string, withinMs: number): OutboundActivities {
  return proxyActivities<OutboundActivities>({
    ...COPY,
    scheduleToCloseTimeout: Math.max(1000, withinMs),
    summary,
  });
}

/** Like `lastAtProvider`, for the copy that a claim must have before it is charged. */
export function lastCopy(summary: string, { tries, tryMs }: { tries: number; tryMs: number }): OutboundActivities {
  return proxyActivities<OutboundActivities>({
    ...COPY,
    scheduleToStartTimeout: QUEUED_AT_MOST,
    startToCloseTimeout: tryMs,
    retry: { ...COPY.retry, maximumAttempts: tries },
    priority: { priorityKey: URGENT },
    summary,
  });
}

/** Longer than a text may take at the provider, with time left to record its end while the database is unreachable. */
const WRITE_MS = 20 * 60_000;

/** When a try is lost, the next ones wait until its writer has ended or died. The provider is not called again. */
export function writer(summary: string, timeLeftMs: number): TextActivities {
  return proxyActivities<TextActivities>({
    ...PROVIDER_OPTIONS,
    startToCloseTimeout: WRITE_MS,
    scheduleToCloseTimeout: Math.max(1000, timeLeftMs),
    summary,
  });
}

/**
 * Sends a webhook once (up to ten seconds) and records the result. Only faults of ours are retried here, without limit: a
 * dead worker, an unreachable database, a tenant whose share of the queue is used up. A failure of the receiver is a result.
 */
export function webhooks(summary: string): WebhookOutboundActivities {
  return proxyActivities<WebhookOutboundActivities>({
    taskQueue: TASK_QUEUE.outbound,
    startToCloseTimeout: '45 seconds',
    retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '1 minute' },
    summary,
  });
}

import { proxyActivities } from '@temporalio/workflow';
import type { ActivityOptions } from '@temporalio/workflow';
import type {
  LedgerActivities,
  OutboundActivities,
  ProviderActivities,
  TextActivities,
} from '../contracts/activities.ts';
import type { ReconcileActivities, ReconcileProviderActivities } from '../contracts/reconcile.ts';
import { TASK_QUEUE } from '../contracts/temporal.ts';
import type { WebhookLedgerActivities, WebhookOutboundActivities } from '../contracts/webhooks.ts';

/**
 * Ledger calls are one short transaction each and idempotent, so they are tried without end: while the database is away,
 * credits stay as they are.
 */
const LEDGER_OPTIONS: ActivityOptions = {
  taskQueue: TASK_QUEUE.workflowsAndLedger,
  startToCloseTimeout: '15 seconds',
  retry: { initialInterval: '500 milliseconds', backoffCoefficient: 2, maximumInterval: '20 seconds' },
};

export function ledger(summary: string): LedgerActivities {
  return proxyActivities<LedgerActivities>({ ...LEDGER_OPTIONS, summary });
}

/**
 * The reconciler's: never without end, for a run that hangs would keep the next ones away, and the next one tries again. A
 * survey asks Temporal about many holds, which may take longer than a call of the ledger.
 */
export function reconciler(summary: string): ReconcileActivities & LedgerActivities & WebhookLedgerActivities {
  return proxyActivities<ReconcileActivities & LedgerActivities & WebhookLedgerActivities>({
    ...LEDGER_OPTIONS,
    startToCloseTimeout: '60 seconds',
    scheduleToCloseTimeout: '2 minutes',
    summary,
  });
}

/** Longer than the provider client's 30 s a call, so that the activity hears of every time-out itself. */
const PROVIDER_CALL_MS = 45_000;

const PROVIDER_OPTIONS: ActivityOptions = {
  taskQueue: TASK_QUEUE.provider,
  startToCloseTimeout: PROVIDER_CALL_MS,
  heartbeatTimeout: '12 seconds',
  retry: { initialInterval: '1 second', backoffCoefficient: 1.5, maximumInterval: '10 seconds' },
};

/**
 * Provider calls are tried until `timeLeftMs` is over. Their failures carry the provider's Retry-After where it sent one;
 * the retries are the server's, so an outage adds no event to the history.
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

/** One call of the provider for the reconciler: the next run is the retry. `long`: one that reads its list. */
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

/** No worker takes it within this time: that is a fault of ours, and the caller waits for it. */
const QUEUED_AT_MOST = '1 minute';

/** So many tries at a hold's end: room for a second one after the longest Retry-After. */
export const LAST_TRIES = 6;

/**
 * What a hold's release depends on at its end. Bounded by its tries and not by a time, which would cut one short: so the
 * last failure tells whether the provider was asked (`whoseFault`).
 */
export function lastAtProvider(
  summary: string,
  tries: number,
): Pick<ProviderActivities, 'retrieveVideo' | 'findVideo'> {
  const options: ActivityOptions = {
    ...PROVIDER_OPTIONS,
    scheduleToStartTimeout: QUEUED_AT_MOST,
    retry: { ...PROVIDER_OPTIONS.retry, maximumAttempts: tries },
    summary,
  };
  const { retrieveVideo } = proxyActivities<ProviderActivities>(options);
  const { findVideo } = proxyActivities<ProviderActivities>({ ...options, startToCloseTimeout: PROVIDER_LIST_MS });
  return { retrieveVideo, findVideo };
}

/** Like `provider`, for what reads the provider's list. */
export function providerList(summary: string, timeLeftMs: number): Pick<ProviderActivities, 'findVideo'> {
  return proxyActivities<ProviderActivities>({
    ...PROVIDER_OPTIONS,
    startToCloseTimeout: PROVIDER_LIST_MS,
    scheduleToCloseTimeout: Math.max(1000, timeLeftMs),
    summary,
  });
}

/**
 * Like `provider`, for the create: it begins in the time that is left, but the record of what it made is tried without end,
 * while the database is away. Begun again after the hold's end it answers `too_late`.
 */
export function submitter(summary: string, timeLeftMs: number): ProviderActivities {
  return proxyActivities<ProviderActivities>({
    ...PROVIDER_OPTIONS,
    scheduleToStartTimeout: Math.max(1000, timeLeftMs),
    summary,
  });
}

/** One try of a copy. */
export const COPY_MS = 3_600_000;

/** Each try of a copy may take its time, while it heartbeats; the next goes on where it broke off. */
const OUTBOUND_OPTIONS: ActivityOptions = {
  taskQueue: TASK_QUEUE.outbound,
  startToCloseTimeout: COPY_MS,
  heartbeatTimeout: '12 seconds',
  retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '2 minutes' },
};

/** Copies are tried until `withinMs` is over, long enough for any outage of the provider. */
export function outbound(summary: string, withinMs: number): OutboundActivities {
  return proxyActivities<OutboundActivities>({
    ...OUTBOUND_OPTIONS,
    scheduleToCloseTimeout: Math.max(1000, withinMs),
    summary,
  });
}

/** Like `lastAtProvider`, for the copy that a claim is charged for. */
export function lastCopy(summary: string, { tries, tryMs }: { tries: number; tryMs: number }): OutboundActivities {
  return proxyActivities<OutboundActivities>({
    ...OUTBOUND_OPTIONS,
    scheduleToStartTimeout: QUEUED_AT_MOST,
    startToCloseTimeout: tryMs,
    retry: { ...OUTBOUND_OPTIONS.retry, maximumAttempts: tries },
    summary,
  });
}

/** Longer than a whole text may take at the provider, with time to record its end while the database is away. */
const WRITE_MS = 20 * 60_000;

/** A try that is lost is followed by others, which wait for its writer's end, or its death; nothing is asked again. */
export function writer(summary: string, timeLeftMs: number): TextActivities {
  return proxyActivities<TextActivities>({
    ...PROVIDER_OPTIONS,
    startToCloseTimeout: WRITE_MS,
    scheduleToCloseTimeout: Math.max(1000, timeLeftMs),
    summary,
  });
}

/**
 * One try of a webhook, ten seconds and its record. What is retried here, without end, is trouble of ours: a worker that died,
 * the database that is away, a tenant's share of the queue that is taken. A receiver's trouble is an answer.
 */
export function webhooks(summary: string): WebhookOutboundActivities {
  return proxyActivities<WebhookOutboundActivities>({
    taskQueue: TASK_QUEUE.outbound,
    startToCloseTimeout: '45 seconds',
    retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '1 minute' },
    summary,
  });
}

import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';
import { PROVIDER_BUSY, PROVIDER_NOT_CONFIGURED, HINDERED_BY_US, PROVIDER_TRANSIENT } from '../contracts/activities.ts';
import type { Whose } from '../provider/index.ts';

const NOT_PROVIDERS_FAULT = 'not the provider’s fault';

/**
 * Temporal retries it without an event in the history. It is benign, so an outage of the provider raises no alarm. While the
 * trouble is `ours`, a hold waits without limit, past its own end too (MR-5).
 */
export function transient(message: string, retryAfterMs: number | null, whose: Whose = 'provider'): ApplicationFailure {
  return ApplicationFailure.create({
    message,
    type: whose === 'ours' ? HINDERED_BY_US : PROVIDER_TRANSIENT,
    category: ApplicationFailureCategory.BENIGN,
    ...(whose === 'either' ? { details: [NOT_PROVIDERS_FAULT] } : {}),
    // A delay of 0 would mean that it is never retried.
    ...(retryAfterMs === null || retryAfterMs < 1000 ? {} : { nextRetryDelay: retryAfterMs }),
  });
}

/**
 * The provider that a generation is bound to (an identity), or that it needs, is not in the settings: a fault of ours, which a
 * hold waits out without end.
 */
export function notConfigured(provider: string | null): ApplicationFailure {
  const which = provider === null ? 'The provider that makes this model' : `The provider ${provider}`;
  return ApplicationFailure.create({ message: `${which} is not configured.`, type: PROVIDER_NOT_CONFIGURED });
}

/** The video has no verdict yet. Temporal looks again after `delayMs`, without an event in the history. */
export function notYet(delayMs: number): ApplicationFailure {
  return ApplicationFailure.create({
    message: `The provider is making the video; next look in ${Math.round(delayMs / 100) / 10} s.`,
    type: PROVIDER_TRANSIENT,
    category: ApplicationFailureCategory.BENIGN,
    nextRetryDelay: Math.max(1, delayMs),
  });
}

/** The call was not made for want of a turn. Temporal brings it again after `waitMs`, without an event in the history. */
export function busy(provider: string, waitMs: number): ApplicationFailure {
  return ApplicationFailure.create({
    message: `The provider ${provider} gets as many requests a minute as it may.`,
    type: PROVIDER_BUSY,
    category: ApplicationFailureCategory.BENIGN,
    nextRetryDelay: Math.max(1000, waitMs),
  });
}

/** Whether the provider was asked, and it is its own doing that there is no usable answer. */
export function isFailureOfProvider(error: unknown): error is ApplicationFailure {
  return (
    error instanceof ApplicationFailure &&
    error.type === PROVIDER_TRANSIENT &&
    error.details?.includes(NOT_PROVIDERS_FAULT) !== true
  );
}

export function isBusy(error: unknown): boolean {
  return error instanceof ApplicationFailure && error.type === PROVIDER_BUSY;
}

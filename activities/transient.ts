import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';
import { PROVIDER_TRANSIENT } from '../contracts/activities.ts';

/** Temporal retries it without an event in the history. It is benign, so an outage of the provider raises no alarm. */
export function transient(message: string, retryAfterMs: number | null): ApplicationFailure {
  return ApplicationFailure.create({
    message,
    type: PROVIDER_TRANSIENT,
    category: ApplicationFailureCategory.BENIGN,
    // A delay of 0 would mean that it is never retried.
    ...(retryAfterMs === null || retryAfterMs < 1000 ? {} : { nextRetryDelay: retryAfterMs }),
  });
}

/** The operator's settings keep us from asking the provider: a fault of ours, which a hold waits out without end. */
export function notAsked(message: string): ApplicationFailure {
  return ApplicationFailure.create({ message, type: 'ProviderNotAsked' });
}

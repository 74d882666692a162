import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';
import { PROVIDER_TRANSIENT } from '../contracts/activities.ts';

/** Temporal tries again without an event in the history; benign, so an outage of the provider is no alarm of ours. */
export function transient(message: string, retryAfterMs: number | null): ApplicationFailure {
  return ApplicationFailure.create({
    message,
    type: PROVIDER_TRANSIENT,
    category: ApplicationFailureCategory.BENIGN,
    // A delay of 0 would mean: never again.
    ...(retryAfterMs === null || retryAfterMs < 1000 ? {} : { nextRetryDelay: retryAfterMs }),
  });
}

/** The provider was not asked, by the operator's settings: a fault of ours, for which a hold waits without end. */
export function notAsked(message: string): ApplicationFailure {
  return ApplicationFailure.create({ message, type: 'ProviderNotAsked' });
}

import { ActivityFailure, ApplicationFailure, TimeoutFailure } from '@temporalio/workflow';
import { PROVIDER_TRANSIENT } from '../contracts/activities.ts';

/**
 * What made an activity fail. `provider`: it was asked and gave no readable answer. `ours`: everything else, such as the
 * database, a missing right, a queue that no worker serves, a worker that died. Only the provider's trouble may let a
 * hold's time run out; ours says nothing about the video (MR-5). Raises what is no failure of an activity.
 */
export function whoseFault(error: unknown): 'provider' | 'ours' {
  if (!(error instanceof ActivityFailure)) throw error;
  return error.cause instanceof ApplicationFailure && error.cause.type === PROVIDER_TRANSIENT ? 'provider' : 'ours';
}

/** A fault of ours in a few words for an operator. No message of the error's: it could hold anything. */
export function faultInWords(error: unknown): string {
  const cause = error instanceof ActivityFailure ? error.cause : undefined;
  if (cause instanceof TimeoutFailure) {
    return cause.timeoutType === 'SCHEDULE_TO_START' ? 'no worker serves its task queue' : 'a worker did not finish it';
  }
  return `the database or our own code failed (${cause instanceof ApplicationFailure ? cause.type : cause?.name})`;
}

import { ActivityFailure, ApplicationFailure, TimeoutFailure } from '@temporalio/workflow';
import { PROVIDER_BUSY, PROVIDER_NOT_CONFIGURED, PROVIDER_TRANSIENT } from '../contracts/activities.ts';

/**
 * Why an activity failed. `provider`: the provider was asked and gave no readable answer. `ours`: everything else, such as the
 * database, a missing privilege, a queue that no worker serves, a dead worker. Only a fault of the provider's may let a hold
 * expire; one of ours says nothing about the video (MR-5). Raises any error that is not the failure of an activity.
 */
export function whoseFault(error: unknown): 'provider' | 'ours' {
  if (!(error instanceof ActivityFailure)) throw error;
  return error.cause instanceof ApplicationFailure && error.cause.type === PROVIDER_TRANSIENT ? 'provider' : 'ours';
}

/** A fault of ours in words, for operators. Omits the error's own message, which could contain anything, except where we write it. */
export function faultInWords(error: unknown): string {
  const cause = error instanceof ActivityFailure ? error.cause : undefined;
  if (cause instanceof TimeoutFailure) {
    return cause.timeoutType === 'SCHEDULE_TO_START' ? 'no worker serves its task queue' : 'a worker did not finish it';
  }
  if (cause instanceof ApplicationFailure && isOurs(cause.type)) return withoutStop(cause.message);
  return `the database or our own code failed (${cause instanceof ApplicationFailure ? cause.type : cause?.name})`;
}

const withoutStop = (sentence: string) => sentence.replace(/\.$/, '');

const isOurs = (type: string | null | undefined) => type === PROVIDER_NOT_CONFIGURED || type === PROVIDER_BUSY;

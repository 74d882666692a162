import { ActivityFailure, ApplicationFailure, TemporalFailure, TimeoutFailure } from '@temporalio/workflow';
import {
  PROVIDER_BUSY,
  PROVIDER_NOT_CONFIGURED,
  HINDERED_BY_US,
  PROVIDER_TRANSIENT,
  SETTLEMENT_REFUSED,
} from '../contracts/activities.ts';

/**
 * What made an activity fail. A regular activity's failure is wrapped in an `ActivityFailure`, a local one's arrives bare. Raises
 * any error that is neither.
 */
export function causeOf(error: unknown): Error | undefined {
  if (error instanceof ActivityFailure) return error.cause;
  if (error instanceof ApplicationFailure || error instanceof TimeoutFailure) return error;
  throw error;
}

/**
 * Why an activity failed. `provider`: the provider was asked and gave no readable answer. `ours`: everything else, such as the
 * database, a missing privilege, our proxy, a full disk, a queue that no worker serves, a dead worker. Only a fault of
 * the provider's may let a hold expire; one of ours says nothing about the video (MR-5). Raises any error that is not the failure of an activity.
 */
export function whoseFault(error: unknown): 'provider' | 'ours' {
  return typeOf(causeOf(error)) === PROVIDER_TRANSIENT ? 'provider' : 'ours';
}

/** Whether a rule or a constraint of the ledger refused the settlement; an immediate retry would be refused too. */
export function isRefusal(error: unknown): boolean {
  return error instanceof TemporalFailure && typeOf(causeOf(error)) === SETTLEMENT_REFUSED;
}

/** A fault of ours in words, for operators. Omits the error's own message, which could contain anything, except where we write it. */
export function faultInWords(error: unknown): string {
  const cause = causeOf(error);
  if (cause instanceof TimeoutFailure) {
    return cause.timeoutType === 'SCHEDULE_TO_START' ? 'no worker serves its task queue' : 'a worker did not finish it';
  }
  if (cause instanceof ApplicationFailure && isOurs(cause.type)) return withoutStop(cause.message);
  return `the database or our own code failed (${typeOf(cause) ?? cause?.name})`;
}

function typeOf(cause: Error | undefined): string | undefined {
  return cause instanceof ApplicationFailure ? (cause.type ?? undefined) : undefined;
}

const withoutStop = (sentence: string) => sentence.replace(/\.$/, '');

const isOurs = (type: string | null | undefined) =>
  type === PROVIDER_NOT_CONFIGURED || type === PROVIDER_BUSY || type === HINDERED_BY_US;

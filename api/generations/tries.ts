import type { Caller } from '../../store/index.ts';
import { LedgerUnavailable } from '../../store/index.ts';
import type { ApiDependencies } from '../http/deps.ts';
import { ApiError } from '../http/errors.ts';
import type { Order } from './order.ts';
import type { Repeat } from './repeat.ts';

/** What SDKs send again by themselves, where we have proven that nothing is held. */
const SENT_AGAIN = [429, 503];

/**
 * The tries of one call of an SDK that has no idempotency key: whether the try before was refused by us with nothing held, so that
 * this one is a new order and repeats none (MR-88).
 */
export function triesOf(
  { door: { refusedTries } }: Pick<ApiDependencies, 'door'>,
  { apiKeyId }: Caller,
  { fingerprint }: Order,
  { idempotencyKey, tryNumber }: Repeat,
) {
  const isKnown = idempotencyKey === null && tryNumber !== null;
  const nameOf = (number: number) => `${apiKeyId} ${fingerprint.toString('hex')} ${number}`;
  return {
    isAfterRefusal: () => isKnown && tryNumber > 0 && refusedTries.take(nameOf(tryNumber - 1)),
    noteRefusal: (error: unknown) => {
      if (isKnown && isWithoutHold(error)) refusedTries.note(nameOf(tryNumber), retryAfterSeconds(error));
    },
  };
}

function isWithoutHold(error: unknown): boolean {
  if (error instanceof LedgerUnavailable) return true;
  return error instanceof ApiError && SENT_AGAIN.includes(error.status) && error.details.effect !== 'in_message';
}

function retryAfterSeconds(error: unknown): number | undefined {
  const told = error instanceof ApiError ? error.details.headers?.['retry-after'] : undefined;
  return told === undefined ? undefined : Number(told);
}

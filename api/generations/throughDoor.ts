import type { Caller } from '../../store/index.ts';
import type { ApiDependencies } from '../http/deps.ts';
import { refusalAtDoor } from '../http/turnAway.ts';
import type { Order, Started } from './order.ts';
import { outcomeUnknown } from './placeHold.ts';
import { keyInUse } from './refusals.ts';
import type { Repeat } from './repeat.ts';

/**
 * Runs `findRepeat`, and `begin` if this request repeats none, as soon as it is let in at the door. Raises
 * `temporarily_unavailable` when that won't be soon: nothing of the request is written by then (MR-102).
 */
export async function throughDoor(
  deps: ApiDependencies,
  caller: Caller,
  { order, repeat }: { readonly order: Order; readonly repeat: Repeat },
  steps: { readonly findRepeat: () => Promise<Started | undefined>; readonly begin: () => Promise<Started> },
): Promise<Started> {
  const { door } = deps;
  const { accountId } = caller;
  const { idempotencyKey, retryWithinMs, onDisconnect } = repeat;
  const request = `${accountId} ${idempotencyKey === null ? order.fingerprint.toString('hex') : `key ${idempotencyKey}`}`;
  const isRepeat = idempotencyKey !== null || retryWithinMs !== null;
  // The first request can't be found in the database while it is at the door, and may place its hold after this one was refused.
  const wasFirstHere = isRepeat && door.isHere(request);
  const earlier = isRepeat ? await steps.findRepeat() : undefined;
  if (earlier !== undefined) return earlier;
  const entered = await door.enter({ owner: accountId, request, onGone: onDisconnect });
  if (entered.refused !== undefined) {
    if (!wasFirstHere && !(isRepeat && door.isHere(request))) throw refusalAtDoor(entered);
    throw idempotencyKey === null ? outcomeUnknown() : keyInUse(deps);
  }
  let isHeld = false;
  try {
    const started = await steps.begin();
    isHeld = true;
    return started;
  } finally {
    entered.leave(isHeld);
  }
}

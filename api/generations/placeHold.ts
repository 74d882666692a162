import type { HoldRefusalCode } from '../../contracts/activities.ts';
import type { Caller } from '../../store/index.ts';
import type { ApiDependencies } from '../http/deps.ts';
import { ApiError } from '../http/errors.ts';

/**
 * Starts the workflow of an admitted generation and waits for its hold. Returns why the hold was refused, undefined when it
 * is placed. Raises `outcome_unknown` when neither can be proven.
 */
export async function placeHold(
  deps: ApiDependencies,
  caller: Caller,
  generationId: string,
): Promise<HoldRefusalCode | undefined> {
  try {
    const { temporal, startTimeoutMs: timeoutMs, givingUp } = deps;
    const { accountId } = caller;
    const placement = await temporal.generations.start({ generationId, accountId }, { timeoutMs, givingUp });
    return placement.outcome === 'refused' ? placement.code : undefined;
  } catch (error) {
    // The workflow may have started anyway. The generation's row decides: voided before a hold was placed, or held.
    deps.log.warn({ err: error, generationId }, 'the workflow did not answer in time');
    const standing = await deps.ledger.voidGeneration(generationId).catch((cause: unknown) => {
      deps.log.error({ err: cause, generationId }, 'the client was told that the outcome of its request is unknown');
      throw outcomeUnknown();
    });
    return standing.refusalCode ?? undefined;
  }
}

export function outcomeUnknown(): ApiError {
  return new ApiError(
    'outcome_unknown',
    'We could not determine whether this request was accepted. If it was, its price is reserved and its outcome settles it; repeat the request with the same Idempotency-Key, or see GET /v1/credits.',
    { effect: 'in_message' },
  );
}

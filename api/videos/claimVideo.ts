import type { Caller, Generation } from '../../store/index.ts';
import { newVideo } from './createVideo.ts';
import type { ApiDependencies } from '../http/deps.ts';
import { ApiError, notFound } from '../http/errors.ts';
import { fingerprintOf } from '../http/fingerprint.ts';
import type { Order } from '../generations/startGeneration.ts';
import { exceedsMaxCredits } from '../generations/startGeneration.ts';

/**
 * The claim of a video that completed after its refund: a new video at the old price, whose content is put into storage
 * before it is charged. Claiming again is answered with the same one. `findOriginal` is only asked when this is no repeat.
 */
export function orderClaim(
  deps: ApiDependencies,
  caller: Caller,
  originalId: string,
  maxMicrocredits: number | null,
  findOriginal: () => Promise<Generation>,
): Order {
  return {
    ...newVideo(deps, caller),
    maxMicrocredits,
    fingerprint: fingerprintOf(`/v1/videos/${originalId}/claim`, { max: maxMicrocredits }),
    admit: async (admission) => {
      const { id: claimOf, amountMicrocredits } = await findOriginal();
      // Here, for the original would say that it is claimed.
      if (maxMicrocredits !== null && amountMicrocredits > maxMicrocredits) {
        throw exceedsMaxCredits(amountMicrocredits, maxMicrocredits, 'video');
      }
      const claim = await deps.ledger.claimGeneration({ ...admission, claimOf });
      if (claim.outcome === 'unknown') throw notFound('This video');
      if (claim.outcome === 'not_claimable') throw notClaimable();
      return claim;
    },
  };
}

export function notClaimable(): ApiError {
  return new ApiError(
    'not_claimable',
    'Only a video that the provider completed after its credits were refunded can be claimed, and only for a day. Nothing was held.',
    { headers: { 'x-should-retry': 'false' } },
  );
}

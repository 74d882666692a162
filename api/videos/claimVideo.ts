import type { Context } from 'hono';
import type { Caller, Generation } from '../../store/index.ts';
import type { Order } from '../generations/order.ts';
import { quote, type Quote } from '../generations/quote.ts';
import { exceedsMaxCredits } from '../generations/refusals.ts';
import type { ApiDependencies, Env } from '../http/deps.ts';
import { ApiError, NOT_RETRIED, notFound } from '../http/errors.ts';
import { fingerprintOf } from '../http/fingerprint.ts';
import { findOwnedVideo } from './ownedVideo.ts';
import { newVideo, sendStarted } from './startVideo.ts';

/**
 * Claims a video that completed after its hold was released: a new video at the original price, whose content is archived
 * before it is charged. A second claim is answered with the first one's video.
 */
export async function claimVideo(
  deps: ApiDependencies,
  c: Context<Env>,
  originalId: string,
  maxMicrocredits: number | null,
  isDryRun: boolean,
) {
  const caller = c.get('caller');
  const findOriginal = () => findOwnedVideo(deps, caller, originalId);
  const order = orderClaim(deps, caller, originalId, maxMicrocredits, findOriginal);
  if (isDryRun) return c.json(await quoteClaim(deps, caller, await findOriginal(), order), 200);
  return sendStarted(deps, c, order);
}

/** `findOriginal` is called only when this is not a repeat. */
function orderClaim(
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
      // Checked before the claim is recorded, because the original would show it as claimed.
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

/** A video that is claimed already costs nothing more. */
async function quoteClaim(
  deps: ApiDependencies,
  caller: Caller,
  original: Generation,
  { generationId, fingerprint, maxMicrocredits }: Order,
): Promise<Quote> {
  const claim = await deps.ledger.claimGeneration({
    generationId,
    claimOf: original.id,
    apiKeyId: caller.apiKeyId,
    accountId: caller.accountId,
    admitWithinMs: 0,
    fingerprint,
    idempotencyKey: null,
    dryRun: true,
  });
  if (claim.outcome === 'unknown') throw notFound('This video');
  const isClaimed = claim.outcome === 'replay' || claim.outcome === 'pending';
  if (isClaimed) return quote(deps, caller, 'video', 0, null);
  return quote(deps, caller, 'video', original.amountMicrocredits, maxMicrocredits, {
    refusal: claim.outcome === 'not_claimable' ? notClaimable() : undefined,
    isProviderDown: claim.outcome === 'provider_down',
  });
}

function notClaimable(): ApiError {
  return new ApiError(
    'not_claimable',
    'This video can’t be claimed: only one that the provider completed after its credits were refunded can be, and only for a day.',
    NOT_RETRIED,
  );
}

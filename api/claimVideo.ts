import { v7 as uuidv7 } from 'uuid';
import { videoId } from '../contracts/ids.ts';
import type { Caller, Generation } from '../ledger/index.ts';
import type { ApiDependencies } from './deps.ts';
import { ApiError, notFound } from './errors.ts';
import { salesClosed } from './sales.ts';
import { ADMIT_SLACK_MS, hold, refusalOf } from './startGeneration.ts';

/**
 * Claims a video that completed after its refund: a new video at the old price, whose content is put into storage before it
 * is charged. Claiming again answers with the same one. Raises `not_claimable`, and what a create raises for its hold.
 */
export async function claimVideo(deps: ApiDependencies, caller: Caller, claimOf: string): Promise<Generation> {
  const claim = await deps.ledger.claimGeneration({
    generationId: videoId(uuidv7()),
    claimOf,
    ...caller,
    admitWithinMs: deps.startTimeoutMs + ADMIT_SLACK_MS,
  });
  switch (claim.outcome) {
    case 'unknown':
      throw notFound('This video');
    case 'not_claimable':
      throw new ApiError(
        'not_claimable',
        'Only a video that the provider completed after its credits were refunded can be claimed, and only for a day. Nothing was held.',
        { headers: { 'x-should-retry': 'false' } },
      );
    case 'sales_closed':
      throw await salesClosed(deps);
    case 'account_frozen':
    case 'insufficient_credits':
      throw await refusalOf(deps, caller, claim.amountMicrocredits, claim.outcome);
    case 'admitted':
    case 'replay': {
      const { generationId, amountMicrocredits } = claim;
      const standing = await deps.ledger.getGeneration(caller.accountId, generationId);
      if (standing !== undefined) return standing;
      await hold(deps, caller, generationId, amountMicrocredits);
      const held = await deps.ledger.getGeneration(caller.accountId, generationId);
      if (held === undefined) throw notFound('The claimed video');
      return held;
    }
  }
}

import type { GenerationRef, HeldPlacement, TerminalLook } from '../contracts/activities.ts';
import { isVideoId } from '../contracts/ids.ts';
import { lastAtProvider } from './activities.ts';
import type { Effort } from './copy.ts';
import { copyAtLast, LAST_EFFORT } from './copy.ts';

/** What the ledger knows of a generation's video. */
export type Known = Pick<HeldPlacement, 'providerVideoId' | 'isClaim' | 'attemptMayHaveArrived'>;

/**
 * What can still be learned at a hold's end (MR-19): of a claim, whether it can be archived; of a video, its verdict; of an attempt
 * that may have arrived, its video. Undefined: nothing that settles it. Raises the activity's failure; `whoseFault` says whether the
 * provider was asked.
 */
export async function lookAtLast(
  generation: GenerationRef,
  { providerVideoId, isClaim, attemptMayHaveArrived }: Known,
  effort: Effort = LAST_EFFORT,
): Promise<TerminalLook | undefined> {
  // Of a text the ledger knows what was delivered.
  if (!isVideoId(generation.generationId)) return undefined;
  if (isClaim) return copyAtLast(generation, effort);
  if (providerVideoId !== null) return lastLook(generation, providerVideoId, effort);
  return attemptMayHaveArrived ? lastFind(generation, effort) : undefined;
}

async function lastLook(
  generation: GenerationRef,
  providerVideoId: string,
  effort: Effort,
): Promise<TerminalLook | undefined> {
  const { generationId } = generation;
  const looking = lastAtProvider("look at the video: the last look, the hold's time is over", effort.tries);
  const look = await looking.retrieveVideo({ generationId, providerVideoId });
  if (look.verdict === 'to_archive') return copyAtLast(generation, effort);
  return look.verdict === 'open' ? undefined : look;
}

async function lastFind(generation: GenerationRef, effort: Effort): Promise<TerminalLook | undefined> {
  const looking = lastAtProvider(
    "search for the video of the open attempt: the last search, the hold's time is over",
    effort.tries,
  );
  const found = await looking.findVideo({ generationId: generation.generationId });
  if (found.outcome !== 'adopted') return undefined;
  return lastLook(generation, found.providerVideoId, effort);
}

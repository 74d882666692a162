import type { GenerationRef, TerminalLook } from '../contracts/activities.ts';
import { COPY_MS, LAST_TRIES, lastCopy, outbound } from './activities.ts';
import type { Ended } from './creditGuard.ts';
import { captured, keepHold, noLook } from './creditGuard.ts';
import type { Deadline } from './deadline.ts';
import { describe } from './describe.ts';
import { lookWithin } from './watch.ts';
import { whoseFault } from './whoseFault.ts';

/**
 * Charges for a video that completed after its refund, but only once its content is in our archive. If it can't be copied
 * before the hold's time is over, the hold is released (MR-53).
 */
export async function payForLateVideo(
  generation: GenerationRef,
  providerVideoId: string,
  deadline: Deadline,
): Promise<Ended> {
  const { generationId } = generation;
  describe('Copying the claimed video to the archive. It is charged once it is archived.');
  const look = await lookWithin({ generationId, providerVideoId }, deadline.leftMs());
  if (look?.verdict === 'completed' && (await copy(generation, deadline))) return captured();
  // The video may be archived all the same; the ledger knows, and captures then. Else this waits for the hold's end.
  return keepHold({ until: noLook, lastLook: () => copyAtLast(generation) });
}

/**
 * Makes the last attempt to copy the video, at the hold's end. Undefined: the provider has no content. Raises the activity's
 * failure; `whoseFault` says whether the provider was asked.
 */
export async function copyAtLast(
  generation: GenerationRef,
  effort = { tries: LAST_TRIES, tryMs: COPY_MS },
): Promise<TerminalLook | undefined> {
  const copying = lastCopy("copy the claimed video to the archive: the last try, the hold's time is over", effort);
  const { outcome } = await copying.archiveContent(generation);
  return outcome === 'archived' ? { verdict: 'completed' } : undefined;
}

async function copy(generation: GenerationRef, deadline: Deadline): Promise<boolean> {
  try {
    const copying = outbound('copy the claimed video to the archive', deadline.leftMs());
    return (await copying.archiveContent(generation)).outcome === 'archived';
  } catch (error) {
    // Whosever fault it is, `expire` tries once more.
    whoseFault(error);
    return false;
  }
}

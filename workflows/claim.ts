import type { GenerationRef, TerminalLook } from '../contracts/activities.ts';
import { COPY_MS, LAST_TRIES, lastCopy, outbound } from './activities.ts';
import type { Ended } from './creditGuard.ts';
import { captured, keepHold, noLook } from './creditGuard.ts';
import type { Deadline } from './deadline.ts';
import { describe } from './describe.ts';
import { lookWithin } from './watch.ts';
import { whoseFault } from './whoseFault.ts';

/**
 * Pays for a video that completed after its refund: its content goes into our storage first, and only then is it charged.
 * What can't be had until the hold's hour is over is released (MR-53).
 */
export async function payForLateVideo(
  generation: GenerationRef,
  providerVideoId: string,
  deadline: Deadline,
): Promise<Ended> {
  const { generationId } = generation;
  describe('Claimed: copying the late video to the archive; it is charged once it is there.');
  const look = await lookWithin({ generationId, providerVideoId }, deadline.leftMs());
  if (look?.verdict === 'completed' && (await copy(generation, deadline))) return captured();
  // The ledger knows if it is in our storage after all, and then charges it; else this waits for the hour.
  return keepHold({ until: noLook, lastLook: () => copyAtLast(generation) });
}

/**
 * The last try to copy it, at the hold's end; undefined when the provider has no content. Raises the activity's failure:
 * `whoseFault` says whether the provider was asked for it.
 */
export async function copyAtLast(
  generation: GenerationRef,
  effort = { tries: LAST_TRIES, tryMs: COPY_MS },
): Promise<TerminalLook | undefined> {
  const copying = lastCopy('copy the claimed video to the archive: the last try, the hour is over', effort);
  const { outcome } = await copying.archiveContent(generation);
  return outcome === 'archived' ? { verdict: 'completed' } : undefined;
}

async function copy(generation: GenerationRef, deadline: Deadline): Promise<boolean> {
  try {
    const copying = outbound('copy the claimed video to the archive', deadline.leftMs());
    return (await copying.archiveContent(generation)).outcome === 'archived';
  } catch (error) {
    // By whoever's fault: `expire` tries once more.
    whoseFault(error);
    return false;
  }
}

import type { Archived, GenerationRef, TerminalLook } from '../contracts/activities.ts';
import { COPY } from '../contracts/temporal.ts';
import { LAST_TRIES, lastCopy, outbound } from './activities.ts';
import type { Deadline } from './deadline.ts';
import { whoseFault } from './whoseFault.ts';

/** The copy to the archive that must be made before a video is charged: of a claim, and after a cancel was sent (MR-9, MR-53). */

/** How often a call at a hold's end is tried, and how long one try of a copy may take. */
export interface Effort {
  readonly tries: number;
  readonly tryMs: number;
}

export const LAST_EFFORT: Effort = { tries: LAST_TRIES, tryMs: COPY.startToCloseTimeout };

/** Copies the video until the hold's end. Undefined: it could not be copied; `expire` tries once more, whosever fault it is. */
export async function copyUntil(
  generation: GenerationRef,
  deadline: Deadline,
): Promise<Archived['outcome'] | undefined> {
  try {
    const copying = outbound('copy the video to the archive: it is charged once it is archived', deadline.leftMs());
    return (await copying.archiveContent(generation)).outcome;
  } catch (error) {
    whoseFault(error);
    return undefined;
  }
}

/**
 * Makes the last attempt to copy the video, at the hold's end. Undefined: the provider has no content. Raises the activity's
 * failure; `whoseFault` says whether the provider was asked.
 */
export async function copyAtLast(
  generation: GenerationRef,
  effort: Effort = LAST_EFFORT,
): Promise<TerminalLook | undefined> {
  const copying = lastCopy("copy the video to the archive: the last try, the hold's time is over", effort);
  const { outcome } = await copying.archiveContent(generation);
  return outcome === 'archived' ? { verdict: 'completed' } : undefined;
}

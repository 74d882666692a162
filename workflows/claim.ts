import type { GenerationRef } from '../contracts/activities.ts';
import { copyUntil } from './copy.ts';
import type { Ended } from './creditGuard.ts';
import { captured, keepHold } from './creditGuard.ts';
import type { Deadline } from './deadline.ts';
import { describe } from './describe.ts';
import { lookWithin } from './watch.ts';

/**
 * Charges for a video that completed after its refund, but only once its content is in our archive. If it can't be copied
 * before the hold's time is over, the hold is released (MR-53).
 */
export async function payForLateVideo(
  generation: GenerationRef,
  providerVideoId: string,
  deadline: Deadline,
): Promise<Ended> {
  describe('Copying the claimed video to the archive. It is charged once it is archived.');
  const look = await lookWithin({ generation, providerVideoId }, deadline.leftMs());
  if (look?.verdict === 'completed' && (await copyUntil(generation, deadline)) === 'archived') return captured();
  // The video may be archived all the same; the ledger knows, and captures then. Else this waits for the hold's end.
  return keepHold();
}

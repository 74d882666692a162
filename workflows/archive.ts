import type { GenerationRef } from '../contracts/activities.ts';
import { ledger } from './activities.ts';
import { describe } from './describe.ts';

/**
 * Starts the copy of a charged video's content, and returns once Temporal has it: an activity of its own, for nothing waits for it,
 * and a copy of a day must not keep this workflow, and the version of the code that runs it, alive (MR-57). If the start is lost
 * all the same, the reconciler starts the copy.
 */
export async function archive(generation: GenerationRef): Promise<void> {
  await ledger("start the copy of the video's content to the archive").startArchive(generation);
  describe('The video was charged. Its content is being copied to the archive.');
}

import type { Archived, GenerationRef } from '../contracts/activities.ts';
import { ledger, outbound } from './activities.ts';
import { describe } from './describe.ts';
import { faultInWords, whoseFault } from './whoseFault.ts';

/** A link that the provider can't serve for this long is given up; most are dead after an hour. */
const GIVEN_UP_AFTER_MS = 24 * 3_600_000;
/** After a fault of ours, such as workers that were away, it is tried again, each time for this long. */
const ONCE_MORE_MS = 3_600_000;

/**
 * Copies the content of a charged video to the archive. The credits are settled and nothing waits for this: at worst it is
 * on record that the content is gone. That is said only of content that the provider did not give; trouble of ours is
 * waited for without end.
 */
export async function archive(generation: GenerationRef): Promise<Archived['outcome']> {
  describe('The video was charged. Copying its content to the archive, within 24 hours.');
  for (let withinMs = GIVEN_UP_AFTER_MS; ; withinMs = ONCE_MORE_MS) {
    try {
      const copying = outbound("copy the video's content to the archive", withinMs);
      return (await copying.archiveContent(generation)).outcome;
    } catch (error) {
      if (whoseFault(error) === 'provider') break;
      describe(
        `ALERT: the video was charged, and its content is not archived yet by a fault of ours: ${faultInWords(error)}. Trying on.`,
      );
    }
  }
  describe('The video was charged. Its content could not be archived in 24 hours; putting that on record.');
  return (
    await ledger("record that the video's content is gone").recordContentGone({ generationId: generation.generationId })
  ).outcome;
}

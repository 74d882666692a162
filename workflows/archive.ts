import type { Archived, GenerationRef } from '../contracts/activities.ts';
import { ledger, outbound } from './activities.ts';
import { describe } from './describe.ts';
import { faultInWords, whoseFault } from './whoseFault.ts';

/** The copy is given up after the provider has failed for this long; most links die after an hour. */
const GIVEN_UP_AFTER_MS = 24 * 3_600_000;
/** After a fault of ours, such as missing workers, the copy is tried again for this long each time. */
const ONCE_MORE_MS = 3_600_000;

/**
 * Copies the content of a charged video to the archive. The hold is settled, and nothing waits for this (MR-57). Content is
 * recorded as gone only when the provider did not deliver it (MR-59); a fault of ours is waited for without limit.
 */
export async function archive(generation: GenerationRef): Promise<Archived['outcome']> {
  describe('The video was charged. Copying its content to the archive; giving up after 24 hours.');
  for (let withinMs = GIVEN_UP_AFTER_MS; ; withinMs = ONCE_MORE_MS) {
    try {
      const copying = outbound("copy the video's content to the archive", withinMs);
      return (await copying.archiveContent(generation)).outcome;
    } catch (error) {
      if (whoseFault(error) === 'provider') break;
      describe(
        `ALERT: the video was charged, but a fault of ours keeps its content from being archived: ${faultInWords(error)}. Trying again.`,
      );
    }
  }
  describe('The video was charged. Its content could not be archived within 24 hours; recording it as gone.');
  return (
    await ledger("record that the video's content is gone").recordContentGone({ generationId: generation.generationId })
  ).outcome;
}

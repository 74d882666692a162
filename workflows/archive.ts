import { ActivityFailure } from '@temporalio/workflow';
import type { Archived, Booking } from '../contracts/activities.ts';
import { ledger, outbound } from './activities.ts';
import { describe } from './describe.ts';

/** A link that can't be read for this long is given up; most are dead after an hour. */
const GIVEN_UP_AFTER_MS = 24 * 3_600_000;
/** Workers that were away for all that time have tried nothing: one more chance before it is given up. */
const LAST_CHANCE_MS = 10 * 60_000;

/**
 * Copies the content of a charged video to the archive. The credits are settled and nothing waits for this: at worst it is
 * on record that the content is gone.
 */
export async function archive(booking: Booking): Promise<Archived['outcome']> {
  describe('The video was charged. Copying its content to the archive, within 24 hours.');
  for (const withinMs of [GIVEN_UP_AFTER_MS, LAST_CHANCE_MS]) {
    try {
      const copying = outbound("copy the video's content to the archive", withinMs);
      return (await copying.archiveContent(booking)).outcome;
    } catch (error) {
      if (!(error instanceof ActivityFailure)) throw error;
    }
  }
  describe('The video was charged. Its content could not be archived in 24 hours; putting that on record.');
  return (
    await ledger("record that the video's content is gone").recordContentGone({ generationId: booking.generationId })
  ).outcome;
}

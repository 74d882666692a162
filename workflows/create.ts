import { ActivityFailure, sleep } from '@temporalio/workflow';
import type { CreateOutcome, HeldPlacement } from '../contracts/activities.ts';
import { provider } from './activities.ts';
import { describe } from './describe.ts';
import type { Deadline } from './deadline.ts';

/** What creating came to in the end, after every try that was allowed. */
export type Created =
  | Extract<CreateOutcome, { outcome: 'created' | 'refused' | 'settled' }>
  /** Nothing was made, and too little time is left to begin. */
  | { readonly outcome: 'too_late' }
  /** A call may have arrived: no second one is made, and the hold waits for its hour. */
  | { readonly outcome: 'unknown' };

const FIRST_RETRY_MS = 5000;
const LONGEST_RETRY_MS = 60_000;

/** Less than this left, and a create is not begun: it could outlive the hold (RULES, first table). */
export function leastTimeToCreateMs(hold: Pick<HeldPlacement, 'holdTtlMs'>, expectedMs: number): number {
  return Math.min(Math.max(10 * 60_000, 2 * expectedMs), hold.holdTtlMs / 2);
}

/** Creates the video at most once, trying again only while it is proven that nothing was made. */
export async function create(
  generationId: string,
  hold: HeldPlacement,
  expectedMs: number,
  deadline: Deadline,
): Promise<Created> {
  if (hold.createMayHaveArrived) return { outcome: 'unknown' };
  let retryMs = FIRST_RETRY_MS;
  while (deadline.leftMs() >= leastTimeToCreateMs(hold, expectedMs)) {
    const made = await createOnce(generationId, deadline);
    switch (made.outcome) {
      case 'created':
      case 'refused':
      case 'settled':
        return made;
      case 'ambiguous':
        return { outcome: 'unknown' };
      case 'not_made':
        describe(
          `The provider took no video (${made.why}); nothing was made. The credits stay reserved; trying again.`,
        );
        await sleep(made.retryAfterMs ?? retryMs, { summary: `before the next try to create: ${made.why}` });
        retryMs = Math.min(LONGEST_RETRY_MS, retryMs * 1.5);
    }
  }
  return { outcome: 'too_late' };
}

async function createOnce(generationId: string, deadline: Deadline): Promise<CreateOutcome> {
  describe('Creating the video at the provider.');
  try {
    return await provider('create the video at the provider', deadline.leftMs()).createVideo({ generationId });
  } catch (error) {
    // Out of time between the attempt's commit and the answer's record: it may have arrived.
    if (error instanceof ActivityFailure) return { outcome: 'ambiguous', why: 'no answer was recorded in time' };
    throw error;
  }
}

import { sleep } from '@temporalio/workflow';
import type { SubmitOutcome, FindOutcome, GenerationRef, HeldPlacement } from '../contracts/activities.ts';
import { submitter, providerList } from './activities.ts';
import type { Cancel } from './cancel.ts';
import { describe } from './describe.ts';
import type { Deadline } from './deadline.ts';
import { whoseFault } from './whoseFault.ts';

/** The final result of submitting, after all attempts that were allowed. */
export type Submitted =
  | (Extract<SubmitOutcome, { outcome: 'created' }> & {
      /** On the workflow's clock. */
      readonly createdAtMs: number;
    })
  | Extract<SubmitOutcome, { outcome: 'refused' | 'settled' | 'cancelled' | 'spent' | 'too_late' }>
  /** An attempt may have arrived, and its video is not known: the hold waits for its end. */
  | { readonly outcome: 'unknown' };

export interface Submission {
  readonly generation: GenerationRef;
  readonly hold: HeldPlacement;
  readonly expectedMs: number;
  readonly deadline: Deadline;
  readonly cancel: Cancel;
}

const FIRST_RETRY_MS = 5000;
const LONGEST_RETRY_MS = 60_000;

/** With less of the hold's time left than this, no attempt begins: its video could outlive the hold (MR-18). */
function leastTimeToSubmitMs(hold: Pick<HeldPlacement, 'holdTtlMs'>, expectedMs: number): number {
  return Math.min(Math.max(10 * 60_000, 2 * expectedMs), hold.holdTtlMs / 2);
}

/**
 * Submits the video, at most once. A video that an earlier run of this workflow made is the result. Another attempt follows only
 * when it is proven that the last one made nothing; after an attempt that may have arrived, it first searches for the video (MR-31).
 */
export async function submit(submission: Submission): Promise<Submitted> {
  const { hold, expectedMs, deadline, cancel } = submission;
  if (hold.providerVideoId !== null) {
    const { providerVideoId } = hold;
    const createdAtMs = deadline.atMs - hold.holdTtlMs;
    return { outcome: 'created', providerVideoId, toldBy: 'nobody', createdAtMs };
  }
  const resumed = hold.attemptMayHaveArrived ? await find(submission) : undefined;
  if (resumed !== undefined) return resumed;
  const leastTimeLeftMs = leastTimeToSubmitMs(hold, expectedMs);
  let retryMs = FIRST_RETRY_MS;
  for (;;) {
    // submitVideo decides by what is recorded, so the operator's cancel must be recorded first.
    await cancel.recorded();
    const made = await submitOnce(submission, leastTimeLeftMs);
    switch (made.outcome) {
      case 'not_made':
        describe(
          `The provider did not accept the attempt (${made.why}); nothing was made. The credits stay reserved; trying again.`,
        );
        await cancel.sleepUnlessRequested(
          Math.max(retryMs, made.retryAfterMs ?? 0),
          `before the next attempt: ${made.why}`,
        );
        retryMs = Math.min(LONGEST_RETRY_MS, retryMs * 1.5);
        break;
      case 'ambiguous': {
        const found = await find(submission);
        if (found !== undefined) return found;
        break;
      }
      case 'conflict':
        describe(
          "The provider answered with the id of another generation's video. No further attempt is made; the credits stay reserved until the hold's end.",
        );
        await sleep(Math.max(1, deadline.leftMs()), {
          summary: "wait for the hold's end: whose video it is can't be known",
        });
        return { outcome: 'unknown' };
      case 'created':
        return { ...made, createdAtMs: Date.now() };
      default:
        return made;
    }
  }
}

async function submitOnce({ generation, deadline }: Submission, leastTimeLeftMs: number): Promise<SubmitOutcome> {
  describe('Submitting the video to the provider.');
  try {
    return await submitter('submit the video to the provider', deadline.leftMs()).submitVideo({
      generationId: generation.generationId,
      leastTimeLeftMs,
    });
  } catch (error) {
    // No worker took the task in time. One that took it before may have died after committing the attempt.
    whoseFault(error);
    return { outcome: 'ambiguous', why: 'no answer was recorded in time' };
  }
}

/** A provider may list a video a little after it made it. Later searches wait for the other open attempts to end. */
const SEARCH_DELAYS_MS = [2000, 5000, 10_000, 20_000, 30_000];
const LONGEST_SEARCH_DELAY_MS = 60_000;

/** Searches for the video of an open attempt; undefined when the attempt is closed and another may begin. */
async function find({ generation, deadline }: Submission): Promise<Submitted | undefined> {
  for (let searches = 0; deadline.leftMs() > 0; searches += 1) {
    const delayMs = Math.min(SEARCH_DELAYS_MS[searches] ?? LONGEST_SEARCH_DELAY_MS, deadline.leftMs());
    await sleep(delayMs, { summary: 'before the next search for the video of the open attempt' });
    const found = await findOnce(generation.generationId, deadline);
    switch (found.outcome) {
      case 'adopted':
        return { ...found, outcome: 'created', createdAtMs: Date.now() };
      case 'not_found':
      case 'closed':
        return undefined;
      case 'unknowable':
        // Search again all the same: the activity that waits for the answer may still record it.
        describe(
          `The attempt may have arrived, and no search can tell (${found.why}). No further attempt is made; the credits stay reserved.`,
        );
        break;
      case 'nothing_yet':
      case 'unclear':
        describe(
          "The attempt may have arrived. Searching the provider's list for its video; the credits stay reserved.",
        );
    }
  }
  return { outcome: 'unknown' };
}

async function findOnce(generationId: string, deadline: Deadline): Promise<FindOutcome> {
  try {
    return await providerList('search for the video of the open attempt', deadline.leftMs()).findVideo({
      generationId,
    });
  } catch (error) {
    // The hold's time is over. Whosever fault that is, `expire` searches once more.
    whoseFault(error);
    return { outcome: 'nothing_yet' };
  }
}

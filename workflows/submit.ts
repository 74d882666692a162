import { sleep } from '@temporalio/workflow';
import type { SubmitOutcome, FindOutcome, HeldPlacement } from '../contracts/activities.ts';
import { submitter, providerList } from './activities.ts';
import type { Cancel } from './cancel.ts';
import { describe } from './describe.ts';
import type { Deadline } from './deadline.ts';
import { whoseFault } from './whoseFault.ts';

/** What submitting came to in the end, after every try that was allowed. */
export type Submitted =
  | Extract<SubmitOutcome, { outcome: 'created' | 'refused' | 'settled' | 'cancelled' | 'spent' | 'too_late' }>
  /** A call may have arrived, and its video is not known: the hold waits for its end. */
  | { readonly outcome: 'unknown' };

export interface Submission {
  readonly generationId: string;
  readonly hold: HeldPlacement;
  readonly expectedMs: number;
  readonly deadline: Deadline;
  readonly cancel: Cancel;
}

const FIRST_RETRY_MS = 5000;
const LONGEST_RETRY_MS = 60_000;

/** Less than this left, and no attempt is begun: it could outlive the hold (MR-18). */
export function leastTimeToSubmitMs(hold: Pick<HeldPlacement, 'holdTtlMs'>, expectedMs: number): number {
  return Math.min(Math.max(10 * 60_000, 2 * expectedMs), hold.holdTtlMs / 2);
}

/**
 * Submits the video, at most once. It tries again while it is proven that nothing was made; after a call that may have
 * arrived it first looks for what that made.
 */
export async function submit(submission: Submission): Promise<Submitted> {
  const { hold, expectedMs, deadline, cancel } = submission;
  const resumed = hold.attemptMayHaveArrived ? await find(submission) : undefined;
  if (resumed !== undefined) return resumed;
  const leastTimeLeftMs = leastTimeToSubmitMs(hold, expectedMs);
  let retryMs = FIRST_RETRY_MS;
  for (;;) {
    // submitVideo answers by what is on record, too little time left included, so a wish must be there first.
    await cancel.recorded();
    const made = await submitOnce(submission, leastTimeLeftMs);
    switch (made.outcome) {
      case 'not_made':
        describe(
          `The provider took no video (${made.why}); nothing was made. The credits stay reserved; trying again.`,
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
          'The provider answered with the id of another video: no second video is asked for. The credits stay reserved until the hold ends.',
        );
        await sleep(Math.max(1, deadline.leftMs()), {
          summary: "until the hold's end: whose video it is can't be known",
        });
        return { outcome: 'unknown' };
      default:
        return made;
    }
  }
}

async function submitOnce({ generationId, deadline }: Submission, leastTimeLeftMs: number): Promise<SubmitOutcome> {
  describe('Submitting the video to the provider.');
  try {
    return await submitter('submit the video to the provider', deadline.leftMs()).submitVideo({
      generationId,
      leastTimeLeftMs,
    });
  } catch (error) {
    // No worker took it in time, perhaps after one that died between the attempt's commit and the record of its answer.
    whoseFault(error);
    return { outcome: 'ambiguous', why: 'no answer was recorded in time' };
  }
}

/** A provider may list a video a little after it was made; later looks only wait for other generations' ends. */
const LOOK_DELAYS_MS = [2000, 5000, 10_000, 20_000, 30_000];
const LONGEST_LOOK_DELAY_MS = 60_000;

/** Looks for what an open attempt may have made; undefined when it is settled that the attempt made nothing. */
async function find({ generationId, deadline }: Submission): Promise<Submitted | undefined> {
  for (let looks = 0; deadline.leftMs() > 0; looks += 1) {
    const delayMs = Math.min(LOOK_DELAYS_MS[looks] ?? LONGEST_LOOK_DELAY_MS, deadline.leftMs());
    await sleep(delayMs, { summary: 'before the next look for what the attempt may have made' });
    const found = await findOnce(generationId, deadline);
    switch (found.outcome) {
      case 'adopted':
        return { ...found, outcome: 'created' };
      case 'not_found':
      case 'closed':
        return undefined;
      case 'unknowable':
        // Looked for again all the same: the answer may still be recorded by the activity that waits for it.
        describe(
          `The attempt may or may not have arrived: no second one is made (${found.why}). The credits stay reserved.`,
        );
        break;
      case 'nothing_yet':
      case 'unclear':
        describe(
          'The attempt may or may not have arrived: looking for it in the list of the provider. The credits stay reserved.',
        );
    }
  }
  return { outcome: 'unknown' };
}

async function findOnce(generationId: string, deadline: Deadline): Promise<FindOutcome> {
  try {
    return await providerList('look for what the attempt may have made', deadline.leftMs()).findVideo({ generationId });
  } catch (error) {
    // The time is over, by whoever's fault: `expire` looks for it once more.
    whoseFault(error);
    return { outcome: 'nothing_yet' };
  }
}

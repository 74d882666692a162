import { setHandler } from '@temporalio/workflow';
import type { GenerationRef, TerminalLook } from '../contracts/activities.ts';
import type { GenerationInput, GenerationResult } from '../contracts/temporal.ts';
import { PROVIDER_EVENT } from '../contracts/temporal.ts';
import { ledger } from './activities.ts';
import { announce } from './announce.ts';
import { archive } from './archive.ts';
import { payForLateVideo } from './claim.ts';
import type { Submitted } from './submit.ts';
import { submit } from './submit.ts';
import type { Ended, Guarded } from './creditGuard.ts';
import { keepHold, noLook, withCreditGuard, withoutWork } from './creditGuard.ts';
import { describeHold, markVideo } from './describe.ts';
import { typicalDurationMs } from './pollPlan.ts';
import type { Nudge, Watched } from './watch.ts';
import { lastFind, lastLook, watch } from './watch.ts';

/**
 * One paid video: hold → submit → watch → capture or release. Credits move on the provider's terminal verdict, on proof that
 * nothing was made, or at the hold's end; never on an error in between (MR-2, MR-3).
 */
export async function generateVideo(generation: GenerationInput): Promise<GenerationResult> {
  const nudge: Nudge = { pending: false };
  setHandler(PROVIDER_EVENT, () => {
    nudge.pending = true;
  });
  return withCreditGuard(
    generation,
    (guarded) => makeVideo(guarded, nudge),
    (result) => announceAndArchive(generation, result),
  );
}

/** Runs also when the hold was settled before: an earlier run may not have got this far. */
async function announceAndArchive(
  generation: GenerationRef,
  { generationId, outcome, errorCode }: GenerationResult,
): Promise<string> {
  if (outcome !== 'refused') await announce(generationId);
  if (outcome !== 'captured') return `Ended: ${outcome}, ${errorCode}.`;
  return `The video was charged. Its content is ${await archive(generation)}.`;
}

/** Everything between placing the hold and settling it. */
async function makeVideo({ generation, hold, deadline, cancel }: Guarded, nudge: Nudge): Promise<Ended> {
  const { generationId } = generation;
  // At most half of the hold's time, so that in its second half the poll plan treats the video as overdue.
  const expectedMs = Math.min(
    hold.expectedDurationMs ?? typicalDurationMs(hold.model, hold.seconds ?? 0),
    hold.holdTtlMs / 2,
  );
  const known = hold.providerVideoId;
  if (hold.isClaim && known !== null) return payForLateVideo(generation, known, deadline);
  const created: Submitted =
    known === null
      ? await submit({ generationId, hold, expectedMs, deadline, cancel })
      : { outcome: 'created', providerVideoId: known, providerEventsExpected: false };
  switch (created.outcome) {
    case 'refused':
    case 'cancelled':
    case 'spent':
    case 'too_late':
    case 'settled':
      return withoutWork(created.outcome);
    case 'unknown':
      return keepHold({ until: noLook, lastLook: () => lookForLateAnswer(generation) });
    case 'created': {
      const { providerVideoId, providerEventsExpected } = created;
      markVideo(providerVideoId);
      const watched: Watched = {
        generation,
        providerVideoId,
        plan: { expectedMs, providerEventsExpected },
        createdAtMs: known === null ? Date.now() : deadline.atMs - hold.holdTtlMs,
        deadline,
        nudge,
        cancel,
        hold: describeHold(hold, deadline.atMs),
      };
      return keepHold({ until: () => watch(watched), lastLook: () => lastLook(watched) });
    }
  }
}

/**
 * The provider's answer to the attempt may have been recorded late; then there is a video to look at. If the attempt is still
 * open, this searches once more: the earlier searches may have failed by a fault of ours.
 */
async function lookForLateAnswer(generation: GenerationRef): Promise<TerminalLook | undefined> {
  const standing = await ledger('read whether the video is known by now').placeHold(generation);
  if (standing.outcome !== 'held') return undefined;
  const { providerVideoId, attemptMayHaveArrived } = standing;
  if (providerVideoId === null) return attemptMayHaveArrived ? lastFind(generation) : undefined;
  markVideo(providerVideoId);
  return lastLook({ generation, providerVideoId });
}

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
import { describeHold, markHeld } from './describe.ts';
import { typicalDurationMs } from './pollPlan.ts';
import type { Nudge, Watched } from './watch.ts';
import { lastFind, lastLook, watch } from './watch.ts';

/**
 * One paid generation: hold → create → wait → capture or release. Credits move on the provider's last word, on a proof
 * that nothing was made, or an hour after the hold; never on an error in between (MR-3).
 */
export async function generateVideo(generation: GenerationInput): Promise<GenerationResult> {
  const nudge: Nudge = { pending: false };
  setHandler(PROVIDER_EVENT, () => {
    nudge.pending = true;
  });
  return withCreditGuard(
    generation,
    (guarded) => makeVideo(guarded, nudge),
    (result) => tellAndKeep(generation, result),
  );
}

/** Also of one that was settled before: what an earlier run did not tell or archive is told and archived now. */
async function tellAndKeep(
  generation: GenerationRef,
  { generationId, outcome, errorCode }: GenerationResult,
): Promise<string> {
  if (outcome !== 'refused') await announce(generationId);
  if (outcome !== 'captured') return `Ended: ${outcome}, ${errorCode}.`;
  return `The video was charged. Its content is ${await archive(generation)}.`;
}

/** From the hold to what settles it. */
async function makeVideo({ generation, hold, deadline, cancel }: Guarded, nudge: Nudge): Promise<Ended> {
  const { generationId } = generation;
  // However long others took: in the second half of the hold it is looked at by the plan for what is overdue.
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
      return keepHold({ until: noLook, lastLook: () => lookAtLateAnswer(generation) });
    case 'created': {
      const { providerVideoId, providerEventsExpected } = created;
      markHeld(providerVideoId);
      const watched: Watched = {
        generationId,
        providerVideoId,
        plan: { expectedMs, providerEventsExpected },
        createdAtMs: known === null ? Date.now() : deadline.atMs - hold.holdTtlMs,
        deadline,
        nudge,
        hold: describeHold(hold, deadline.atMs),
      };
      return keepHold({ until: () => watch(watched), lastLook: () => lastLook(watched) });
    }
  }
}

/**
 * The answer to a create that was given up may have been recorded since: then there is a video to look at. An attempt that is
 * open still is looked for once more: the looks so far may have failed by a fault of ours.
 */
async function lookAtLateAnswer(generation: GenerationRef): Promise<TerminalLook | undefined> {
  const { generationId } = generation;
  const standing = await ledger('read whether a video is known by now').placeHold(generation);
  if (standing.outcome !== 'held') return undefined;
  const { providerVideoId, attemptMayHaveArrived } = standing;
  if (providerVideoId === null) return attemptMayHaveArrived ? lastFind(generationId) : undefined;
  markHeld(providerVideoId);
  return lastLook({ generationId, providerVideoId });
}

import { allHandlersFinished, CancellationScope, condition, setHandler } from '@temporalio/workflow';
import type { Booking, HeldPlacement, HoldPlacement, Settlement, TerminalLook } from '../contracts/activities.ts';
import type { GenerateVideoInput, GenerateVideoResult } from '../contracts/temporal.ts';
import { CANCEL_REQUESTED, PLACED_UPDATE, PROVIDER_EVENT } from '../contracts/temporal.ts';
import { ledger } from './activities.ts';
import { announce } from './announce.ts';
import { archive } from './archive.ts';
import { Cancel } from './cancel.ts';
import { payForLateVideo } from './claim.ts';
import type { Created } from './create.ts';
import { create } from './create.ts';
import { deadlineIn } from './deadline.ts';
import { describe, describeHold, markEnded, markHeld } from './describe.ts';
import { typicalDurationMs } from './pollPlan.ts';
import { expire, release, settleByLook } from './settle.ts';
import type { Nudge, Watched } from './watch.ts';
import { lastLook, watch } from './watch.ts';

/**
 * One paid generation: hold → create → wait → capture or release. Credits move on the provider's last word, on a proof
 * that nothing was made, or an hour after the hold; never on an error in between (RULES).
 */
export async function generateVideo(booking: GenerateVideoInput): Promise<GenerateVideoResult> {
  const placed: { hold?: HoldPlacement } = {};
  const nudge: Nudge = { pending: false };
  const cancel = new Cancel(booking.generationId);
  setHandler(PROVIDER_EVENT, () => {
    nudge.pending = true;
  });
  setHandler(CANCEL_REQUESTED, () => {
    cancel.request();
  });
  setHandler(PLACED_UPDATE, async () => {
    await condition(() => placed.hold !== undefined);
    return placed.hold as HoldPlacement;
  });
  cancel.watch(CancellationScope.current());

  // A cancelled workflow must still settle: nothing in here is ended by Temporal's cancel (RULES, first table).
  return CancellationScope.nonCancellable(async () => {
    describe('Placing the hold.');
    placed.hold = await ledger('place the hold').placeHold(booking);
    const result = await conclude(booking, placed.hold, nudge, cancel);
    markEnded(result);
    if (result.outcome !== 'refused') await announce(booking.generationId);
    // Also of one that was settled before: what an earlier run did not archive is archived now.
    const content = result.outcome === 'captured' ? await archive(booking.generationId) : undefined;
    describe(
      content === undefined
        ? `Ended: ${result.outcome}, ${result.errorCode}.`
        : `The video was charged. Its content is ${content}.`,
    );
    await condition(allHandlersFinished);
    return result;
  });
}

async function conclude(
  booking: Booking,
  placement: HoldPlacement,
  nudge: Nudge,
  cancel: Cancel,
): Promise<GenerateVideoResult> {
  const { generationId } = booking;
  switch (placement.outcome) {
    case 'refused':
      return { generationId, outcome: 'refused', errorCode: placement.code };
    case 'settled':
      return { generationId, ...outcomeOf(placement.settlement) };
    case 'held':
      return { generationId, ...outcomeOf(await workOff(booking, placement, nudge, cancel)) };
  }
}

/** From the hold to its settlement: the one that stands, whoever made it. */
async function workOff(booking: Booking, hold: HeldPlacement, nudge: Nudge, cancel: Cancel): Promise<Settlement> {
  const { generationId } = booking;
  const deadline = deadlineIn(hold.timeLeftMs);
  // However long others took: in the second half of the hold it is looked at by the plan for what is overdue.
  const expectedMs = Math.min(
    hold.expectedDurationMs ?? typicalDurationMs(hold.model, hold.seconds),
    hold.holdTtlMs / 2,
  );
  const known = hold.providerVideoId;
  if (hold.isClaim && known !== null) return payForLateVideo(booking, known, deadline);
  const created: Created =
    known === null
      ? await create({ generationId, hold, expectedMs, deadline, cancel })
      : { outcome: 'created', providerVideoId: known, providerEventsExpected: false };
  switch (created.outcome) {
    case 'refused':
      return release(booking, 'create_refused');
    case 'cancelled':
      return release(booking, 'cancelled');
    case 'spent':
      return release(booking, 'create_failed');
    case 'too_late':
      return release(booking, 'provider_unavailable');
    case 'unknown':
      return expire(booking, () => lookAtLateAnswer(booking));
    case 'settled':
      return readSettlement(booking);
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
      const look = await watch(watched);
      return look === undefined ? expire(booking, () => lastLook(watched)) : settleByLook(booking, look);
    }
  }
}

/** The answer to a create that was given up may have been recorded since: then there is a video to look at. */
async function lookAtLateAnswer(booking: Booking): Promise<TerminalLook | undefined> {
  const standing = await ledger('read whether a video is known by now').placeHold(booking);
  if (standing.outcome !== 'held' || standing.providerVideoId === null) return undefined;
  markHeld(standing.providerVideoId);
  return lastLook({ generationId: booking.generationId, providerVideoId: standing.providerVideoId });
}

/** Another hand settled while this run was away; placeHold answers with the generation as it stands. */
async function readSettlement(booking: Booking): Promise<Settlement> {
  const standing = await ledger('read how it was settled').placeHold(booking);
  if (standing.outcome !== 'settled') throw new Error(`a settled generation is ${standing.outcome}`);
  return standing.settlement;
}

function outcomeOf({ charged, reason, errorCode }: Settlement): Pick<GenerateVideoResult, 'outcome' | 'errorCode'> {
  if (charged) return { outcome: 'captured', errorCode: null };
  return { outcome: reason === 'expired' ? 'expired' : 'released', errorCode };
}

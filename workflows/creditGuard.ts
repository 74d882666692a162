import { allHandlersFinished, CancellationScope, condition, setHandler } from '@temporalio/workflow';
import type { GenerationRef, HeldPlacement, HoldPlacement, Settlement, TerminalLook } from '../contracts/activities.ts';
import type { ReleaseReason } from '../contracts/states.ts';
import type { GenerationResult } from '../contracts/temporal.ts';
import { CANCEL_REQUESTED, PLACED_UPDATE } from '../contracts/temporal.ts';
import { ledger } from './activities.ts';
import { Cancel } from './cancel.ts';
import type { Deadline } from './deadline.ts';
import { deadlineIn } from './deadline.ts';
import { describe, markEnded, markHeld } from './describe.ts';
import { capture, expire, release, settleByLook } from './settle.ts';

/** How the paid work ended, which tells the guard how to settle the hold. The ledger demands proof for each. */
export type Ended =
  | { readonly settle: 'capture' }
  | { readonly settle: 'release'; readonly reason: Exclude<ReleaseReason, 'expired'> }
  /** Something else, such as the reconciler, settled the hold meanwhile. */
  | { readonly settle: 'nothing' }
  | KeptHold;

/** The work goes on after its handler has returned; the hold stays until a terminal verdict or until its time is over. */
export interface KeptHold {
  readonly settle: 'later';
  /** Resolves with the terminal look; undefined when the hold's time is over without one. */
  readonly until: () => Promise<TerminalLook | undefined>;
  /** Looks once more when the hold's time is over (MR-19). */
  readonly lastLook: () => Promise<TerminalLook | undefined>;
}

export interface Guarded {
  readonly generation: GenerationRef;
  readonly hold: HeldPlacement;
  readonly deadline: Deadline;
  readonly cancel: Cancel;
}

export const captured = (): Ended => ({ settle: 'capture' });
export const released = (reason: Exclude<ReleaseReason, 'expired'>): Ended => ({ settle: 'release', reason });

/** For work that outlives its handler: the handler's return settles nothing. */
export function keepHold(kept: Omit<KeptHold, 'settle'>): Ended {
  return { settle: 'later', ...kept };
}

/** The endings in which the provider made nothing, or the hold was settled elsewhere; the same for videos and texts. */
export function withoutWork(outcome: 'refused' | 'cancelled' | 'spent' | 'too_late' | 'settled'): Ended {
  switch (outcome) {
    case 'refused':
      return released('submission_refused');
    case 'cancelled':
      return released('cancelled');
    case 'spent':
      return released('create_failed');
    case 'too_late':
      return released('provider_unavailable');
    case 'settled':
      return { settle: 'nothing' };
  }
}

/** Used when there is nothing to look at: at the hold's end the ledger decides by what is recorded. */
export const noLook = () => Promise.resolve(undefined);

/**
 * Hold → work → settle, for everything that is paid for. The guard places the hold and answers the update `placed`, for which
 * the API waits. The work returns how it ended, and the guard settles, retrying until the settlement is made. An error in the
 * work settles nothing: the hold stays until the workflow continues. A cancellation in Temporal doesn't interrupt any of this
 * (MR-25); the work asks `cancel`. `after` runs once the hold is settled; no credits depend on it.
 */
export async function withCreditGuard(
  generation: GenerationRef,
  work: (guarded: Guarded) => Promise<Ended>,
  after: (result: GenerationResult) => Promise<string>,
): Promise<GenerationResult> {
  const placed: { hold?: HoldPlacement } = {};
  const cancel = new Cancel(generation.generationId);
  setHandler(CANCEL_REQUESTED, () => {
    cancel.request();
  });
  setHandler(PLACED_UPDATE, async () => {
    await condition(() => placed.hold !== undefined);
    return placed.hold as HoldPlacement;
  });
  cancel.watch(CancellationScope.current());

  return CancellationScope.nonCancellable(async () => {
    describe('Placing the hold.');
    placed.hold = await ledger('place the hold').placeHold(generation);
    const result = await conclude(generation, placed.hold, cancel, work);
    markEnded(result);
    describe(await after(result));
    await condition(allHandlersFinished);
    return result;
  });
}

async function conclude(
  generation: GenerationRef,
  placement: HoldPlacement,
  cancel: Cancel,
  work: (guarded: Guarded) => Promise<Ended>,
): Promise<GenerationResult> {
  const { generationId } = generation;
  switch (placement.outcome) {
    case 'refused':
      return { generationId, outcome: 'refused', errorCode: placement.code };
    case 'settled':
      return { generationId, ...outcomeOf(placement.settlement) };
    case 'held': {
      markHeld();
      const deadline = deadlineIn(placement.timeLeftMs);
      const ended = await work({ generation, hold: placement, deadline, cancel });
      return { generationId, ...outcomeOf(await settle(generation, ended)) };
    }
  }
}

async function settle(generation: GenerationRef, ended: Ended): Promise<Settlement> {
  switch (ended.settle) {
    case 'capture':
      return capture(generation);
    case 'release':
      return release(generation, ended.reason);
    case 'nothing':
      return readSettlement(generation);
    case 'later': {
      const look = await ended.until();
      return look === undefined ? expire(generation, ended.lastLook) : settleByLook(generation, look);
    }
  }
}

/** The hold was settled elsewhere meanwhile; placeHold returns that settlement. */
async function readSettlement(generation: GenerationRef): Promise<Settlement> {
  const standing = await ledger('read how the hold was settled').placeHold(generation);
  if (standing.outcome !== 'settled') throw new Error(`a settled generation is ${standing.outcome}`);
  return standing.settlement;
}

function outcomeOf({ charged, reason, errorCode }: Settlement): Pick<GenerationResult, 'outcome' | 'errorCode'> {
  if (charged) return { outcome: 'captured', errorCode: null };
  return { outcome: reason === 'expired' ? 'expired' : 'released', errorCode };
}

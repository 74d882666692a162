import { allHandlersFinished, CancellationScope, condition, setHandler } from '@temporalio/workflow';
import type { GenerationRef, HeldPlacement, HoldPlacement, Settlement, TerminalLook } from '../contracts/activities.ts';
import type { ReleaseReason } from '../contracts/states.ts';
import type { GenerationResult } from '../contracts/temporal.ts';
import { CANCEL_REQUESTED, PLACED_UPDATE } from '../contracts/temporal.ts';
import { ledger } from './activities.ts';
import { Cancel } from './cancel.ts';
import type { Deadline } from './deadline.ts';
import { deadlineIn } from './deadline.ts';
import { describe, markEnded } from './describe.ts';
import { capture, expire, release, settleByLook } from './settle.ts';

/** How work that is paid for ended: by it the guard settles the hold. Each needs its proof in the ledger. */
export type Ended =
  | { readonly settle: 'capture' }
  | { readonly settle: 'release'; readonly reason: Exclude<ReleaseReason, 'expired'> }
  /** Another hand settled meanwhile. */
  | { readonly settle: 'nothing' }
  | KeptHold;

/** The work goes on after the handler has returned: the hold is kept until its last word, or until its time is over. */
export interface KeptHold {
  readonly settle: 'later';
  /** Resolves with the last word; undefined when the hold's time is over without one. */
  readonly until: () => Promise<TerminalLook | undefined>;
  /** One last look, when its time is over. */
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

/** For work that outlives its handler: nothing is settled on its return, only on its last word, or at the hold's end. */
export function keepHold(kept: Omit<KeptHold, 'settle'>): Ended {
  return { settle: 'later', ...kept };
}

/** How it ended where the provider made nothing, or another hand came first: the same of whatever is made. */
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

/** At the hold's end without anything to look at: the ledger decides by what is on record. */
export const noLook = () => Promise.resolve(undefined);

/**
 * Hold → work → settle, in the one place where it is written: whatever is paid for stands on it. The hold is placed first
 * (`placed`, by which the API hears of it, answers then); the work says how it ended; the guard settles, and tries until it
 * has. An error of the work settles nothing: the hold stays until the workflow goes on. Nothing in here is ended by Temporal's
 * cancel (MR-25): the work may ask `cancel`. `after` is what follows a settlement, on whose outcome no credit
 * depends.
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

/** Another hand settled while this run was away; placeHold answers with the generation as it stands. */
async function readSettlement(generation: GenerationRef): Promise<Settlement> {
  const standing = await ledger('read how it was settled').placeHold(generation);
  if (standing.outcome !== 'settled') throw new Error(`a settled generation is ${standing.outcome}`);
  return standing.settlement;
}

function outcomeOf({ charged, reason, errorCode }: Settlement): Pick<GenerationResult, 'outcome' | 'errorCode'> {
  if (charged) return { outcome: 'captured', errorCode: null };
  return { outcome: reason === 'expired' ? 'expired' : 'released', errorCode };
}

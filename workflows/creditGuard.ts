import { allHandlersFinished, CancellationScope, condition, setHandler } from '@temporalio/workflow';
import type {
  GenerationRef,
  HeldPlacement,
  HoldPlacement,
  Settlement,
  TerminalLook,
  WithWebhooks,
} from '../contracts/activities.ts';
import type { ReleaseReason } from '../contracts/states.ts';
import type { GenerationResult } from '../contracts/temporal.ts';
import { CANCEL_REQUESTED, PLACED_UPDATE } from '../contracts/temporal.ts';
import type { DeliverWebhookInput } from '../contracts/webhooks.ts';
import { ledger } from './activities.ts';
import { Cancel } from './cancel.ts';
import type { Deadline } from './deadline.ts';
import { deadlineIn } from './deadline.ts';
import { describe } from './describe.ts';
import type { Settled } from './settle.ts';
import { capture, expire, release, settleByLook } from './settle.ts';

/** How the paid work ended, which tells the guard how to settle the hold. The ledger demands proof for each. */
export type Ended =
  /** By what a look saw, which is recorded. */
  | { readonly settle: 'by look'; readonly look: TerminalLook }
  | { readonly settle: 'capture' }
  | { readonly settle: 'release'; readonly reason: Exclude<ReleaseReason, 'expired'> }
  /** At the hold's end, by what is known then. */
  | { readonly settle: 'at its end' }
  /** Something else, such as the reconciler, settled the hold meanwhile. */
  | { readonly settle: 'nothing' };

export interface Guarded {
  readonly generation: GenerationRef;
  readonly hold: HeldPlacement;
  readonly deadline: Deadline;
  readonly cancel: Cancel;
}

export const captured = (): Ended => ({ settle: 'capture' });
export const released = (reason: Exclude<ReleaseReason, 'expired'>): Ended => ({ settle: 'release', reason });
export const byLook = (look: TerminalLook): Ended => ({ settle: 'by look', look });

/** For work whose end is not known: the return of its function settles nothing, and the hold stays until its end (MR-19). */
export const keepHold = (): Ended => ({ settle: 'at its end' });

/** The endings without a video or a text: nothing was made, it can't be known, or the hold was settled elsewhere. */
export function withoutWork(outcome: 'refused' | 'cancelled' | 'spent' | 'too_late' | 'settled' | 'unknown'): Ended {
  switch (outcome) {
    case 'refused':
      return released('submission_refused');
    case 'cancelled':
      return released('cancelled');
    case 'spent':
      return released('create_failed');
    case 'too_late':
      return released('provider_unavailable');
    case 'unknown':
      return keepHold();
    case 'settled':
      return { settle: 'nothing' };
  }
}

/** The workflow's result, and the deliveries that must tell of the settlement. */
export interface Concluded {
  readonly result: GenerationResult;
  readonly webhooks: readonly DeliverWebhookInput[];
}

/**
 * Hold → work → settle, for everything that is paid for. The guard places the hold and answers the update `placed`, for which
 * the API waits. The work returns how it ended, and the guard settles, retrying until the settlement is made. An error in the
 * work settles nothing: the hold stays until the workflow continues. A cancellation in Temporal doesn't interrupt any of this
 * (MR-25); the work asks `cancel`.
 */
export async function withCreditGuard(
  generation: GenerationRef,
  work: (guarded: Guarded) => Promise<Ended>,
): Promise<Concluded> {
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
    const hold = await ledger('place the hold').placeHold(generation);
    placed.hold = hold;
    const concluded = await conclude(generation, hold, cancel, work);
    await condition(allHandlersFinished);
    return concluded;
  });
}

async function conclude(
  generation: GenerationRef,
  placement: WithWebhooks<HoldPlacement>,
  cancel: Cancel,
  work: (guarded: Guarded) => Promise<Ended>,
): Promise<Concluded> {
  const { generationId } = generation;
  switch (placement.outcome) {
    case 'refused':
      return { result: { generationId, outcome: 'refused', errorCode: placement.code }, webhooks: [] };
    case 'settled':
      return concludedBy(generation, placement);
    case 'held': {
      const deadline = deadlineIn(placement.timeLeftMs);
      const ended = await work({ generation, hold: placement, deadline, cancel });
      return concludedBy(generation, await settle(generation, ended));
    }
  }
}

function settle(generation: GenerationRef, ended: Ended): Promise<Settled> {
  switch (ended.settle) {
    case 'by look':
      return settleByLook(generation, ended.look);
    case 'capture':
      return capture(generation);
    case 'release':
      return release(generation, ended.reason);
    case 'at its end':
      return expire(generation);
    case 'nothing':
      return readSettlement(generation);
  }
}

/** The hold was settled elsewhere meanwhile; placeHold returns that settlement. */
async function readSettlement(generation: GenerationRef): Promise<Settled> {
  const standing = await ledger('read how the hold was settled').placeHold(generation);
  if (standing.outcome !== 'settled') throw new Error(`a settled generation is ${standing.outcome}`);
  return standing;
}

function concludedBy({ generationId }: GenerationRef, { settlement, webhooks }: Settled): Concluded {
  return { result: { generationId, ...outcomeOf(settlement) }, webhooks };
}

function outcomeOf({ charged, reason, errorCode }: Settlement): Pick<GenerationResult, 'outcome' | 'errorCode'> {
  if (charged) return { outcome: 'captured', errorCode: null };
  return { outcome: reason === 'expired' ? 'expired' : 'released', errorCode };
}

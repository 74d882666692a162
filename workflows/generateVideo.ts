import { allHandlersFinished, condition, setHandler, sleep } from '@temporalio/workflow';
import type { HeldPlacement, HoldPlacement, Settlement } from '../contracts/activities.ts';
import type { GenerateVideoInput, GenerateVideoResult } from '../contracts/temporal.ts';
import { PLACED_UPDATE, PROVIDER_EVENT } from '../contracts/temporal.ts';
import { ledger } from './activities.ts';
import { create } from './create.ts';
import { deadlineIn } from './deadline.ts';
import { describe, describeHold, markEnded, markHeld } from './describe.ts';
import { typicalDurationMs } from './pollPlan.ts';
import { release, settleByLook } from './settle.ts';
import type { Nudge } from './watch.ts';
import { lastLook, watch } from './watch.ts';

/**
 * One paid generation: hold → create → wait → capture or release. Credits move on the provider's last word, on a proof
 * that nothing was made, or an hour after the hold; never on an error in between (RULES).
 */
export async function generateVideo({ generationId }: GenerateVideoInput): Promise<GenerateVideoResult> {
  const placed: { hold?: HoldPlacement } = {};
  const nudge: Nudge = { pending: false };
  setHandler(PROVIDER_EVENT, () => {
    nudge.pending = true;
  });
  setHandler(PLACED_UPDATE, async () => {
    await condition(() => placed.hold !== undefined);
    return placed.hold as HoldPlacement;
  });

  describe('Placing the hold.');
  placed.hold = await ledger('place the hold').placeHold({ generationId });
  const result = await conclude(generationId, placed.hold, nudge);
  markEnded(result);
  describe(result.errorCode === null ? 'The video was charged.' : `Ended: ${result.outcome}, ${result.errorCode}.`);
  await condition(allHandlersFinished);
  return result;
}

async function conclude(generationId: string, placement: HoldPlacement, nudge: Nudge): Promise<GenerateVideoResult> {
  switch (placement.outcome) {
    case 'refused':
      return { generationId, outcome: 'refused', errorCode: placement.code };
    case 'settled':
      return { generationId, ...outcomeOf(placement.settlement) };
    case 'held':
      return { generationId, ...outcomeOf(await workOff(generationId, placement, nudge)) };
  }
}

/** From the hold to its settlement: the one that stands, whoever made it. */
async function workOff(generationId: string, hold: HeldPlacement, nudge: Nudge): Promise<Settlement> {
  const deadline = deadlineIn(hold.timeLeftMs);
  const holdInWords = describeHold(hold, deadline.atMs);
  const expectedMs = hold.expectedDurationMs ?? typicalDurationMs(hold.model, hold.seconds);
  const heldAtMs = deadline.atMs - hold.holdTtlMs;

  const created =
    hold.providerVideoId === null
      ? { ...(await create(generationId, hold, expectedMs, deadline)), createdAtMs: Date.now() }
      : {
          outcome: 'created' as const,
          providerVideoId: hold.providerVideoId,
          providerEventsExpected: false,
          createdAtMs: heldAtMs,
        };
  switch (created.outcome) {
    case 'refused':
      return release(generationId, 'create_refused');
    case 'settled':
      return readSettlement(generationId);
    case 'too_late':
      return release(generationId, 'provider_unavailable');
    case 'unknown':
      describe(`${holdInWords} The create may or may not have arrived: no second one is made.`);
      await sleep(Math.max(1, deadline.leftMs()), {
        summary: 'the create may have arrived; the hold waits for its hour',
      });
      return release(generationId, 'expired');
    case 'created': {
      const { providerVideoId, providerEventsExpected, createdAtMs } = created;
      markHeld(providerVideoId);
      const plan = { expectedMs, providerEventsExpected };
      const watched = { generationId, providerVideoId, plan, createdAtMs, deadline, nudge, hold: holdInWords };
      const look = (await watch(watched)) ?? (await lastLook(watched));
      return look === undefined ? release(generationId, 'expired') : settleByLook(generationId, look);
    }
  }
}

/** Another hand settled while this run was away; placeHold answers with the generation as it stands. */
async function readSettlement(generationId: string): Promise<Settlement> {
  const standing = await ledger('read how it was settled').placeHold({ generationId });
  if (standing.outcome !== 'settled') throw new Error(`a settled generation is ${standing.outcome}`);
  return standing.settlement;
}

function outcomeOf({ charged, reason, errorCode }: Settlement): Pick<GenerateVideoResult, 'outcome' | 'errorCode'> {
  if (charged) return { outcome: 'captured', errorCode: null };
  return { outcome: reason === 'expired' ? 'expired' : 'released', errorCode };
}

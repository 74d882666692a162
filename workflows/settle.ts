import { ActivityFailure, ApplicationFailure, sleep } from '@temporalio/workflow';
import type { GenerationRef, Settlement, SettleResult, TerminalLook } from '../contracts/activities.ts';
import { SETTLEMENT_REFUSED } from '../contracts/activities.ts';
import type { ReleaseReason } from '../contracts/states.ts';
import { ledger } from './activities.ts';
import { describe } from './describe.ts';
import { faultInWords, whoseFault } from './whoseFault.ts';

/** Captures on `completed`, releases on `failed`: the provider's last word, retrieved and recorded by us. */
export async function settleByLook(generation: GenerationRef, look: TerminalLook): Promise<Settlement> {
  return look.verdict === 'failed' ? release(generation, 'provider_failed') : capture(generation);
}

/** Charges what was completed: its proof is on record. */
export async function capture(generation: GenerationRef): Promise<Settlement> {
  describe('The provider has completed it; capturing the hold.');
  const captured = await untilSettled(generation, 'completed', () =>
    ledger('capture the hold: the provider says completed').captureHold(generation),
  );
  return expectSettlement(captured);
}

/** Gives the credits back, for a reason that the ledger has proof of. */
export async function release(
  generation: GenerationRef,
  reason: Exclude<ReleaseReason, 'expired'>,
): Promise<Settlement> {
  describe(`Releasing the hold: ${reason}.`);
  return expectSettlement(await releaseOnce(generation, reason));
}

/**
 * At the end of the hold's time: one last look, which settles it if it brings the provider's last word. The credits go back
 * only after the provider was asked and gave none, or where there is nothing to ask: trouble of ours is waited for without
 * end, with an alert. If the database's clock says that time is left, that is waited for, and looked again.
 */
export async function expire(
  generation: GenerationRef,
  lastLook: () => Promise<TerminalLook | undefined>,
): Promise<Settlement> {
  for (let waits = 0; ; waits += 1) {
    // The database must be there, or the last look could not be recorded; and another hand may have settled meanwhile.
    const standing = await ledger("how does the hold stand, at its time's end?").placeHold(generation);
    if (standing.outcome === 'settled') return standing.settlement;
    const asked = await ask(lastLook);
    if ('fault' in asked) {
      await waitForUs(generation, asked.fault, waits);
      continue;
    }
    if (asked.look !== undefined) return settleByLook(generation, asked.look);
    describe("Releasing the hold: its time is over without the provider's last word.");
    const released = await releaseOnce(generation, 'expired');
    if (released.result === 'terminal') return settleByLook(generation, released.look);
    if (released.result !== 'not_due') return released.settlement;
    await sleep(Math.max(1000, released.timeLeftMs), { summary: "the hold's time is not over yet" });
  }
}

async function ask(
  lastLook: () => Promise<TerminalLook | undefined>,
): Promise<{ look: TerminalLook | undefined } | { fault: string }> {
  try {
    return { look: await lastLook() };
  } catch (error) {
    return whoseFault(error) === 'provider' ? { look: undefined } : { fault: faultInWords(error) };
  }
}

const FIRST_WAIT_FOR_US_MS = 10_000;
/** The reconciler tries every few minutes meanwhile, so a long wait holds nothing up and keeps the history short. */
const LONGEST_WAIT_FOR_US_MS = 3_600_000;

async function waitForUs({ generationId }: GenerationRef, fault: string, waits: number): Promise<void> {
  describe(
    `ALERT: the hold's time is over, and the last look failed by a fault of ours: ${fault}. The credits stay reserved until it is mended; only release_expired_holds ends this otherwise.`,
  );
  await ledger('alert: a hold is past its end by a fault of ours').alertOverdue({ holds: 1, generationId, why: fault });
  const waitMs = Math.min(LONGEST_WAIT_FOR_US_MS, FIRST_WAIT_FOR_US_MS * 2 ** waits);
  await sleep(waitMs, { summary: `a fault of ours: ${fault}` });
}

function releaseOnce(generation: GenerationRef, reason: ReleaseReason): Promise<SettleResult> {
  return untilSettled(generation, reason, () =>
    ledger(`release the hold: ${reason}`).releaseHold({ ...generation, reason }),
  );
}

/** A settlement that the ledger refuses for this long gives the credits back by an emergency release (MR-21). */
const REFUSED_FOR_MS = 10 * 60_000;
const REFUSED_RETRY_MS = 30_000;
const LONGEST_EMERGENCY_RETRY_MS = 3_600_000;

/** Tries until the settlement is made, by emergency when it is refused by a rule. It never gives up. */
async function untilSettled(
  generation: GenerationRef,
  reason: string,
  settle: () => Promise<SettleResult>,
): Promise<SettleResult> {
  let refusedSinceMs: number | undefined;
  for (let emergencies = 0; ;) {
    const emergency = refusedSinceMs !== undefined && Date.now() - refusedSinceMs >= REFUSED_FOR_MS;
    try {
      return await (emergency ? ledger('emergency release').emergencyRelease(generation) : settle());
    } catch (error) {
      if (!isRefusal(error)) throw error;
    }
    refusedSinceMs ??= Date.now();
    emergencies += emergency ? 1 : 0;
    describe(
      emergency
        ? `ALERT: the ledger refuses to settle as ${reason}, and the emergency release too. The credits stay reserved; an operator has to look.`
        : `The ledger refuses to settle as ${reason}. An emergency release follows ten minutes after the first refusal.`,
    );
    const retryMs = emergency ? Math.min(LONGEST_EMERGENCY_RETRY_MS, 60_000 * 2 ** emergencies) : REFUSED_RETRY_MS;
    await sleep(retryMs, { summary: `the ledger refuses to settle as ${reason}` });
  }
}

/** Whether a rule or a constraint of the ledger refuses: asking again soon brings the same. */
export function isRefusal(error: unknown): boolean {
  return (
    error instanceof ActivityFailure &&
    error.cause instanceof ApplicationFailure &&
    error.cause.type === SETTLEMENT_REFUSED
  );
}

function expectSettlement(settled: SettleResult): Settlement {
  // Only a release as expired is answered otherwise; anything else that is would be a broken ledger, and fails the task.
  if (settled.result === 'settled' || settled.result === 'conflict') return settled.settlement;
  throw new Error(`a settlement came to ${settled.result}`);
}

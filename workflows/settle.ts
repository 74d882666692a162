import { sleep } from '@temporalio/workflow';
import type { GenerationRef, Settlement, SettleResult, TerminalLook, WithWebhooks } from '../contracts/activities.ts';
import type { ReleaseReason } from '../contracts/states.ts';
import type { DeliverWebhookInput } from '../contracts/webhooks.ts';
import { ledger } from './activities.ts';
import { describe } from './describe.ts';
import type { Known } from './lastLook.ts';
import { lookAtLast } from './lastLook.ts';
import { faultInWords, isRefusal, whoseFault } from './whoseFault.ts';

/** A settlement, and the deliveries that must tell of it. */
export interface Settled {
  readonly settlement: Settlement;
  readonly webhooks: readonly DeliverWebhookInput[];
}

type SettleAnswer = WithWebhooks<SettleResult>;

/** The reason for which what is on record settles a hold (MR-1). */
export const REASONS = { completed: 'completed', failed: 'provider_failed', ended: 'cancelled' } as const;

/** Captures on `completed`, releases on anything else. The look was retrieved by us and is recorded. */
export async function settleByLook(generation: GenerationRef, { verdict }: TerminalLook): Promise<Settled> {
  return verdict === 'completed' ? capture(generation) : release(generation, REASONS[verdict]);
}

/** Charges a completed generation; the ledger has the proof. */
export async function capture(generation: GenerationRef): Promise<Settled> {
  describe('The provider has completed the generation. Capturing the hold.');
  const captured = await untilSettled(generation, 'completed', () =>
    ledger('capture the hold: the provider says completed').captureHold(generation),
  );
  return expectSettlement(captured);
}

/** Returns the credits; the ledger demands proof of the reason. */
export async function release(generation: GenerationRef, reason: Exclude<ReleaseReason, 'expired'>): Promise<Settled> {
  describe(`Releasing the hold: ${reason}.`);
  return expectSettlement(await releaseOnce(generation, reason));
}

/**
 * Ends a hold whose time is over (MR-19): a last look settles it if its verdict is terminal. Otherwise the credits are
 * returned, but only if the provider was asked or there is nothing to ask: a fault of ours raises an alert and is waited for
 * without limit (MR-5). If the database's clock says that time is left, this waits and looks again.
 */
export async function expire(generation: GenerationRef): Promise<Settled> {
  for (let waits = 0; ; waits += 1) {
    // Without the database the last look could not be recorded; and the hold may have been settled elsewhere meanwhile.
    const standing = await ledger('read the hold: its time is over').placeHold(generation);
    if (standing.outcome === 'settled') return standing;
    if (standing.outcome === 'refused') throw new Error('a hold that was placed is refused');
    const asked = await ask(generation, standing);
    if ('fault' in asked) {
      await waitForUs(generation, asked.fault, waits);
      continue;
    }
    if (asked.look !== undefined) return settleByLook(generation, asked.look);
    describe('Releasing the hold: its time is over, and the provider has given no terminal verdict.');
    const released = await releaseOnce(generation, 'expired');
    if (released.result === 'terminal') return settleByLook(generation, released.look);
    if (released.result !== 'not_due') return released;
    await sleep(Math.max(1000, released.timeLeftMs), { summary: "the hold's time is not over yet" });
  }
}

async function ask(
  generation: GenerationRef,
  known: Known,
): Promise<{ look: TerminalLook | undefined } | { fault: string }> {
  try {
    return { look: await lookAtLast(generation, known) };
  } catch (error) {
    return whoseFault(error) === 'provider' ? { look: undefined } : { fault: faultInWords(error) };
  }
}

const FIRST_WAIT_FOR_US_MS = 10_000;
/** The reconciler tries every few minutes meanwhile, so a long wait delays nothing and keeps the history short. */
const LONGEST_WAIT_FOR_US_MS = 3_600_000;

async function waitForUs({ generationId }: GenerationRef, fault: string, waits: number): Promise<void> {
  describe(
    `ALERT: the hold's time is over, and the last look failed by a fault of ours: ${fault}. The credits stay reserved until the fault is mended or an operator runs release_expired_holds.`,
  );
  await ledger('alert: a fault of ours keeps a hold past its end').alertOverdue({ holds: 1, generationId, why: fault });
  const waitMs = Math.min(LONGEST_WAIT_FOR_US_MS, FIRST_WAIT_FOR_US_MS * 2 ** waits);
  await sleep(waitMs, { summary: `a fault of ours: ${fault}` });
}

function releaseOnce(generation: GenerationRef, reason: ReleaseReason): Promise<SettleAnswer> {
  return untilSettled(generation, reason, () =>
    ledger(`release the hold: ${reason}`).releaseHold({ ...generation, reason }),
  );
}

/** When the ledger has refused a settlement for this long, an emergency release returns the credits (MR-21). */
const REFUSED_FOR_MS = 10 * 60_000;
const REFUSED_RETRY_MS = 30_000;
const LONGEST_EMERGENCY_RETRY_MS = 3_600_000;

/** Retries until the hold is settled, by an emergency release if the ledger keeps refusing. It never gives up. */
async function untilSettled(
  generation: GenerationRef,
  reason: string,
  settle: () => Promise<SettleAnswer>,
): Promise<SettleAnswer> {
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
        ? `ALERT: the ledger refuses to settle as ${reason} and refuses the emergency release too. The credits stay reserved; an operator must act.`
        : `The ledger refuses to settle as ${reason}. An emergency release follows ten minutes after the first refusal.`,
    );
    const retryMs = emergency ? Math.min(LONGEST_EMERGENCY_RETRY_MS, 60_000 * 2 ** emergencies) : REFUSED_RETRY_MS;
    await sleep(retryMs, { summary: `the ledger refuses to settle as ${reason}` });
  }
}

function expectSettlement(settled: SettleAnswer): Settled {
  // Only a release as `expired` may return anything else. From any other call it is a bug in the ledger: fail the task.
  if (settled.result === 'settled' || settled.result === 'conflict') return settled;
  throw new Error(`the settlement returned ${settled.result}`);
}

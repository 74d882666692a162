import { ActivityFailure } from '@temporalio/workflow';
import type { GenerationRef, TextOutcome } from '../contracts/activities.ts';
import type { GenerationInput, GenerationResult } from '../contracts/temporal.ts';
import { writer } from './activities.ts';
import type { Ended, Guarded } from './creditGuard.ts';
import { captured, keepHold, noLook, released, withCreditGuard, withoutWork } from './creditGuard.ts';
import { describe, describeHold } from './describe.ts';

/**
 * One paid text: hold of the most that it can cost → write → capture what was billed or delivered, release when nothing was
 * (MR-60, MR-61). Whether its client still listens makes no difference.
 */
export async function generateText(generation: GenerationInput): Promise<GenerationResult> {
  return withCreditGuard(generation, write, async ({ outcome, errorCode }) =>
    outcome === 'captured' ? 'The text was charged.' : `Ended: ${outcome}, ${errorCode}.`,
  );
}

/** Somebody waits for the answer: a provider that takes nothing for this long is given up. */
const GIVEN_UP_AFTER_MS = 60_000;
const FIRST_RETRY_MS = 1000;
const LONGEST_RETRY_MS = 15_000;
/** Less than this left of the hold, and nothing is asked any more. */
const LEAST_TIME_MS = 15_000;

async function write({ generation, hold, deadline, cancel }: Guarded): Promise<Ended> {
  const leastTimeLeftMs = Math.min(LEAST_TIME_MS, hold.holdTtlMs / 2);
  const giveUpAtMs = Date.now() + GIVEN_UP_AFTER_MS;
  for (let retryMs = FIRST_RETRY_MS; ; retryMs = Math.min(LONGEST_RETRY_MS, retryMs * 2)) {
    // writeText answers by what is on record, so a wish must be there first.
    await cancel.recorded();
    describe(`${describeHold(hold, deadline.atMs)} The provider is writing.`);
    const written = await writeOnce(generation, leastTimeLeftMs, deadline.leftMs());
    switch (written.outcome) {
      case 'ended':
        return captured();
      case 'refused':
      case 'cancelled':
      case 'spent':
      case 'too_late':
      case 'settled':
        return withoutWork(written.outcome);
      case 'unknown':
        return keepHold({ until: noLook, lastLook: noLook });
      case 'not_made': {
        const delayMs = Math.max(retryMs, written.retryAfterMs ?? 0);
        if (Date.now() + delayMs > giveUpAtMs) return released('provider_unavailable');
        await cancel.sleepUnlessRequested(delayMs, `before the next try to write: ${written.why}`);
      }
    }
  }
}

/** `unknown`: no answer of the activity until the hold's time was over; the ledger knows what was delivered. */
async function writeOnce(
  generation: GenerationRef,
  leastTimeLeftMs: number,
  timeLeftMs: number,
): Promise<TextOutcome | { readonly outcome: 'unknown' }> {
  try {
    return await writer('write the text at the provider', timeLeftMs).writeText({ ...generation, leastTimeLeftMs });
  } catch (error) {
    if (error instanceof ActivityFailure) return { outcome: 'unknown' };
    throw error;
  }
}

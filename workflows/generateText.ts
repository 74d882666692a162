import { ActivityFailure } from '@temporalio/workflow';
import type { GenerationRef, TextOutcome } from '../contracts/activities.ts';
import type { GenerationInput, GenerationResult } from '../contracts/temporal.ts';
import { writer } from './activities.ts';
import type { Ended, Guarded } from './creditGuard.ts';
import { captured, released, withCreditGuard, withoutWork } from './creditGuard.ts';
import { describe, describeHold, markEnded } from './describe.ts';

/**
 * One paid text: hold the most that it can cost, write it, capture what was billed or delivered; release if nothing was
 * delivered (MR-60, MR-61). It makes no difference whether the client still listens.
 */
export async function generateText(generation: GenerationInput): Promise<GenerationResult> {
  const { result } = await withCreditGuard(generation, write);
  markEnded(result, null);
  describe(result.outcome === 'captured' ? 'The text was charged.' : `Ended: ${result.outcome}, ${result.errorCode}.`);
  return result;
}

/** A client waits for the answer, so the text is given up when the provider has accepted nothing for this long. */
const GIVEN_UP_AFTER_MS = 60_000;
const FIRST_RETRY_MS = 1000;
const LONGEST_RETRY_MS = 15_000;
/** With less of the hold's time left than this, no attempt begins. */
const LEAST_TIME_MS = 15_000;

async function write({ generation, hold, deadline, cancel }: Guarded): Promise<Ended> {
  const leastTimeLeftMs = Math.min(LEAST_TIME_MS, hold.holdTtlMs / 2);
  const giveUpAtMs = Date.now() + GIVEN_UP_AFTER_MS;
  for (let retryMs = FIRST_RETRY_MS; ; retryMs = Math.min(LONGEST_RETRY_MS, retryMs * 2)) {
    // writeText decides by what is recorded, so the operator's cancel must be recorded first.
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
      case 'unknown':
        return withoutWork(written.outcome);
      case 'not_made': {
        const delayMs = Math.max(retryMs, written.retryAfterMs ?? 0);
        if (Date.now() + delayMs > giveUpAtMs) return released('provider_unavailable');
        await cancel.sleepUnlessRequested(delayMs, `before the next attempt: ${written.why}`);
      }
    }
  }
}

/** `unknown`: the activity did not return before the hold's end; the ledger knows what was delivered. */
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

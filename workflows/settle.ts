import { sleep } from '@temporalio/workflow';
import type { ReleaseReason, Settlement, TerminalLook } from '../contracts/activities.ts';
import { ledger } from './activities.ts';
import { describe } from './describe.ts';

/** Captures on `completed`, releases on `failed`: the provider's last word, retrieved and recorded by us. */
export async function settleByLook(generationId: string, look: TerminalLook): Promise<Settlement> {
  if (look.verdict === 'failed') return release(generationId, 'provider_failed');
  describe('The provider has completed the video; capturing the hold.');
  const captured = await ledger('capture the hold: the provider says completed').captureHold({ generationId });
  return expectSettlement(captured);
}

/** Gives the credits back. As `expired` it waits for the database's clock, and a last word on record goes first. */
export async function release(generationId: string, reason: ReleaseReason): Promise<Settlement> {
  describe(`Releasing the hold: ${reason}.`);
  for (;;) {
    const released = await ledger(`release the hold: ${reason}`).releaseHold({ generationId, reason });
    if (released.result === 'terminal') return settleByLook(generationId, released.look);
    if (released.result !== 'not_due') return released.settlement;
    await sleep(Math.max(1000, released.timeLeftMs), { summary: "the hold's time is not over yet" });
  }
}

function expectSettlement(settled: Awaited<ReturnType<ReturnType<typeof ledger>['captureHold']>>): Settlement {
  // Only a release as expired is answered otherwise; a capture that is would be a broken ledger, and fails the task.
  if (settled.result === 'settled' || settled.result === 'conflict') return settled.settlement;
  throw new Error(`a capture came to ${settled.result}`);
}

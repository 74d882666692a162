import { CancellationScope } from '@temporalio/workflow';
import type { GenerationInput, GenerationResult } from '../contracts/temporal.ts';
import { typicalDurationMs } from '../contracts/pollPlan.ts';
import { archive } from './archive.ts';
import { announce } from './announce.ts';
import { payForLateVideo } from './claim.ts';
import { byLook, keepHold, withCreditGuard, withoutWork } from './creditGuard.ts';
import { describe, describeHold, markEnded } from './describe.ts';
import { Nudge } from './nudge.ts';
import { submit } from './submit.ts';
import { watch } from './watch.ts';

/**
 * One paid video: hold → submit → watch → capture or release → tell and archive. Credits move on the provider's terminal verdict,
 * on proof that nothing was made, or at the hold's end; never on an error in between (MR-2, MR-3).
 */
export async function generateVideo(generation: GenerationInput): Promise<GenerationResult> {
  const nudge = Nudge.listen();
  let providerVideoId: string | null = null;

  const { result, webhooks } = await withCreditGuard(generation, async ({ hold, deadline, cancel }) => {
    providerVideoId = hold.providerVideoId;
    if (hold.isClaim && providerVideoId !== null) return payForLateVideo(generation, providerVideoId, deadline);

    // At most half of the hold's time, so that in its second half the poll plan treats the video as overdue.
    const typicalMs = hold.expectedDurationMs ?? typicalDurationMs(hold.model, hold.seconds ?? 0);
    const expectedMs = Math.min(typicalMs, hold.holdTtlMs / 2);

    const submitted = await submit({ generation, hold, expectedMs, deadline, cancel });
    if (submitted.outcome !== 'created') return withoutWork(submitted.outcome);
    const { toldBy, createdAtMs } = submitted;
    providerVideoId = submitted.providerVideoId;

    const look = await watch({
      ...{ generation, providerVideoId, createdAtMs, plan: { expectedMs, toldBy } },
      ...{ deadline, nudge, cancel, hold: describeHold(hold, deadline.atMs) },
    });
    return look === undefined ? keepHold() : byLook(look);
  });

  markEnded(result, providerVideoId);
  // An operator's cancel doesn't interrupt this either (MR-25).
  await CancellationScope.nonCancellable(async () => {
    await announce(webhooks);
    if (result.outcome === 'captured') await archive(generation);
    else describe(`Ended: ${result.outcome}, ${result.errorCode}.`);
  });
  return result;
}

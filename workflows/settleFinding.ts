import type { GenerationRef, SettleResult, TerminalLook } from '../contracts/activities.ts';
import type { ReleaseReason } from '../contracts/states.ts';
import type { Finding } from '../contracts/reconcile.ts';
import { reconciler } from './activities.ts';
import type { Effort } from './copy.ts';
import { lookAtLast } from './lastLook.ts';
import { REASONS } from './settle.ts';
import { isRefusal, whoseFault } from './whoseFault.ts';

/**
 * Settles a hold that is past its end and that its workflow did not settle: looks once more, settles by a terminal verdict,
 * else releases. It calls the same activities as the workflow but retries each only briefly, because the reconciler's next
 * run comes soon. Returns the outcome in a word. Raises `ActivityFailure` when a fault of ours keeps it from being done; the
 * hold then waits, without limit, for a run that can (MR-5).
 */
export async function settleFinding(finding: Finding): Promise<string> {
  const { generationId, accountId } = finding;
  const generation: GenerationRef = { generationId, accountId };
  const look = await lookOnce(finding);
  const settled = await settle(generation, look === undefined ? 'expired' : REASONS[look.verdict]);
  // What settles it is recorded already: a terminal verdict, an archived claim, the end of cancelled work.
  if (settled?.result === 'terminal') return wordOf(await settle(generation, REASONS[settled.look.verdict]));
  return wordOf(settled);
}

/** Fewer and shorter tries than the workflow's: the next run comes soon. */
const EFFORT: Effort = { tries: 3, tryMs: 2 * 60_000 };

/** Undefined when the verdict is not terminal. Raises a fault of ours; then this run settles nothing. */
async function lookOnce({
  generationId,
  accountId,
  providerVideoId,
  isClaim,
}: Finding): Promise<TerminalLook | undefined> {
  try {
    const known = { providerVideoId, isClaim, attemptMayHaveArrived: true };
    return await lookAtLast({ generationId, accountId }, known, EFFORT);
  } catch (error) {
    if (whoseFault(error) === 'ours') throw error;
    return undefined;
  }
}

/** Undefined when the ledger refuses the settlement and the emergency release. */
async function settle(
  generation: GenerationRef,
  reason: ReleaseReason | 'completed',
): Promise<SettleResult | undefined> {
  const settling = reconciler(`settle a hold that its workflow did not: ${reason}`);
  try {
    return await (reason === 'completed'
      ? settling.captureHold(generation)
      : settling.releaseHold({ ...generation, reason }));
  } catch (error) {
    if (!isRefusal(error)) throw error;
  }
  try {
    // The ledger knows when it refused first, and allows this ten minutes later.
    return await reconciler('emergency release').emergencyRelease(generation);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return undefined;
  }
}

function wordOf(settled: SettleResult | undefined): string {
  if (settled === undefined) return 'refused';
  if (settled.result === 'not_due' || settled.result === 'terminal') return settled.result;
  const { charged, reason } = settled.settlement;
  return charged ? 'captured' : `released: ${reason}`;
}

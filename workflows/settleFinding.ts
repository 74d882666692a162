import type { GenerationRef, SettleResult, TerminalLook } from '../contracts/activities.ts';
import type { ReleaseReason } from '../contracts/states.ts';
import { isVideoId } from '../contracts/ids.ts';
import type { Finding } from '../contracts/reconcile.ts';
import { reconciler } from './activities.ts';
import { copyAtLast } from './claim.ts';
import { isRefusal } from './settle.ts';
import { lastFind, lastLook } from './watch.ts';
import { whoseFault } from './whoseFault.ts';

/**
 * Settles a hold past its hour that its workflow did not: one last look, by which it is settled if it brings the provider's
 * last word; else it is released. By the same activities as the workflow's, but each is tried for a short time only: the
 * next run of the reconciler comes soon. Answers with what it came to, in a word; raises `ActivityFailure` when it can't be
 * done now, be it for a minute or for weeks: trouble of ours is waited for without end.
 */
export async function settleFinding(finding: Finding): Promise<string> {
  const { generationId, accountId } = finding;
  const generation: GenerationRef = { generationId, accountId };
  const look = await lookOnce(finding);
  const settled = await settle(generation, look === undefined ? 'expired' : reasonOf(look));
  // The last word is on record; of a claim: what it pays for is in our storage.
  if (settled?.result === 'terminal') return wordOf(await settle(generation, reasonOf(settled.look)));
  return wordOf(settled);
}

/** Fewer tries than the workflow makes, and shorter ones: the next run comes soon. */
const TRIES = 3;
const COPY = { tries: 2, tryMs: 2 * 60_000 };

/** Undefined when it brings no last word. Raises trouble of ours: then nothing is settled in this run. */
async function lookOnce({
  generationId,
  accountId,
  providerVideoId,
  isClaim,
}: Finding): Promise<TerminalLook | undefined> {
  // Of a text the ledger knows what was delivered; there is nothing to look at.
  if (!isVideoId(generationId)) return undefined;
  try {
    if (isClaim) return await copyAtLast({ generationId, accountId }, COPY);
    if (providerVideoId === null) return await lastFind(generationId, TRIES);
    return await lastLook({ generationId, providerVideoId }, TRIES);
  } catch (error) {
    if (whoseFault(error) === 'ours') throw error;
    return undefined;
  }
}

function reasonOf({ verdict }: TerminalLook): 'completed' | 'provider_failed' {
  return verdict === 'completed' ? 'completed' : 'provider_failed';
}

/** Undefined when the ledger refuses, the emergency release too. */
async function settle(
  generation: GenerationRef,
  reason: ReleaseReason | 'completed',
): Promise<SettleResult | undefined> {
  const settling = reconciler(`settle what its workflow did not: ${reason}`);
  try {
    return await (reason === 'completed'
      ? settling.captureHold(generation)
      : settling.releaseHold({ ...generation, reason }));
  } catch (error) {
    if (!isRefusal(error)) throw error;
  }
  try {
    // Refused for ten minutes by now? The ledger knows since when.
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

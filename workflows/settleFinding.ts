import type { Booking, ReleaseReason, SettleResult } from '../contracts/activities.ts';
import type { Finding } from '../contracts/reconcile.ts';
import { ledger, provider } from './activities.ts';
import { isRefusal } from './settle.ts';
import { lastLook } from './watch.ts';

/**
 * Settles a hold past its hour that its workflow did not: one last look, by which it is settled if it brings the provider's
 * last word; else it is released. By the same activities as the workflow's, but each is tried once: the next run of the
 * reconciler comes soon. Answers with what it came to, in a word.
 */
export async function settleFinding({ generationId, accountId, providerVideoId }: Finding): Promise<string> {
  const booking: Booking = { generationId, accountId };
  const videoId = providerVideoId ?? (await lookForIt(generationId));
  const look = videoId === null ? undefined : await lastLook({ generationId, providerVideoId: videoId });
  const settled = await settle(booking, look === undefined ? 'expired' : reasonOf(look.verdict));
  if (settled !== undefined && settled.result === 'terminal') {
    return wordOf(await settle(booking, reasonOf(settled.look.verdict)));
  }
  return wordOf(settled);
}

/** An open attempt may have made a video: then it is that one's last word that settles. */
async function lookForIt(generationId: string): Promise<string | null> {
  const found = await provider('look for what the create may have made', 60_000)
    .findVideo({ generationId })
    .catch(() => undefined);
  return found?.outcome === 'adopted' ? found.providerVideoId : null;
}

function reasonOf(verdict: 'completed' | 'failed'): 'completed' | 'provider_failed' {
  return verdict === 'completed' ? 'completed' : 'provider_failed';
}

/** Undefined when the ledger refuses, the emergency release too. */
async function settle(booking: Booking, reason: ReleaseReason | 'completed'): Promise<SettleResult | undefined> {
  const settling = ledger(`settle what its workflow did not: ${reason}`);
  try {
    return await (reason === 'completed'
      ? settling.captureHold(booking)
      : settling.releaseHold({ ...booking, reason }));
  } catch (error) {
    if (!isRefusal(error)) throw error;
  }
  try {
    // Refused for ten minutes by now? The ledger knows since when.
    return await ledger('emergency release').emergencyRelease(booking);
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

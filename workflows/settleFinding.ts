import { ActivityFailure, ApplicationFailure } from '@temporalio/workflow';
import type { Booking, ReleaseReason, SettleResult, TerminalLook } from '../contracts/activities.ts';
import { PROVIDER_TRANSIENT } from '../contracts/activities.ts';
import { isVideoId } from '../contracts/ids.ts';
import type { Finding } from '../contracts/reconcile.ts';
import { lastLookAtProvider, providerOnce, reconciler } from './activities.ts';
import { isRefusal } from './settle.ts';

/**
 * Settles a hold past its hour that its workflow did not: one last look, by which it is settled if it brings the provider's
 * last word; else it is released. By the same activities as the workflow's, but each is tried for a short time only: the
 * next run of the reconciler comes soon. Answers with what it came to, in a word; raises `ActivityFailure` when it can't be
 * done now.
 */
export async function settleFinding(finding: Finding): Promise<string> {
  const { generationId, accountId } = finding;
  const booking: Booking = { generationId, accountId };
  const look = await lookOnce(finding);
  const settled = await settle(booking, look === undefined ? 'expired' : reasonOf(look));
  // The last word is on record; of a claim: what it pays for is in our storage.
  if (settled?.result === 'terminal') return wordOf(await settle(booking, reasonOf(settled.look)));
  return wordOf(settled);
}

/** Undefined when it brings no last word, and of a claim, whose video is complete: the ledger knows whether we have it. */
async function lookOnce(finding: Finding): Promise<TerminalLook | undefined> {
  const { generationId, providerVideoId, isClaim } = finding;
  // Of a text the ledger knows what was delivered; there is nothing to look at.
  if (isClaim || !isVideoId(generationId)) return undefined;
  const videoId = providerVideoId ?? (await lookForIt(finding));
  if (videoId === null) return undefined;
  const look = await lastLookAtProvider('the last look, for its workflow did not')
    .retrieveVideo({ generationId, providerVideoId: videoId })
    .catch(unlessAsked(finding));
  return look === undefined || look.verdict === 'open' ? undefined : look;
}

/** An open attempt may have made a video: then it is that one's last word that settles. */
async function lookForIt(finding: Finding): Promise<string | null> {
  const found = await providerOnce('look for what the create may have made', 'long')
    .findVideo({ generationId: finding.generationId })
    .catch(unlessAsked(finding));
  return found?.outcome === 'adopted' ? found.providerVideoId : null;
}

/** Past this, whatever is in the way, the hold is released: nobody's credits stay reserved for ever. */
const WAITED_FOR_MS = 2 * 3_600_000;

/**
 * No last word only if the provider was asked and gave none. Trouble of our own (the database, the queue) says nothing about
 * the video: then nothing is settled in this run.
 */
function unlessAsked({ overdueMs }: Finding): (error: unknown) => undefined {
  return (error) => {
    const cause = error instanceof ActivityFailure ? error.cause : undefined;
    const asked = cause instanceof ApplicationFailure && cause.type === PROVIDER_TRANSIENT;
    if (!asked && overdueMs < WAITED_FOR_MS) throw error;
  };
}

function reasonOf({ verdict }: TerminalLook): 'completed' | 'provider_failed' {
  return verdict === 'completed' ? 'completed' : 'provider_failed';
}

/** Undefined when the ledger refuses, the emergency release too. */
async function settle(booking: Booking, reason: ReleaseReason | 'completed'): Promise<SettleResult | undefined> {
  const settling = reconciler(`settle what its workflow did not: ${reason}`);
  try {
    return await (reason === 'completed'
      ? settling.captureHold(booking)
      : settling.releaseHold({ ...booking, reason }));
  } catch (error) {
    if (!isRefusal(error)) throw error;
  }
  try {
    // Refused for ten minutes by now? The ledger knows since when.
    return await reconciler('emergency release').emergencyRelease(booking);
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

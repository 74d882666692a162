import { setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import type { HeldPlacement } from '../contracts/activities.ts';
import { formatCredits } from '../contracts/money.ts';
import type { GenerationResult } from '../contracts/temporal.ts';
import { SEARCH_ATTRIBUTE } from '../contracts/temporal.ts';

/** What operators read in Temporal Web: current details and search attributes. Never a prompt, a file or a key (MR-80). */

export function describe(what: string): void {
  setCurrentDetails(what);
}

/** "0.571429 credits of acct_… are held until 2026-11-23T10:00:00.000Z." */
export function describeHold(hold: HeldPlacement, deadlineMs: number): string {
  const until = new Date(deadlineMs).toISOString();
  return `${formatCredits(hold.amountMicrocredits)} credits of ${hold.accountId} are held until ${until}.`;
}

/** Written once, at the end: before, what runs is what is held, and the details above name the video. */
export function markEnded({ outcome, errorCode }: GenerationResult, providerVideoId: string | null): void {
  upsertSearchAttributes([
    { key: SEARCH_ATTRIBUTE.outcome, value: outcome },
    ...(errorCode === null ? [] : [{ key: SEARCH_ATTRIBUTE.errorCode, value: errorCode }]),
    ...(providerVideoId === null ? [] : [{ key: SEARCH_ATTRIBUTE.providerVideo, value: providerVideoId }]),
  ]);
}

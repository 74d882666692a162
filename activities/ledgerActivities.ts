import type { LedgerActivities } from '../contracts/activities.ts';
import type { Ledger } from '../ledger/index.ts';

/** Thin: each is one idempotent call of the ledger. Every failure is retried by Temporal, without end. */
export function createLedgerActivities(deps: { ledger: Ledger; holdTtlSeconds: number }): LedgerActivities {
  const { ledger, holdTtlSeconds } = deps;
  return {
    placeHold: ({ generationId }) => ledger.placeHold(generationId, holdTtlSeconds),
    captureHold: ({ generationId }) => ledger.settleGeneration(generationId, 'completed'),
    releaseHold: ({ generationId, reason }) => ledger.settleGeneration(generationId, reason),
  };
}

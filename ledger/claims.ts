import type { Database } from '../store/database.ts';
import { row } from '../store/query.ts';
import type { Admission, AdmissionRow, AnyAdmission } from './admission.ts';
import { toAdmission } from './admission.ts';

const CLAIM = {
  name: 'claim_generation',
  text: 'SELECT * FROM claim_generation($1, $2, $3, $4, $5, $6, $7, $8, $9)',
};

export type Claim =
  /** `replay` and `pending` also when this account has claimed it already, by the generation in the answer. */
  | Admission
  | { readonly outcome: 'not_claimable'; readonly amountMicrocredits: number }
  | { readonly outcome: 'unknown' };

/**
 * Admits a new generation, at the old price, for a video that completed after its refund; holds nothing. A video is paid
 * for once (MR-53). With `dryRun` it only says what would be answered.
 */
export async function claimGeneration(
  db: Database,
  claim: AnyAdmission & { readonly claimOf: string; readonly dryRun?: boolean },
): Promise<Claim> {
  const { generationId, claimOf, accountId, apiKeyId, admitWithinMs, fingerprint, idempotencyKey } = claim;
  const claimed = await row<Omit<AdmissionRow, 'outcome'> & { outcome: Claim['outcome'] }>(db, CLAIM, [
    generationId,
    claimOf,
    accountId,
    apiKeyId,
    admitWithinMs,
    fingerprint,
    idempotencyKey,
    claim.retryWithinMs,
    claim.dryRun ?? false,
  ]);
  const { outcome, amount_microcredits: amountMicrocredits } = claimed;
  if (outcome === 'unknown') return { outcome };
  if (outcome === 'not_claimable') return { outcome, amountMicrocredits };
  return toAdmission({ ...claimed, outcome });
}

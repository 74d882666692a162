import type { Database } from '../store/database.ts';
import { row } from '../store/query.ts';
import { cases, defineStatement, t, type RowOf } from '../store/statement.ts';
import type { AnyAdmission } from './admission.ts';
import { ADMISSION_COLUMNS, ADMISSIONS } from './admissions.ts';

const CLAIM = defineStatement({
  name: 'claim_generation',
  text: `SELECT ${ADMISSION_COLUMNS} FROM claim_generation($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
  /** `replay` and `pending` also if this account has claimed the video already, by the generation in the answer. */
  row: cases('outcome', { ...ADMISSIONS, not_claimable: { amountMicrocredits: t.bigint }, unknown: {} }),
});

export type Claim = RowOf<typeof CLAIM>;

/**
 * Admits a new generation, at the old price, for a video that completed after its refund. Holds nothing. A video is claimed
 * once (MR-53). With `dryRun` it changes nothing and returns what it would answer.
 */
export async function claimGeneration(
  db: Database,
  claim: AnyAdmission & { readonly claimOf: string; readonly dryRun?: boolean },
): Promise<Claim> {
  const { generationId, claimOf, accountId, apiKeyId, admitWithinMs, fingerprint, idempotencyKey } = claim;
  return row(db, CLAIM, [
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
}

import type { Pool } from './pool.ts';
import { row } from './query.ts';

const CLAIM = {
  name: 'claim_generation',
  text: `SELECT outcome, generation_id AS "generationId", amount_microcredits AS "amountMicrocredits"
    FROM claim_generation($1, $2, $3, $4, $5)`,
};

export type Claim =
  /** `replay`: this account has claimed it already, by the generation in the answer. */
  | {
      readonly outcome: 'admitted' | 'replay';
      readonly generationId: string;
      readonly amountMicrocredits: number;
    }
  | {
      readonly outcome: 'not_claimable' | 'account_frozen' | 'insufficient_credits';
      readonly amountMicrocredits: number;
    }
  | { readonly outcome: 'unknown' | 'sales_closed' };

/**
 * Admits a new generation, at the old price, for a video that completed after its refund; holds nothing. A video is paid
 * for once (RULES, "Expiry and what comes after").
 */
export async function claimGeneration(
  pool: Pool,
  claim: { generationId: string; claimOf: string; accountId: string; apiKeyId: string; admitWithinMs: number },
): Promise<Claim> {
  const { generationId, claimOf, accountId, apiKeyId, admitWithinMs } = claim;
  return row(pool, CLAIM, [generationId, claimOf, accountId, apiKeyId, admitWithinMs]);
}

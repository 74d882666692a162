import type { Pool } from './pool.ts';
import { rows } from './query.ts';

/** A generation as its owner may see it. Times are Dates; amounts microcredits. */
export interface Generation {
  readonly id: string;
  readonly accountId: string;
  readonly state: 'held' | 'charged' | 'refunded';
  readonly model: string;
  readonly seconds: number;
  readonly size: string;
  readonly prompt: string | null;
  readonly amountMicrocredits: number;
  readonly requestedAt: Date;
  readonly holdId: string;
  readonly holdExpiresAt: Date;
  readonly providerVideoId: string | null;
  readonly providerBaseUrl: string | null;
  readonly providerCredential: string | null;
  readonly progress: number | null;
  readonly providerCompletedAt: Date | null;
  readonly cancelRequested: boolean;
  /** It completed after its refund, and can be claimed until then; null otherwise. */
  readonly claimableUntil: Date | null;
  readonly claimOf: string | null;
  readonly settledAt: Date | null;
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
}

const GET = {
  name: 'get_generation',
  text: `SELECT g.id, g.account_id AS "accountId", g.state, g.model, g.seconds, g.size, i.prompt,
      g.amount_microcredits AS "amountMicrocredits", g.requested_at AS "requestedAt",
      h.id AS "holdId", h.expires_at AS "holdExpiresAt", g.provider_video_id AS "providerVideoId",
      g.provider_base_url AS "providerBaseUrl", g.provider_credential AS "providerCredential",
      g.provider_progress AS "progress", g.provider_completed_at AS "providerCompletedAt",
      g.cancel_requested_at IS NOT NULL AS "cancelRequested",
      CASE WHEN g.claimable_until > now() AND g.deletion_begun_at IS NULL THEN g.claimable_until END AS "claimableUntil", g.claim_of AS "claimOf", g.charged_at AS "settledAt", g.error_code AS "errorCode", g.error_message AS "errorMessage"
    FROM generations g JOIN holds h ON h.generation_id = g.id LEFT JOIN inputs i ON i.generation_id = g.id
    WHERE g.id = $1 AND g.account_id = $2 AND g.deleted_at IS NULL`,
};

/** A generation of this very account that has, or had, a hold and was not deleted; undefined for anything else. */
export async function getGeneration(pool: Pool, accountId: string, id: string): Promise<Generation | undefined> {
  const [generation] = await rows<Generation>(pool, GET, [id, accountId]);
  return generation;
}

import type { HoldRefusalCode } from '../contracts/activities.ts';
import type { Pool } from './pool.ts';
import { row, rows } from './query.ts';

export interface AdmissionRequest {
  readonly generationId: string;
  readonly accountId: string;
  readonly apiKeyId: string;
  readonly model: string;
  readonly seconds: number;
  readonly size: string;
  readonly prompt: string;
  readonly inputReference: { bytes: Uint8Array; contentType: string; filename: string } | null;
  /** How long from now, by the database's clock, a hold may still be placed. */
  readonly admitWithinMs: number;
}

export type Admission =
  | { readonly outcome: 'admitted' | 'account_frozen' | 'insufficient_credits'; readonly amountMicrocredits: number }
  | { readonly outcome: 'unknown_model' | 'unknown_size' };

const ADMIT = {
  name: 'admit_generation',
  text: 'SELECT * FROM admit_generation($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)',
};

/** Writes the request if the account could pay for it at a glance; holds nothing. Raises `already_admitted` for a used id. */
export async function admitGeneration(pool: Pool, request: AdmissionRequest): Promise<Admission> {
  const reference = request.inputReference;
  const admitted = await row<{ outcome: Admission['outcome']; amount_microcredits: number }>(pool, ADMIT, [
    request.generationId,
    request.accountId,
    request.apiKeyId,
    request.model,
    request.seconds,
    request.size,
    request.prompt,
    reference?.bytes,
    reference?.contentType,
    reference?.filename,
    request.admitWithinMs,
  ]);
  const { outcome } = admitted;
  if (outcome === 'unknown_model' || outcome === 'unknown_size') return { outcome };
  return { outcome, amountMicrocredits: admitted.amount_microcredits };
}

const VOID = {
  name: 'void_generation',
  text: 'SELECT state, refusal_code AS "refusalCode" FROM void_generation($1)',
};

/** What a request came to; `voided` means that nothing is held or ever will be. */
export type Voided =
  | { readonly state: 'held' | 'charged' | 'refunded'; readonly refusalCode: null }
  | { readonly state: 'refused' | 'voided'; readonly refusalCode: HoldRefusalCode };

/** Gives up a request that has no hold yet; answers with how it stands afterwards. */
export async function voidGeneration(pool: Pool, generationId: string): Promise<Voided> {
  return row<Voided>(pool, VOID, [generationId]);
}

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
      g.charged_at AS "settledAt", g.error_code AS "errorCode", g.error_message AS "errorMessage"
    FROM generations g JOIN holds h ON h.generation_id = g.id LEFT JOIN inputs i ON i.generation_id = g.id
    WHERE g.id = $1 AND g.account_id = $2`,
};

/** A generation of this very account that has, or had, a hold; undefined for anything else. */
export async function getGeneration(pool: Pool, accountId: string, id: string): Promise<Generation | undefined> {
  const [generation] = await rows<Generation>(pool, GET, [id, accountId]);
  return generation;
}

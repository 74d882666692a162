import type { HoldRefusalCode } from '../contracts/activities.ts';
import type { PaidState } from '../contracts/states.ts';
import type { Database } from '../store/database.ts';
import { row } from '../store/query.ts';

/** The request's side of a generation: admission, idempotency, giving up, cancel, delete. Nothing here moves credits. */

/** What a request is known by when it comes again. */
export interface RepeatableRequest {
  readonly accountId: string;
  readonly apiKeyId: string;
  /** SHA-256 of route and canonical body. */
  readonly fingerprint: Buffer;
  readonly idempotencyKey: string | null;
  /** Of an SDK's retry without a key: the request that it repeats was handed out within this time. Unset: it is no retry. */
  readonly retryWithinMs?: number | null;
}

export interface AnyAdmission extends RepeatableRequest {
  readonly generationId: string;
  /** How long from now, by the database's clock, a hold may still be placed. */
  readonly admitWithinMs: number;
  /** What costs more is not admitted; unset: whatever it costs. */
  readonly maxMicrocredits?: number | null;
}

export interface AdmissionRequest extends AnyAdmission {
  readonly model: string;
  readonly seconds: number;
  readonly size: string;
  readonly prompt: string;
  readonly inputReference: { bytes: Uint8Array; contentType: string; filename: string } | null;
  /** The video of this account that it is made from, which decides model, seconds and size. */
  readonly remixOf?: string | null;
}

export interface TextAdmissionRequest extends AnyAdmission {
  readonly model: string;
  /** What is to be written, as the writer reads it. */
  readonly request: string;
  /** The hold is for this many of each: an upper bound, and an enforced maximum. */
  readonly inputBoundTokens: number;
  readonly maxOutputTokens: number;
}

/** An answer that was kept for an idempotency key. */
export interface KeptAnswer {
  readonly status: 200 | 402;
  readonly body: unknown;
}

export type Admission =
  | Repeated
  | { readonly outcome: 'admitted'; readonly generationId: string; readonly amountMicrocredits: number }
  | {
      readonly outcome:
        | 'exceeds_max_credits'
        | 'account_frozen'
        | 'insufficient_credits'
        | 'too_many_active_generations'
        | 'key_spend_limit';
      readonly amountMicrocredits: number;
    }
  /** Nothing was written; `getSales` says why. */
  | { readonly outcome: 'sales_closed' }
  /** `unknown_original`: no charged and undeleted video of this account to be remixed. */
  | { readonly outcome: 'unknown_model' | 'unknown_size' | 'unknown_original' };

/** What a request is answered with that came before. */
export type Repeated =
  /** The idempotency key came before: its request is still running, had another body, or is over 72 h old. */
  | { readonly outcome: 'in_use' | 'reused' | 'too_old' }
  /** An SDK's retry means this generation, whose hold is not placed yet. */
  | { readonly outcome: 'pending'; readonly generationId: string; readonly amountMicrocredits: number }
  /** The same request came before. Without a kept answer (a process died before it was kept), the generation tells. */
  | {
      readonly outcome: 'replay';
      readonly generationId: string | null;
      readonly status: 200 | 402;
      readonly answer: unknown;
      readonly amountMicrocredits: number;
    };

export interface AdmissionRow {
  outcome: Admission['outcome'];
  generation_id: string;
  amount_microcredits: number;
  answer_status: 200 | 402;
  answer: unknown;
}

const ADMIT = {
  name: 'admit_generation',
  text: 'SELECT * FROM admit_generation($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)',
};

/** Writes the request if it could be held at a glance; holds nothing, and of a refusal nothing large is written. Raises `already_admitted` for a used id. */
export async function admitGeneration(db: Database, request: AdmissionRequest): Promise<Admission> {
  const reference = request.inputReference;
  const admitted = await row<AdmissionRow>(db, ADMIT, [
    request.generationId,
    request.accountId,
    request.apiKeyId,
    request.model,
    request.seconds,
    request.size,
    request.remixOf ?? null,
    request.prompt,
    reference?.bytes,
    reference?.contentType,
    reference?.filename,
    request.maxMicrocredits,
    request.admitWithinMs,
    request.fingerprint,
    request.idempotencyKey,
    request.retryWithinMs,
  ]);
  return toAdmission(admitted);
}

const ADMIT_TEXT = {
  name: 'admit_text',
  text: 'SELECT * FROM admit_text($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)',
};

/** The same for a text, at the most that it can cost. */
export async function admitText(db: Database, request: TextAdmissionRequest): Promise<Admission> {
  const admitted = await row<AdmissionRow>(db, ADMIT_TEXT, [
    request.generationId,
    request.accountId,
    request.apiKeyId,
    request.model,
    request.inputBoundTokens,
    request.maxOutputTokens,
    request.request,
    request.maxMicrocredits,
    request.admitWithinMs,
    request.fingerprint,
    request.idempotencyKey,
    request.retryWithinMs,
  ]);
  return toAdmission(admitted);
}

export function toAdmission(admitted: AdmissionRow): Admission {
  const {
    outcome,
    generation_id: generationId,
    amount_microcredits: amountMicrocredits,
    answer_status,
    answer,
  } = admitted;
  switch (outcome) {
    case 'admitted':
    case 'pending':
      return { outcome, generationId, amountMicrocredits };
    case 'exceeds_max_credits':
    case 'account_frozen':
    case 'insufficient_credits':
    case 'too_many_active_generations':
    case 'key_spend_limit':
      return { outcome, amountMicrocredits };
    case 'replay':
      return { outcome, generationId, status: answer_status, answer, amountMicrocredits };
    case 'sales_closed':
    case 'unknown_model':
    case 'unknown_size':
    case 'unknown_original':
    case 'in_use':
    case 'reused':
    case 'too_old':
      return { outcome };
  }
}

const VOID = {
  name: 'void_generation',
  text: 'SELECT state, refusal_code AS "refusalCode" FROM void_generation($1)',
};

/** What a request came to; `voided` means that nothing is held or ever will be. */
export type Voided =
  | { readonly state: PaidState; readonly refusalCode: null }
  | { readonly state: 'refused' | 'voided'; readonly refusalCode: HoldRefusalCode };

/** Gives up a request that has no hold yet; answers with how it stands afterwards. */
export async function voidGeneration(db: Database, generationId: string): Promise<Voided> {
  return row<Voided>(db, VOID, [generationId]);
}

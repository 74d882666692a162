import type { InputFile } from '../contracts/inputFile.ts';
import type { HoldRefusalCode } from '../contracts/activities.ts';
import type { Database } from '../store/database.ts';
import { row } from '../store/query.ts';
import { cases, defineStatement, t, type RowOf } from '../store/statement.ts';
import { ADMISSION_COLUMNS, ADMISSIONS } from './admissions.ts';

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
  readonly inputReference: InputFile | null;
  /** The video of this account that it is made from, which decides model, seconds and size. */
  readonly remixOf?: string | null;
}

export interface TextAdmissionRequest extends AnyAdmission {
  readonly model: string;
  /** What is to be written. It is kept as it is, as JSON. */
  readonly request: object;
  /** The hold is for this many of each: an upper bound, and an enforced maximum. */
  readonly inputBoundTokens: number;
  readonly maxOutputTokens: number;
}

/** An answer that was kept for an idempotency key. */
export interface KeptAnswer {
  readonly status: 200 | 402;
  readonly body: unknown;
}

const ADMIT = defineStatement({
  name: 'admit_generation',
  text: `SELECT ${ADMISSION_COLUMNS}
    FROM admit_generation($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`,
  row: cases('outcome', ADMISSIONS),
});

export type Admission = RowOf<typeof ADMIT>;

/** Writes the request if it could be held at a glance; holds nothing, and of a refusal nothing large is written. Raises `already_admitted` for a used id. */
export async function admitGeneration(db: Database, request: AdmissionRequest): Promise<Admission> {
  const reference = request.inputReference;
  return row(db, ADMIT, [
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
}

const ADMIT_TEXT = defineStatement({
  name: 'admit_text',
  text: `SELECT ${ADMISSION_COLUMNS} FROM admit_text($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
  row: cases('outcome', ADMISSIONS),
});

/** The same for a text, at the most that it can cost. */
export async function admitText(db: Database, request: TextAdmissionRequest): Promise<Admission> {
  return row(db, ADMIT_TEXT, [
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
}

const HELD = { refusalCode: t.nullable(t.word<never>()) };
const NOTHING_HELD = { refusalCode: t.word<HoldRefusalCode>() };

const VOID = defineStatement({
  name: 'void_generation',
  text: 'SELECT state, refusal_code AS "refusalCode" FROM void_generation($1)',
  row: cases('state', { held: HELD, charged: HELD, released: HELD, refused: NOTHING_HELD, voided: NOTHING_HELD }),
});

/** What a request came to; `voided` means that nothing is held or ever will be. */
export type Voided = RowOf<typeof VOID>;

/** Gives up a request that has no hold yet; answers with how it stands afterwards. */
export async function voidGeneration(db: Database, generationId: string): Promise<Voided> {
  return row(db, VOID, [generationId]);
}

import type { InputImage } from '../contracts/inputFile.ts';
import type { HoldRefusalCode } from '../contracts/activities.ts';
import type { Database } from '../store/database.ts';
import type { Labels } from '../store/labels.ts';
import { row } from '../store/query.ts';
import { cases, defineStatement, t, type RowOf } from '../store/statement.ts';
import { ADMISSION_COLUMNS, ADMISSIONS } from './admissions.ts';
import type { AskedVideo } from './offers.ts';

/** Admission, idempotency and voiding of requests. Nothing here moves credits. */

/** Identifies a request that is repeated. */
export interface RepeatableRequest {
  readonly accountId: string;
  readonly apiKeyId: string;
  /** SHA-256 of route and canonical body. */
  readonly fingerprint: Buffer;
  readonly idempotencyKey: string | null;
  /** For an SDK's retry without a key: how far back the repeated request may be. Unset: the request is no retry. */
  readonly retryWithinMs?: number | null;
}

export interface AnyAdmission extends RepeatableRequest {
  readonly generationId: string;
  /** How long from now, by the database's clock, a hold may still be placed. */
  readonly admitWithinMs: number;
  /** A generation that costs more is not admitted; unset: no limit. */
  readonly maxMicrocredits?: number | null;
}

export interface AdmissionRequest extends AnyAdmission, AskedVideo {
  /** Unset: none. */
  readonly images?: readonly InputImage[];
  /** Unset: none. */
  readonly labels?: Labels;
}

export interface TextAdmissionRequest extends AnyAdmission {
  readonly model: string;
  /** The text request, stored unchanged as JSON. */
  readonly request: object;
  /** The hold covers these numbers of tokens: an upper bound of the input and the enforced maximum of the output (MR-60). */
  readonly inputBoundTokens: number;
  readonly maxOutputTokens: number;
  /** Unset: none. */
  readonly labels?: Labels;
  /** The names of the configured providers; unset: whichever sells it. */
  readonly providers?: readonly string[];
}

/** The answer kept for an idempotency key. */
export interface KeptAnswer {
  readonly status: 200 | 402;
  readonly body: unknown;
}

const ADMIT = defineStatement({
  name: 'admit_generation',
  text: `SELECT ${ADMISSION_COLUMNS}
    FROM admit_generation($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)`,
  row: cases('outcome', ADMISSIONS),
});

export type Admission = RowOf<typeof ADMIT>;

/**
 * Writes the request unless its account plainly can't pay for it. Holds nothing; a refused request writes nothing large (MR-95).
 * Raises `already_admitted` for a used id.
 */
export async function admitGeneration(db: Database, request: AdmissionRequest): Promise<Admission> {
  const images = request.images?.length ? request.images : undefined;
  return row(db, ADMIT, [
    request.generationId,
    request.accountId,
    request.apiKeyId,
    request.model,
    request.seconds,
    request.size,
    request.remixOf ?? null,
    request.prompt,
    images?.map(({ bytes }) => bytes),
    images?.map(({ contentType }) => contentType),
    images?.map(({ role }) => role),
    request.maxMicrocredits,
    request.admitWithinMs,
    request.fingerprint,
    request.idempotencyKey,
    request.retryWithinMs,
    request.labels?.user,
    request.labels?.metadata,
    JSON.stringify(request.parameters ?? {}),
    request.providers,
    request.videosAtOnce,
  ]);
}

const ADMIT_TEXT = defineStatement({
  name: 'admit_text',
  text: `SELECT ${ADMISSION_COLUMNS} FROM admit_text($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
  row: cases('outcome', ADMISSIONS),
});

/** The same for a text, at the highest price that it can reach. */
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
    request.labels?.user,
    request.labels?.metadata,
    request.providers,
  ]);
}

const HELD = { refusalCode: t.nullable(t.word<never>()) };
const NOTHING_HELD = { refusalCode: t.word<HoldRefusalCode>() };

const VOID = defineStatement({
  name: 'void_generation',
  text: 'SELECT state, refusal_code AS "refusalCode" FROM void_generation($1)',
  row: cases('state', { held: HELD, charged: HELD, released: HELD, refused: NOTHING_HELD, voided: NOTHING_HELD }),
});

/** The state of a request. `voided`: nothing is held, and nothing ever will be (MR-28). */
export type Voided = RowOf<typeof VOID>;

/** Voids a request that has no hold yet; returns its state afterwards. */
export async function voidGeneration(db: Database, generationId: string): Promise<Voided> {
  return row(db, VOID, [generationId]);
}

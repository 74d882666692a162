import type { HoldRefusalCode } from '../contracts/activities.ts';
import type { GenerationState } from '../contracts/states.ts';
import type { Pool } from '../store/pool.ts';
import { row, rows } from '../store/query.ts';
import { cases, defineStatement, t, type RowOf } from '../store/statement.ts';
import { ADMISSION_COLUMNS, ADMISSIONS, REPEATS } from './admissions.ts';

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

const ADMIT = defineStatement({
  name: 'admit_generation',
  text: `SELECT ${ADMISSION_COLUMNS}
    FROM admit_generation($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`,
  row: cases('outcome', ADMISSIONS),
});

export type Admission = RowOf<typeof ADMIT>;

/** Writes the request if it could be held at a glance; holds nothing, and of a refusal nothing large is written. Raises `already_admitted` for a used id. */
export async function admitGeneration(pool: Pool, request: AdmissionRequest): Promise<Admission> {
  const reference = request.inputReference;
  return row(pool, ADMIT, [
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
export async function admitText(pool: Pool, request: TextAdmissionRequest): Promise<Admission> {
  return row(pool, ADMIT_TEXT, [
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

const KEEP = defineStatement({ name: 'keep_answer', text: 'SELECT keep_answer($1, $2, $3, $4, $5)', row: {} });

/** Keeps the answer to a request that came with an idempotency key; the first one stands, and another generation's is left alone. */
export async function keepAnswer(
  pool: Pool,
  accountId: string,
  key: string,
  answer: KeptAnswer,
  generationId?: string,
): Promise<void> {
  await row(pool, KEEP, [accountId, key, answer.status, JSON.stringify(answer.body), generationId]);
}

const FIND_REPEAT = defineStatement({
  name: 'find_repeat',
  text: `SELECT ${ADMISSION_COLUMNS} FROM find_repeat($1, $2, $3, $4, $5)`,
  row: cases('outcome', REPEATS),
});

export type Repeated = RowOf<typeof FIND_REPEAT>;

/**
 * What a repeat is answered with, whatever has changed since the first request; undefined for what is new. Each retry of an
 * SDK is handed another generation while one is left that no other retry was handed, and that is recorded with the answer.
 */
export async function findRepeat(pool: Pool, request: RepeatableRequest): Promise<Repeated | undefined> {
  const { accountId, apiKeyId, fingerprint, idempotencyKey, retryWithinMs } = request;
  const values = [accountId, apiKeyId, fingerprint, idempotencyKey, retryWithinMs];
  const [found] = await rows(pool, FIND_REPEAT, values);
  return found;
}

const MARK_KNOWN = defineStatement({ name: 'mark_known', text: 'SELECT mark_known($1, $2)', row: {} });

/** Notes that this API key has named the generation; nothing if another key asked for it. */
export async function markKnown(pool: Pool, generationId: string, apiKeyId: string): Promise<void> {
  await row(pool, MARK_KNOWN, [generationId, apiKeyId]);
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
export async function voidGeneration(pool: Pool, generationId: string): Promise<Voided> {
  return row(pool, VOID, [generationId]);
}

const CANCEL = defineStatement({
  name: 'request_cancel',
  text: 'SELECT state, first FROM request_cancel($1, $2)',
  row: { state: t.word<GenerationState>(), first: t.boolean },
});

/** Records that no video is wanted any more, once; `first` says whether this call recorded it. */
export async function requestCancel(
  pool: Pool,
  generationId: string,
  by: 'client' | 'operator',
): Promise<{ state: GenerationState; first: boolean }> {
  return row(pool, CANCEL, [generationId, by]);
}

const BEGIN_DELETION = defineStatement({
  name: 'begin_owners_deletion',
  text: 'SELECT begin_owners_deletion($1, $2)',
  row: {},
});

/** Records that its owner wants a charged video deleted: from here on it is not refunded when its content is gone. */
export async function beginOwnersDeletion(pool: Pool, accountId: string, generationId: string): Promise<void> {
  await row(pool, BEGIN_DELETION, [generationId, accountId]);
}

const DELETE = defineStatement({
  name: 'delete_generation',
  text: 'SELECT delete_generation($1, $2, $3) AS deleted',
  row: { deleted: t.boolean },
});

/**
 * Hides a settled generation from its owner and erases what was asked for and written; false while it is open.
 * `providerKeeps`: why the provider has its copy still, for the record.
 */
export async function deleteGeneration(
  pool: Pool,
  accountId: string,
  generationId: string,
  providerKeeps: string | null = null,
): Promise<boolean> {
  return (await row(pool, DELETE, [generationId, accountId, providerKeeps])).deleted;
}

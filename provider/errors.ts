import { APIError } from 'openai';
import { type Problem, readProblem } from './problem.ts';
import type { Redact } from './redact.ts';
import { CallFailed } from './transport.ts';

/** What a failed submission proves. Only `clients_fault` moves credits; only `ambiguous` may have made something. */
export type Fault = 'clients_fault' | 'operators_fault' | 'not_sent' | 'not_made' | 'ambiguous';

/** What the operator owes the provider where it refuses for that: a key that is valid and has the rights, or money. */
export type Debt = 'key' | 'bill';

/** A call without a readable answer. The message is for operators: no prompt, no key, no raw body. */
export interface CallTrouble {
  readonly why: string;
  readonly status: number | null;
  readonly retryAfterMs: number | null;
  /** Null when it is refused for something else, or not at all. */
  readonly debt: Debt | null;
}

export interface SortedError extends CallTrouble {
  readonly fault: Fault;
  /** The refusal's code, cleaned for storing and showing; `invalid_request` when it has none. */
  readonly code: string;
  /** The provider's message without our key and address. Customers see it only for a `clients_fault`. */
  readonly message: string;
}

/**
 * The one table of refused submissions (MR-12, MR-13). A status that isn't in it, such as 408, 409, a 5xx or a redirect, is
 * ambiguous. Errors of every other call prove nothing: see `askFor` in client.ts.
 */
const FAULT_OF_SUBMISSION_STATUS = new Map<number, Fault>([
  [400, 'clients_fault'],
  [413, 'clients_fault'],
  [415, 'clients_fault'],
  [422, 'clients_fault'],
  [401, 'operators_fault'],
  [402, 'operators_fault'],
  [403, 'operators_fault'],
  [404, 'operators_fault'],
  [429, 'not_made'],
]);

/**
 * Codes and types about the operator's bill or account, key, and models, under any status: OpenAI sends
 * insufficient_quota with 429 and billing_hard_limit_reached with 400, LiteLLM its budget_exceeded with 400.
 */
const BILL_CODE =
  /quota|billing|^budget_exceeded$|^insufficient_(balance|credit|fund)|^account_(deactivated|suspended)$|^organization_|^payment_required$/i;
const KEY_CODE = /^(invalid_api_key|api_key_invalid|authentication_error)$/i;
const MODEL_CODE = /^(model_not_found|unknown_model|invalid_model|model_not_available)$/i;
const OPERATORS_CODES = [BILL_CODE, KEY_CODE, MODEL_CODE];

/**
 * Codes and types about content that a policy forbids, under any status (MR-77). Seen: content_policy_violation with 403 and 451,
 * moderation_blocked with 500 and in a 200, DataInspectionFailed with 400 (Wan), InputTextSensitiveContentDetected with 400
 * (Seedance), content_filter with 400 (Azure), SAFETY with 400 (Gemini).
 */
const CONTENT_CODE =
  /moderation_?(block|flag|violat|reject|refus)|moderated$|content_?(policy|filter)|sensitive_?content|prohibited_?content|data_?inspection|responsible_?ai|^nsfw|(^|[._-])safety($|[._-])/i;

/** And about input that can't be used, unless the server failed: it may mean what it got from its own upstream, after the create. */
const INPUT_CODE =
  /^invalid_(prompt|image|size|seconds|duration|input|parameter|value)|^(prompt|string|text|image)_(too_long|too_large|above_max_length)|^context_length_exceeded$|^unsupported_(parameter|value|size|duration|image)/i;
const SERVER_FAILED = new Set([408, 409]);

const MAX_RETRY_AFTER_MS = 60_000;

/**
 * Classifies what a submission threw by what it proves. Rethrows an error that is not a failed call: that is a bug of ours
 * and proves nothing.
 */
export function sortCreateError(error: unknown, redact: Redact): SortedError {
  const failed = callFailure(error);
  if (failed !== null) {
    const { why } = failed;
    const fault = failed.neverSent ? 'not_sent' : 'ambiguous';
    return { fault, code: 'connection_failed', message: why, why, status: null, retryAfterMs: null, debt: null };
  }
  return sortRefusal(refusal(error, redact));
}

/**
 * What the body of a create's 2xx says in the place of a video; `ambiguous` unless its code is in a table: gateways pass errors on
 * in a 200.
 */
export function sortToldError(status: number, body: unknown, redact: Redact): SortedError {
  const problem = readProblem(errorIn(body), redact);
  return sortRefusal({
    status,
    problem,
    why: `HTTP ${status} with an unreadable body`,
    retryAfterMs: null,
    debt: null,
  });
}

function sortRefusal({ status, problem, ...trouble }: Refusal): SortedError {
  const words = wordsOf(problem);
  return {
    ...trouble,
    status,
    fault: faultOfWords(words, status) ?? FAULT_OF_SUBMISSION_STATUS.get(status) ?? 'ambiguous',
    // LiteLLM repeats the status as the code; then the type says more.
    code: words.find((word) => word !== String(status)) ?? 'invalid_request',
    message: problem.message ?? `The provider refused the request (HTTP ${status}).`,
  };
}

function wordsOf({ code, type }: Problem): string[] {
  return [code, type].filter((word) => word !== null);
}

function faultOfWords(words: readonly string[], status: number): Fault | undefined {
  const any = (pattern: RegExp) => words.some((word) => pattern.test(word));
  if (OPERATORS_CODES.some(any)) return 'operators_fault';
  const hasFailed = status >= 500 || SERVER_FAILED.has(status);
  return any(CONTENT_CODE) || (any(INPUT_CODE) && !hasFailed) ? 'clients_fault' : undefined;
}

function debtOf(status: number, words: readonly string[]): Debt | null {
  if (words.some((word) => BILL_CODE.test(word))) return 'bill';
  if (words.some((word) => KEY_CODE.test(word))) return 'key';
  if (status === 402) return 'bill';
  return status === 401 || status === 403 ? 'key' : null;
}

/** The failure where its cause does not matter. Rethrows an error that is not a failed call. */
export function describeTrouble(error: unknown, redact: Redact): CallTrouble {
  const failed = callFailure(error);
  if (failed !== null) return { why: failed.why, status: null, retryAfterMs: null, debt: null };
  const { why, status, retryAfterMs, debt } = refusal(error, redact);
  return { why, status, retryAfterMs, debt };
}

/** The SDK wraps what its `fetch` throws. */
function callFailure(error: unknown): CallFailed | null {
  const cause = error instanceof APIError ? error.cause : error;
  return cause instanceof CallFailed ? cause : null;
}

interface Refusal extends CallTrouble {
  readonly status: number;
  readonly problem: Problem;
}

function refusal(error: unknown, redact: Redact): Refusal {
  // Status and headers may be absent: the SDK's own errors are APIErrors too.
  if (!(error instanceof APIError) || typeof error.status !== 'number') throw error;
  const status: number = error.status;
  const problem = readProblem(errorIn(error.error), redact);
  const code = problem.code === String(status) ? problem.type : (problem.code ?? problem.type);
  const why = code === null ? `HTTP ${status}` : `HTTP ${status} ${code}`;
  const headers = error.headers as Headers | undefined;
  const debt = debtOf(status, wordsOf(problem));
  return { status, problem, why, retryAfterMs: headers ? retryAfterMs(headers, Date.now()) : null, debt };
}

/** The whole body of an answer that the SDK raised as an error; undefined when there was none. */
export function bodyOfError(error: unknown): unknown {
  return error instanceof APIError ? error.error : undefined;
}

/** The headers of an answer that the SDK raised as an error; none when there was no answer. */
export function headersOfError(error: unknown): Headers {
  const headers = error instanceof APIError ? (error.headers as Headers | undefined) : undefined;
  return headers ?? new Headers();
}

/** Without an envelope, the body itself is the error. */
function errorIn(body: unknown): unknown {
  return typeof body === 'object' && body !== null && 'error' in body ? body.error : body;
}

/**
 * How long the provider asks us to wait: `retry-after-ms`, or `retry-after` in seconds or as an HTTP date, against `nowMs`
 * (unix). At most 60,000 ms (MR-15), at least 0; null when absent or unreadable.
 */
export function retryAfterMs(headers: Headers, nowMs: number): number | null {
  const inMs = headers.get('retry-after-ms')?.trim() ?? '';
  const after = headers.get('retry-after')?.trim() ?? '';
  const isNumber = /^\d+(\.\d+)?$/;
  let wait = Date.parse(after) - nowMs;
  if (isNumber.test(after)) wait = Number(after) * 1000;
  // Date.parse reads "-5" as a month; a real HTTP date contains letters.
  else if (!/[a-z]/i.test(after)) wait = NaN;
  if (isNumber.test(inMs)) wait = Number(inMs);
  return Number.isNaN(wait) ? null : Math.ceil(Math.min(Math.max(wait, 0), MAX_RETRY_AFTER_MS));
}

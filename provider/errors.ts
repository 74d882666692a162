import { APIError } from 'openai';
import { readProblem } from './problem.ts';
import type { Redact } from './redact.ts';
import { CallFailed } from './transport.ts';

/** What a failed submission proves. Only `clients_fault` moves credits; only `ambiguous` may have made something. */
export type Fault = 'clients_fault' | 'operators_fault' | 'not_sent' | 'not_made' | 'ambiguous';

/** A call without a readable answer. The message is for operators: no prompt, no key, no raw body. */
export interface CallTrouble {
  readonly why: string;
  readonly status: number | null;
  readonly retryAfterMs: number | null;
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
 * Codes and types about the operator's bill or account, under any status: OpenAI sends
 * insufficient_quota with 429 and billing_hard_limit_reached with 400, LiteLLM its budget_exceeded with 400.
 */
const OPERATORS_CODE =
  /quota|billing|^budget_exceeded$|^insufficient_(balance|credit|fund)|^account_(deactivated|suspended)$|^organization_|^payment_required$|^(invalid_api_key|api_key_invalid)$/i;

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
    return { fault, code: 'connection_failed', message: why, why, status: null, retryAfterMs: null };
  }
  const { status, problem, ...trouble } = refusal(error, redact);
  const words = [problem.code, problem.type].filter((word) => word !== null);
  const owed = words.some((word) => OPERATORS_CODE.test(word));
  return {
    ...trouble,
    status,
    fault: owed ? 'operators_fault' : (FAULT_OF_SUBMISSION_STATUS.get(status) ?? 'ambiguous'),
    // LiteLLM repeats the status as the code; then the type says more.
    code: words.find((word) => word !== String(status)) ?? 'invalid_request',
    message: problem.message ?? `The provider refused the request (HTTP ${status}).`,
  };
}

/** The failure where its cause does not matter. Rethrows an error that is not a failed call. */
export function describeTrouble(error: unknown, redact: Redact): CallTrouble {
  const failed = callFailure(error);
  if (failed !== null) return { why: failed.why, status: null, retryAfterMs: null };
  const { why, status, retryAfterMs } = refusal(error, redact);
  return { why, status, retryAfterMs };
}

/** The SDK wraps what its `fetch` throws. */
function callFailure(error: unknown): CallFailed | null {
  const cause = error instanceof APIError ? error.cause : error;
  return cause instanceof CallFailed ? cause : null;
}

function refusal(error: unknown, redact: Redact) {
  // Status and headers may be absent: the SDK's own errors are APIErrors too.
  if (!(error instanceof APIError) || typeof error.status !== 'number') throw error;
  const status: number = error.status;
  const problem = readProblem(error.error, redact);
  const code = problem.code === String(status) ? problem.type : (problem.code ?? problem.type);
  const why = code === null ? `HTTP ${status}` : `HTTP ${status} ${code}`;
  const headers = error.headers as Headers | undefined;
  return { status, problem, why, retryAfterMs: headers ? retryAfterMs(headers, Date.now()) : null };
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

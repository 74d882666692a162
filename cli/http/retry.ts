/** When a request is asked again. Every POST has an idempotency key, so a repeat of one whose answer was lost has no further effect. */

const MOST_ATTEMPTS = 4;
const FIRST_PAUSE_MS = 500;
/** A server that wants a longer pause is not waited for: its answer says what to do. */
const LONGEST_PAUSE_MS = 10_000;

/** What came of an attempt: an answer that is no success, or none. */
export interface Outcome {
  readonly status: number | undefined;
  readonly code: string;
  readonly retryAfterSeconds: number | undefined;
  /** Without an answer: it is certain that nothing was sent. */
  readonly isUnsent: boolean;
}

/** How long to wait before the next attempt; null to give up. */
export function pauseMs(method: string, attempt: number, outcome: Outcome): number | null {
  if (attempt >= MOST_ATTEMPTS || method === 'DELETE') return null;
  // A server that is not there at the first attempt is down.
  if (outcome.isUnsent && attempt === 1) return null;
  if (outcome.status !== undefined && !isPassing(outcome.status, outcome.code)) return null;
  const wanted = (outcome.retryAfterSeconds ?? 0) * 1000;
  return wanted > LONGEST_PAUSE_MS ? null : Math.max(wanted, FIRST_PAUSE_MS * 2 ** (attempt - 1));
}

function isPassing(status: number, code: string): boolean {
  if (status === 409) return code === 'idempotency_key_in_use';
  if (status === 429) return code === 'rate_limited';
  return [408, 500, 502, 503, 504].includes(status);
}

const UNSENT = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'ENETDOWN'];

/** Whether this failure of `fetch` proves that no byte of the request has left. */
export function isUnsent(error: unknown): boolean {
  return UNSENT.includes(codeOf(error));
}

/** The system's code of a failed `fetch`; with two addresses it tells one for each. */
export function codeOf(error: unknown): string {
  const { code, cause, errors } = error as { code?: unknown; cause?: unknown; errors?: readonly unknown[] };
  if (typeof code === 'string' && code !== '') return code;
  const inner = cause ?? errors?.[0];
  return inner === undefined ? '' : codeOf(inner);
}

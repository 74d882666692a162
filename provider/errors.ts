import { APIError } from 'openai';
import { type Problem, readProblem } from './problem.ts';
import type { Redact } from './redact.ts';
import { refusedFor } from './refusalCodes.ts';
import { CallFailed, type Whose } from './transport.ts';

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
  readonly whose: Whose;
}

export interface SortedError extends CallTrouble {
  readonly fault: Fault;
  /** The refusal's code, cleaned for storing and showing; `invalid_request` when it has none. */
  readonly code: string;
  /** The provider's message without our key and address. Customers see it only for a `clients_fault`, and in plain words. */
  readonly message: string;
}

/**
 * What a status proves where no code says more (MR-12, MR-13; refusalCodes.ts). A status that isn't in it, such as 408, 409, a 5xx or a redirect, is
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

/** Statuses below 500 that mean that the server failed. */
const SERVER_FAILED = new Set([408, 409]);

const MAX_RETRY_AFTER_MS = 60_000;

/**
 * Classifies what a submission threw by what it proves. Rethrows an error that is not a failed call: that is a bug of ours
 * and proves nothing.
 */
export function sortCreateError(error: unknown, redact: Redact): SortedError {
  const failed = callFailure(error);
  if (failed !== null) {
    const fault = failed.neverSent ? 'not_sent' : 'ambiguous';
    return { fault, code: 'connection_failed', message: failed.why, ...withoutAnswer(failed) };
  }
  return sortRefusal(refusal(error, redact));
}

/**
 * What the body of a create's 2xx says in the place of a video; `ambiguous` unless its code is in the table: gateways pass errors on
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
    whose: 'provider',
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
  switch (refusedFor(words)) {
    case 'bill':
    case 'key':
    case 'model':
      return 'operators_fault';
    case 'content':
      return 'clients_fault';
    case 'input':
      // A server that failed may mean what it got from its own upstream, after the create.
      return status >= 500 || SERVER_FAILED.has(status) ? undefined : 'clients_fault';
    case null:
      return undefined;
  }
}

function debtOf(status: number, words: readonly string[]): Debt | null {
  const about = refusedFor(words);
  if (about === 'bill' || about === 'key') return about;
  if (status === 402) return 'bill';
  return status === 401 || status === 403 ? 'key' : null;
}

/** The failure where its cause does not matter. Rethrows an error that is not a failed call. */
export function describeTrouble(error: unknown, redact: Redact): CallTrouble {
  const failed = callFailure(error);
  if (failed !== null) return withoutAnswer(failed);
  const { why, status, retryAfterMs, debt, whose } = refusal(error, redact);
  return { why, status, retryAfterMs, debt, whose };
}

function withoutAnswer({ why, whose }: CallFailed): CallTrouble {
  return { why, status: null, retryAfterMs: null, debt: null, whose };
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
  const whose = debt === null ? 'provider' : 'either';
  return { status, problem, why, retryAfterMs: headers ? retryAfterMs(headers, Date.now()) : null, debt, whose };
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

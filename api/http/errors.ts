import type { HttpBindings } from '@hono/node-server';
import type { Context } from 'hono';
import { routePath } from 'hono/route';
import { HTTPException } from 'hono/http-exception';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { Caller } from '../../store/index.ts';
import { LedgerUnavailable } from '../../store/index.ts';
import { hungUp } from './connection.ts';
import { kindOfRequest, type RequestKind } from './requestKind.ts';
import type { Log } from './log.ts';

const KILOBYTE = 1024;
const MEGABYTE = 1024 * KILOBYTE;

/** Every error code and its status. */
const STATUS = {
  invalid_request: 400,
  video_not_ready: 400,
  invalid_api_key: 401,
  invalid_signature: 401,
  insufficient_credits: 402,
  not_charged: 402,
  spend_limit_exceeded: 402,
  account_frozen: 403,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  request_timeout: 408,
  idempotency_key_in_use: 409,
  already_settled: 409,
  not_claimable: 409,
  not_refundable: 409,
  price_conflict: 409,
  text_not_terminal: 409,
  video_not_terminal: 409,
  webhook_endpoint_disabled: 409,
  body_too_large: 413,
  unsupported_media_type: 415,
  idempotency_key_reused: 422,
  rate_limited: 429,
  too_many_active_generations: 429,
  headers_too_large: 431,
  internal_error: 500,
  outcome_unknown: 500,
  temporarily_unavailable: 503,
} as const satisfies Record<string, ContentfulStatusCode>;

export type ApiErrorCode = keyof typeof STATUS;

interface Details {
  readonly param?: string;
  readonly headers?: Record<string, string>;
  /** The price of the refused request, for the log. */
  readonly amountMicrocredits?: number;
  /** What to do next, or whom to ask, in sentences. */
  readonly advice?: string;
  /**
   * `nothing_more` where an earlier request may have had an effect. `in_message` where the effect is unknown, or where the
   * message tells it: no sentence is added.
   */
  readonly effect?: 'nothing_more' | 'in_message';
}

/**
 * An error response. `message` says in sentences what happened. `messageOf` adds what became of the credits, which depends on
 * the route, and the advice.
 */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: ContentfulStatusCode;
  constructor(
    readonly code: ApiErrorCode,
    message: string,
    readonly details: Details = {},
  ) {
    super(message);
    this.status = STATUS[code];
  }
}

/** SDKs retry a 409 by themselves; this tells them that a repeat would get the same response. */
export const NOT_RETRIED: Details = { headers: { 'x-should-retry': 'false' } };

function typeOf(status: number): string {
  if (status === 401) return 'authentication_error';
  if (status === 402) return 'billing_error';
  if (status === 403) return 'permission_error';
  if (status === 429) return 'rate_limit_error';
  return status >= 500 ? 'server_error' : 'invalid_request_error';
}

const DONE: Record<RequestKind, string | undefined> = { paying: 'held', changing: 'changed', reading: undefined };

/** The whole message: what happened, that nothing was held or changed, and what to do. */
export function messageOf({ message, details: { effect, advice } }: ApiError, kind: RequestKind): string {
  const done = effect === 'in_message' ? undefined : DONE[kind];
  const nothing = done === undefined ? undefined : `Nothing ${effect === 'nothing_more' ? 'more ' : ''}was ${done}.`;
  return [message, nothing, advice].filter((sentence) => sentence !== undefined).join(' ');
}

/** The body of an error response to a request of this kind. */
export function envelopeOf(error: ApiError, kind: RequestKind) {
  const { code, status, details } = error;
  return { error: { message: messageOf(error, kind), type: typeOf(status), param: details.param ?? null, code } };
}

function answer(c: Context, error: ApiError): Response {
  for (const [name, value] of Object.entries(error.details.headers ?? {})) c.header(name, value);
  return c.json(envelopeOf(error, kindOfRequest(c.req.method, c.req.path)), error.status);
}

/** hono's `onError`. Any other error than an `ApiError` is a bug: it is logged with the request's id and answered without details. */
export function handleError(log: Log) {
  return (error: Error, c: Context): Response => {
    if (error instanceof ApiError) {
      logRefusal(log, error, c);
      return answer(c, error);
    }
    if (error instanceof HTTPException) return answer(c, fromHttpException(error));
    const requestId: unknown = c.get('requestId');
    if (error instanceof LedgerUnavailable) {
      log.warn({ err: error, requestId }, 'the database did not answer');
      return answer(c, kindOfRequest(c.req.method, c.req.path) === 'changing' ? maybeDone() : unavailable());
    }
    // The client has disconnected: it gets no response, and the error is not a bug.
    if (hungUp(c.env as HttpBindings | undefined, error)) return answer(c, malformed('JSON'));
    log.error({ err: error, requestId, method: c.req.method, route: routePath(c) }, 'a request failed');
    return answer(c, internalError(String(requestId)));
  };
}

/** Refusals that are logged. Mistakes of a client (400, 401, 404, …) are not. */
const LOGGED: readonly number[] = [402, 403, 409, 422, 429, 503];

/** Logs who was refused, why, and for what amount; never the content of the request. */
function logRefusal(log: Log, { code, status, details }: ApiError, c: Context): void {
  if (!LOGGED.includes(status)) return;
  const caller = c.get('caller') as Caller | undefined;
  const { amountMicrocredits } = details;
  const requestId: unknown = c.get('requestId');
  const who = { accountId: caller?.accountId, apiKeyId: caller?.apiKeyId, route: routePath(c) };
  log.info({ requestId, ...who, status, code, amountMicrocredits }, 'request refused');
}

/** The error for what hono's own validators refuse before a handler runs: a type that the route does not name, or bad JSON. */
function fromHttpException(error: HTTPException): ApiError {
  return error.status === 415 ? unsupportedMediaType('that /openapi.json names') : malformed('JSON');
}

export function internalError(requestId: string): ApiError {
  return new ApiError(
    'internal_error',
    `An internal error occurred. Credits move only with the outcome of a generation; GET /v1/credits shows them. If this happens again, quote the request id ${requestId}.`,
    { effect: 'in_message' },
  );
}

/** What is wrong with a field, a parameter or a header: "must be …", "is required". */
export function invalid(param: string, what: string, advice?: string): ApiError {
  return new ApiError('invalid_request', `${param} ${what}.`, { param, ...(advice !== undefined && { advice }) });
}

/** The body does not match its content type. */
export function malformed(type: 'JSON' | 'multipart/form-data'): ApiError {
  return new ApiError('invalid_request', `The body could not be read: it is not well-formed ${type}.`);
}

/** `types` are those that the route accepts. */
export function unsupportedMediaType(types: string): ApiError {
  return new ApiError('unsupported_media_type', `This route takes only bodies of the type ${types}, in UTF-8.`, {
    advice: 'Name the type of the body in the Content-Type header.',
  });
}

export function bodyTooLarge(maximumBytes: number, what = 'it'): ApiError {
  const most = maximumBytes < MEGABYTE ? `${maximumBytes / KILOBYTE} kB` : `${maximumBytes / MEGABYTE} MB`;
  return new ApiError('body_too_large', `The body is too large: ${what} may have up to ${most}.`);
}

/** Node refuses such a request before the app sees it. */
export function headersTooLarge(maximumBytes: number): ApiError {
  return new ApiError(
    'headers_too_large',
    `The address and the headers of the request are too large: together they may have up to ${maximumBytes / KILOBYTE} kB.`,
  );
}

export function bodyTooSlow(): ApiError {
  return new ApiError('request_timeout', 'The body was sent too slowly.', { advice: 'Try again.' });
}

export function fileTooLarge(param: string): ApiError {
  return new ApiError('body_too_large', `${param} is too large: a file may have up to 10 MB.`);
}

/** This process is at its limit; the body of the request was not read. */
export function overloaded(): ApiError {
  return new ApiError('temporarily_unavailable', 'Holdfast is overloaded.', {
    headers: { 'retry-after': '2' },
    advice: 'Try again shortly.',
  });
}

/** A 503 means that this request holds nothing; a request that may hold something is answered 500 `outcome_unknown` instead. */
export function unavailable(): ApiError {
  return new ApiError('temporarily_unavailable', 'Holdfast is temporarily unavailable.', {
    headers: { 'retry-after': '5' },
    advice: 'Try again shortly.',
  });
}

/** The database did not answer to a request that changes something at once: nobody knows whether it did. */
export function maybeDone(): ApiError {
  return new ApiError(
    'temporarily_unavailable',
    'Holdfast is temporarily unavailable, and this request may have been carried out.',
    {
      headers: { 'retry-after': '5' },
      effect: 'in_message',
      advice: 'Send it again shortly, with the same Idempotency-Key if it has one.',
    },
  );
}

export function notFound(what: string, advice = 'Check the id.'): ApiError {
  return new ApiError('not_found', `${what} was not found.`, { advice });
}

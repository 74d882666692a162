import type { HttpBindings } from '@hono/node-server';
import type { Context } from 'hono';
import { routePath } from 'hono/route';
import { HTTPException } from 'hono/http-exception';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { Caller } from '../../store/index.ts';
import { LedgerUnavailable } from '../../store/index.ts';
import { hungUp } from './connection.ts';
import type { Log } from './log.ts';

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
  request_timeout: 408,
  idempotency_key_in_use: 409,
  already_settled: 409,
  not_claimable: 409,
  not_refundable: 409,
  price_conflict: 409,
  video_not_terminal: 409,
  webhook_endpoint_disabled: 409,
  body_too_large: 413,
  unsupported_media_type: 415,
  idempotency_key_reused: 422,
  rate_limited: 429,
  too_many_active_generations: 429,
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
}

/** An error response. Its message tells the client what happened, what became of the credits and what to do next. */
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

/** The body of an error response. */
export function envelopeOf({ code, message, status, details }: ApiError) {
  return { error: { message, type: typeOf(status), param: details.param ?? null, code } };
}

function answer(c: Context, error: ApiError): Response {
  for (const [name, value] of Object.entries(error.details.headers ?? {})) c.header(name, value);
  return c.json(envelopeOf(error), error.status);
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
      return answer(c, unavailable());
    }
    // The client has disconnected: it gets no response, and the error is not a bug.
    if (hungUp(c.env as HttpBindings | undefined)) return answer(c, malformed());
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

/** The error for what hono's own validators and limits refuse before a handler runs. */
function fromHttpException(error: HTTPException): ApiError {
  switch (error.status) {
    case 413:
      return bodyTooLarge();
    case 415:
      return unsupportedMediaType();
    default:
      return malformed();
  }
}

export function internalError(requestId: string): ApiError {
  return new ApiError(
    'internal_error',
    `An internal error occurred. Credits move only with the outcome of a generation; GET /v1/credits shows them. If this happens again, quote the request id ${requestId}.`,
  );
}

/** The body does not match its content type. */
export function malformed(): ApiError {
  return new ApiError(
    'invalid_request',
    'The body could not be read: it is not well-formed JSON or multipart. Nothing was held.',
  );
}

export function unsupportedMediaType(
  message = 'Send the body as multipart/form-data or application/json. Nothing was held.',
): ApiError {
  return new ApiError('unsupported_media_type', message);
}

export function bodyTooLarge(maximumBytes?: number): ApiError {
  const most = maximumBytes === undefined ? '' : ` The limit of this route is ${maximumBytes} bytes.`;
  return new ApiError('body_too_large', `The body is too large. A file may have up to 10 MB.${most} Nothing was held.`);
}

/** This process is at its limit; the body of the request was not read. */
export function overloaded(): ApiError {
  return new ApiError(
    'temporarily_unavailable',
    'Holdfast is overloaded. Nothing was held by this request; try again shortly.',
    { headers: { 'retry-after': '2' } },
  );
}

/** A 503 means that this request holds nothing; a request that may hold something is answered 500 `outcome_unknown` instead. */
export function unavailable(): ApiError {
  return new ApiError(
    'temporarily_unavailable',
    'Holdfast is temporarily unavailable. Nothing was held by this request; try again shortly.',
    {
      headers: { 'retry-after': '5' },
    },
  );
}

export function notFound(what: string): ApiError {
  return new ApiError('not_found', `${what} was not found.`);
}

import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { HttpBindings } from '@hono/node-server';

/** The Hono environment of every route. */
export type Env = { Bindings: HttpBindings };

/** A refusal as OpenAI's envelope shows it. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string | null,
    message: string,
    readonly param: string | null = null,
  ) {
    super(message);
  }
}

const CODES: Record<number, string> = {
  401: 'invalid_api_key',
  402: 'billing_hard_limit_reached',
  403: 'permission_denied',
  404: 'not_found',
  413: 'request_too_large',
  415: 'unsupported_media_type',
  429: 'rate_limit_exceeded',
};

/** The code that usually comes with a status. */
export function usualCode(status: number): string {
  return CODES[status] ?? (status < 500 ? 'invalid_request' : 'server_error');
}

/** Answers with OpenAI's error envelope. */
export function errorResponse(c: Context<Env>, error: ApiError): Response {
  const { status, code, param, message } = error;
  const type = status >= 500 ? 'server_error' : status === 429 ? 'requests' : 'invalid_request_error';
  return c.json({ error: { message, type, param, code } }, status as ContentfulStatusCode);
}

import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { HttpBindings } from '@hono/node-server';

export interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

/** The Hono environment of every route; `tellError` is the dialect's. */
export type Env = { Bindings: HttpBindings; Variables: { tellError: (error: ApiError) => Answer } };

/** A refusal; the dialect says how it is told. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string | null,
    message: string,
    readonly param: string | null = null,
    /** What refuses: no such route, the key, the call itself, or a gateway before it came to the server. */
    readonly kind: 'route' | 'key' | 'call' | 'gateway' = 'call',
  ) {
    super(message);
  }
}

/** There is no such route, or not by this method. */
export function noRoute({ method, path }: { method: string; path: string }, status: 404 | 405 = 404): ApiError {
  return new ApiError(status, 'not_found', `Unknown URL: ${method} ${path}.`, null, 'route');
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

/** Answers with the error as the dialect tells it. */
export function errorResponse(c: Context<Env>, error: ApiError): Response {
  const { status, body } = c.var.tellError(error);
  return c.json(body, status as ContentfulStatusCode);
}

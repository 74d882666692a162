import { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import type { Env } from './deps.ts';
import { ApiError } from './errors.ts';

/** The header of a POST that may be repeated. Handlers validate it, so that the error names it as `param` in its usual spelling. */
export const keyed = z.object({
  'idempotency-key': z.string().optional().openapi({
    description:
      'A text of your own for this request, of at most 255 characters. A repeat with the same key and body gets the first answer and has no further effect.',
  }),
});

/** The key of a POST, null when it has none. Raises `invalid_request` for a malformed one. */
export function readIdempotencyKey(header: string | undefined): string | null {
  if (header === undefined) return null;
  if (/^[\x20-\x7e]{1,255}$/.test(header)) return header;
  throw invalidKey('must be 1 to 255 printable ASCII characters');
}

/** The key of a POST that moves credits for an operator. Raises `invalid_request` when it is missing or malformed. */
export function requireIdempotencyKey(header: string | undefined): string {
  const key = readIdempotencyKey(header);
  if (key === null) throw invalidKey('is required');
  return key;
}

function invalidKey(what: string): ApiError {
  return new ApiError('invalid_request', `Idempotency-Key: ${what}. Nothing was held or changed.`, {
    param: 'Idempotency-Key',
  });
}

/** Tells the client that this is the answer to an earlier request with the same key. */
export function markReplayed(c: Context<Env>): void {
  c.header('idempotency-replayed', 'true');
}

/** The refusal of a key that was used before for another request. */
export function keyReused(): ApiError {
  return new ApiError(
    'idempotency_key_reused',
    'This Idempotency-Key was used for a different request before. Nothing more was held or changed; use a new key for a new request.',
    { param: 'Idempotency-Key' },
  );
}

import { z } from '@hono/zod-openapi';
import { ApiError } from './errors.ts';

/** The header of a POST that may be repeated; what is wrong with it is told by the handler, with its name as `param`. */
export const keyed = z.object({ 'idempotency-key': z.string().optional() });

/** The key of a POST that may come without one. Raises `invalid_request`. */
export function readIdempotencyKey(header: string | undefined): string | null {
  if (header === undefined) return null;
  if (/^[\x20-\x7e]{1,255}$/.test(header)) return header;
  throw new ApiError('invalid_request', 'Idempotency-Key: must be 1 to 255 printable characters. Nothing was held.', {
    param: 'Idempotency-Key',
  });
}

/** The key that an operator's movement must come with. Raises `invalid_request`. */
export function requireIdempotencyKey(header: string | undefined): string {
  if (header !== undefined && /^[\x21-\x7e]{1,255}$/.test(header)) return header;
  throw new ApiError(
    'invalid_request',
    'Idempotency-Key: is required, 1 to 255 printable characters. No credits were moved.',
    { param: 'Idempotency-Key' },
  );
}

/** The same key came with other arguments before. */
export function keyReused(): ApiError {
  return new ApiError(
    'idempotency_key_reused',
    'This Idempotency-Key came with other arguments before. Nothing was changed; use a new key for a new request.',
    { param: 'Idempotency-Key' },
  );
}

import { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import type { Env } from './deps.ts';
import { ApiError, invalid } from './errors.ts';

const NAME = 'Idempotency-Key';
const MAXIMUM_LENGTH = 255;

/** The header of a POST that may be repeated. Handlers validate it, so that the error names it as `param` in its usual spelling. */
export const keyed = z.object({
  'idempotency-key': z.string().optional().openapi({
    description:
      'A text of your own for this request, of at most 255 printable ASCII characters. A repeat with the same key and body gets the first answer, with `Idempotency-Replayed: true`, and has no further effect; with another body it is refused (422). For what costs credits: while the first request is being decided, some seconds, a repeat is answered 409, and after 72 hours 422.',
  }),
});

/** The key of a POST, null when it has none. Raises `invalid_request` for a malformed one. */
export function readIdempotencyKey(header: string | undefined): string | null {
  if (header === undefined) return null;
  if (header.length > MAXIMUM_LENGTH)
    throw invalid(NAME, `has ${header.length} characters; it may have ${MAXIMUM_LENGTH}`);
  if (!/^[\x20-\x7e]+$/.test(header)) throw invalid(NAME, 'must have 1 to 255 characters, all of them printable ASCII');
  return header;
}

/** The key of a POST that moves credits for an operator. Raises `invalid_request` when it is missing or malformed. */
export function requireIdempotencyKey(header: string | undefined): string {
  const key = readIdempotencyKey(header);
  if (key === null) {
    throw invalid(
      NAME,
      'is required here',
      'Send one that is new for each change, and the same one when you repeat it.',
    );
  }
  return key;
}

/** Tells the client that this is the answer to an earlier request with the same key. */
export function markReplayed(c: Context<Env>): void {
  c.header('idempotency-replayed', 'true');
}

/** The refusal of a key that was used before for another request. */
export function keyReused(): ApiError {
  return new ApiError('idempotency_key_reused', 'This Idempotency-Key was used for a different request before.', {
    param: NAME,
    effect: 'nothing_more',
    advice: 'Use a new key for a new request.',
  });
}

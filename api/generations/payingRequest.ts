import { z } from '@hono/zod-openapi';
import { parseCredits } from '../../contracts/money.ts';
import { errorResponses } from '../http/contract.ts';
import { keyed } from '../http/idempotencyKey.ts';

/** What the contracts of all POSTs that cost credits share. */

/** Unknown parameters are refused, because a misspelt `dry_run` would cost credits. */
const query = z.strictObject({
  dry_run: z.enum(['true', 'false']).default('false').openapi({
    description: 'With true, returns the price and whether the request would be accepted; creates nothing.',
  }),
});

export const payingRequest = { headers: keyed, query };

export const payingErrors = (...more: number[]) =>
  errorResponses(400, 401, 402, 403, 409, 413, 415, 422, 429, 500, 503, ...more);

/** The client's ceiling, as text or as a number. */
export const maxCredits = (description: string) =>
  z.coerce
    .string()
    .regex(/^\d{1,9}(\.\d{1,6})?$/, 'must be a decimal number of credits, like "0.6"')
    .optional()
    .openapi({ type: ['string', 'number'], example: '0.6', description });

/** The ceiling in microcredits; null for none. */
export function toMaximum(credits: string | undefined): number | null {
  return credits === undefined ? null : parseCredits(credits);
}

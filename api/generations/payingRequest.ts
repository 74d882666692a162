import { z } from '@hono/zod-openapi';
import { parseCredits } from '../../contracts/money.ts';
import { strictAbout } from '../http/contract.ts';
import { type DescribedError, errorResponses } from '../http/errorResponses.ts';
import { keyed } from '../http/idempotencyKey.ts';

/** What the contracts of all POSTs that cost credits share. */

/** Unknown parameters are refused, because a misspelt `dry_run` would cost credits. */
const query = z.strictObject({
  dry_run: z.enum(['true', 'false']).default('false').openapi({
    description: 'With true, returns the price and whether the request would be accepted; creates nothing.',
  }),
});

export const payingRequest = { headers: keyed, query };

export const DRY_RUN_ELSEWHERE = 'must be a query parameter: ?dry_run=true';

/** The body of such a POST. Strict: a field that is not known here could make the provider do more than is paid for (MR-93). */
export const payingBody = <Shape extends z.core.$ZodLooseShape>(shape: Shape) => strictAbout(shape, DRY_RUN_ELSEWHERE);

/** The errors of such a POST. A request that is refused holds nothing. */
export const payingErrors = (...more: DescribedError[]) =>
  errorResponses(
    {
      400: 'The request is invalid, or costs more than its `max_credits`; `param` names the field. Nothing was held.',
      402: 'The available credits, or a spend limit of the key, do not cover the price. Nothing was held.',
      403: 'The account is frozen, or the key lacks the scope. Nothing was held.',
      404: 'What the first request with this Idempotency-Key made was deleted. Nothing more was held.',
      409: 'The first request with this Idempotency-Key is still running. Nothing more was held.',
      422: 'The Idempotency-Key was used for a different request before, or over 72 hours ago. Nothing more was held.',
      429: 'Too many generations are active, or the key sent too many requests. Nothing was held; Retry-After says when to try again.',
      500: 'An internal error, or `outcome_unknown`: repeat the request with the same Idempotency-Key, which holds the price once.',
      503: 'Holdfast or the provider is away, more is asked for than can be started, or sales are closed. Nothing was held; Retry-After says when to try again.',
    },
    401,
    413,
    415,
    ...more,
  );

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

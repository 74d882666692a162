import { createRoute, z } from '@hono/zod-openapi';
import { MAX_MICROCREDITS } from '../../../contracts/money.ts';
import type { PriceChange } from '../../../ledger/index.ts';
import { LedgerError } from '../../../ledger/index.ts';
import type { ApiDependencies } from '../../http/deps.ts';
import { ApiError } from '../../http/errors.ts';
import { EXAMPLE } from '../../http/examples.ts';
import { keyed, keyReused, requireIdempotencyKey } from '../../http/idempotencyKey.ts';
import { newRouter } from '../../http/router.ts';
import { adminBearer, errorResponses, jsonContent, noQuery } from '../../http/contract.ts';
import { plainText, unixSeconds } from '../../http/schemas.ts';

/** The price book: versions with the moment from which they are in force. */

const moment = z.number().int();
const cost = z.number().int().min(1).max(MAX_MICROCREDITS);
const terms = {
  margin_basis_points: z.number().int().min(0).max(9999),
  effective_from: z.number().int().min(0).max(253_402_300_799).optional(),
};

const PriceSet = z
  .object({
    object: z.literal('price'),
    id: z.number().int(),
    model: z.string(),
    size: z.string(),
    effective_from: moment,
  })
  .openapi('PriceSet', { example: EXAMPLE.priceSet });

const TextPriceSet = z
  .object({ object: z.literal('text_price'), id: z.number().int(), model: z.string(), effective_from: moment })
  .openapi('TextPriceSet', { example: EXAMPLE.textPriceSet });

const change = <Schema extends z.ZodType>(schema: Schema) => ({
  headers: keyed,
  query: noQuery,
  body: { required: true, content: jsonContent(schema) },
});
const answersWith = <Schema extends z.ZodType>(schema: Schema) => ({
  200: { description: 'It is set.', content: jsonContent(schema) },
  ...errorResponses(400, 401, 404, 409, 415, 422, 500, 503),
});

const setPrice = createRoute({
  method: 'post',
  path: '/prices',
  operationId: 'setPrice',
  summary: 'The price of a model and size from a moment on; what was admitted before keeps its price',
  security: adminBearer,
  request: change(
    z
      .strictObject({
        model: plainText(100),
        size: z.string().regex(/^[1-9]\d{1,4}x[1-9]\d{1,4}$/, 'must be like 720x1280'),
        cost_per_second_microcredits: cost,
        ...terms,
      })
      .openapi('SetPrice', { example: EXAMPLE.setPrice }),
  ),
  responses: answersWith(PriceSet),
});

const setTextPrice = createRoute({
  method: 'post',
  path: '/text_prices',
  operationId: 'setTextPrice',
  summary: 'The price of the tokens of a model from a moment on; what was admitted before keeps its price',
  security: adminBearer,
  request: change(
    z
      .strictObject({
        model: plainText(100),
        input_cost_microcredits_per_million_tokens: z.number().int().min(0).max(MAX_MICROCREDITS),
        output_cost_microcredits_per_million_tokens: cost,
        ...terms,
      })
      .openapi('SetTextPrice', { example: EXAMPLE.setTextPrice }),
  ),
  responses: answersWith(TextPriceSet),
});

export function adminPriceRoutes({ ledger }: ApiDependencies) {
  return newRouter()
    .openapi(setPrice, async (c) => {
      const idempotencyKey = requireIdempotencyKey(c.req.header('idempotency-key'));
      const { model, size, cost_per_second_microcredits, ...body } = c.req.valid('json');
      const set = await settled(
        ledger.setPrice({
          model,
          size,
          costPerSecondMicrocredits: cost_per_second_microcredits,
          ...termsOf(body),
          idempotencyKey,
        }),
      );
      if (set.replayed) c.header('idempotency-replayed', 'true');
      const effectiveFrom = unixSeconds(set.effectiveFrom);
      return c.json({ object: 'price' as const, id: set.priceId, model, size, effective_from: effectiveFrom }, 200);
    })
    .openapi(setTextPrice, async (c) => {
      const idempotencyKey = requireIdempotencyKey(c.req.header('idempotency-key'));
      const { model, ...body } = c.req.valid('json');
      const set = await settled(
        ledger.setTextPrice({
          model,
          inputCostMicrocredits: body.input_cost_microcredits_per_million_tokens,
          outputCostMicrocredits: body.output_cost_microcredits_per_million_tokens,
          ...termsOf(body),
          idempotencyKey,
        }),
      );
      if (set.replayed) c.header('idempotency-replayed', 'true');
      const effectiveFrom = unixSeconds(set.effectiveFrom);
      return c.json({ object: 'text_price' as const, id: set.priceId, model, effective_from: effectiveFrom }, 200);
    });
}

function termsOf(body: { margin_basis_points: number; effective_from?: number | undefined }) {
  const { margin_basis_points: marginBasisPoints, effective_from: from } = body;
  return { marginBasisPoints, effectiveFrom: from === undefined ? null : new Date(from * 1000) };
}

/** The change as it was made; raises what a client is told when it was not. */
async function settled(change: Promise<PriceChange>): Promise<Extract<PriceChange, { outcome: 'set' }>> {
  const set = await change.catch((error: unknown) => {
    if (!(error instanceof LedgerError) || error.code !== 'constraint') throw error;
    throw new ApiError('invalid_request', 'The price is out of range. No price was changed.');
  });
  switch (set.outcome) {
    case 'set':
      return set;
    case 'key_reused':
      throw keyReused();
    case 'in_the_past':
    case 'already_set': {
      const why = set.outcome === 'in_the_past' ? 'lies in the past' : 'has a price of its own already';
      throw new ApiError('price_conflict', `effective_from: that moment ${why}. No price was changed.`, {
        param: 'effective_from',
      });
    }
  }
}

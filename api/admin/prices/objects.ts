import { z } from '@hono/zod-openapi';
import { MAX_MICROCREDITS } from '../../../contracts/money.ts';
import { EXAMPLE } from '../../http/examples.ts';
import { LAST_UNIX_TIME, plainText, unixTime } from '../../http/schemas.ts';

const cost = z.number().int().min(1).max(MAX_MICROCREDITS);
const terms = {
  margin_basis_points: z.number().int().min(0).max(9999),
  effective_from: unixTime.min(0).max(LAST_UNIX_TIME).optional(),
};

export const SetPrice = z
  .strictObject({
    model: plainText(100),
    size: z.string().regex(/^[1-9]\d{1,4}x[1-9]\d{1,4}$/, 'must be like 720x1280'),
    cost_per_second_microcredits: cost,
    ...terms,
  })
  .openapi('SetPriceBody', { example: EXAMPLE.setPrice });
export type SetPrice = z.output<typeof SetPrice>;

export const SetTextPrice = z
  .strictObject({
    model: plainText(100),
    input_cost_microcredits_per_million_tokens: z.number().int().min(0).max(MAX_MICROCREDITS),
    output_cost_microcredits_per_million_tokens: cost,
    ...terms,
  })
  .openapi('SetTextPriceBody', { example: EXAMPLE.setTextPrice });
export type SetTextPrice = z.output<typeof SetTextPrice>;

export const PriceSet = z
  .object({
    object: z.literal('price'),
    id: z.number().int(),
    model: z.string(),
    size: z.string(),
    effective_from: unixTime,
  })
  .openapi('PriceSet', { example: EXAMPLE.priceSet });
export type PriceSet = z.infer<typeof PriceSet>;

export const TextPriceSet = z
  .object({ object: z.literal('text_price'), id: z.number().int(), model: z.string(), effective_from: unixTime })
  .openapi('TextPriceSet', { example: EXAMPLE.textPriceSet });
export type TextPriceSet = z.infer<typeof TextPriceSet>;

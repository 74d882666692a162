import { z } from '@hono/zod-openapi';
import { MAX_MICROCREDITS } from '../../../contracts/money.ts';
import type * as ledger from '../../../ledger/index.ts';
import { providerModel, providerName, terms as offerTerms, videoSize } from '../../../pricebook/terms.ts';
import { EXAMPLE } from '../../http/examples.ts';
import { LAST_UNIX_TIME, plainText, unixSeconds, unixTime } from '../../http/schemas.ts';

const cost = z.number().int().min(1).max(MAX_MICROCREDITS);
const terms = {
  margin_basis_points: z.number().int().min(0).max(9999),
  effective_from: unixTime.min(0).max(LAST_UNIX_TIME).optional(),
};

export const SetPrice = z
  .strictObject({
    model: plainText(100),
    size: videoSize,
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
    for_sale: z.boolean().optional(),
    provider: providerName.optional(),
    provider_model: providerModel.optional(),
    ...terms,
  })
  .openapi('SetTextPriceBody', { example: EXAMPLE.setTextPrice });
export type SetTextPrice = z.output<typeof SetTextPrice>;

/** The price book's schemas know nothing of OpenAPI. */
const documented = <Schema extends z.ZodType>(schema: Schema) => z.lazy(() => schema);

export const SetOffer = z
  .strictObject({
    model: plainText(100),
    for_sale: z.boolean().optional(),
    ...offerTerms,
    lengths: documented(offerTerms.lengths).openapi({
      type: ['array', 'object'],
      description: 'In whole seconds, 1 to 60: a list, or `min`, `max` and `step`.',
    }),
    parameters: documented(offerTerms.parameters).openapi({
      type: 'array',
      items: { type: 'object' },
      maxItems: 32,
      description:
        'Each has a `name`, a `type` (`integer` and `number` with `min`, `max` and perhaps `step`; `string` with `max_length`; `enum` with `values`; `boolean`; `images` with `max_items`), and may have a `default`, its name at the provider (`sent_as`) and a `price`: one of `factor_basis_points`, `amount_microcredits` and `per_second_microcredits`; for `enum` and `boolean` an object of these by value.',
    }),
    sizes: z.array(videoSize).min(1).max(100).optional(),
    effective_from: terms.effective_from,
  })
  .openapi('SetOfferBody', { example: EXAMPLE.setOffer });
export type SetOffer = z.output<typeof SetOffer>;

export const OfferSet = z
  .object({ object: z.literal('offer'), id: z.number().int(), model: z.string(), effective_from: unixTime })
  .openapi('OfferSet', { example: EXAMPLE.offerSet });
export type OfferSet = z.infer<typeof OfferSet>;

export const OfferVersion = z
  .object({
    id: z.string(),
    object: z.literal('offer_version'),
    model: z.string(),
    for_sale: z.boolean(),
    provider: z.string().nullable(),
    provider_model: z.string().nullable(),
    lengths: z.array(z.number().int()),
    sizes: z.array(z.string()).nullable(),
    length_field: z.enum(['seconds', 'duration']),
    size_field: z.enum(['size', 'resolution']),
    /** As they were set. */
    parameters: z.array(z.record(z.string(), z.unknown())),
    prompt_flags: z.enum(['allow', 'refuse']),
    charge_rule: z.enum(['as_made', 'as_sold']),
    effective_from: unixTime,
    recorded_by: z.string(),
  })
  .openapi('OfferVersion', { example: EXAMPLE.offerVersion });

export function toOfferVersion(version: ledger.OfferVersion): z.infer<typeof OfferVersion> {
  return {
    id: String(version.id),
    object: 'offer_version',
    model: version.model,
    for_sale: version.forSale,
    provider: version.provider,
    provider_model: version.providerModel,
    lengths: [...version.lengths],
    sizes: version.sizes === null ? null : [...version.sizes],
    length_field: version.lengthField,
    size_field: version.sizeField,
    parameters: version.parameters.map((parameter) => ({ ...parameter })),
    prompt_flags: version.promptFlags,
    charge_rule: version.chargeRule,
    effective_from: unixSeconds(version.effectiveFrom),
    recorded_by: version.recordedBy,
  };
}

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

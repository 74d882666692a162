import { z } from '@hono/zod-openapi';
import type { OfferedParameter } from '../../contracts/offers.ts';
import type * as ledger from '../../ledger/index.ts';
import { EXAMPLE } from '../http/examples.ts';

const Effect = z
  .object({
    factor_basis_points: z.number().int().optional(),
    amount_microcredits: z.number().int().optional(),
    per_second_microcredits: z.number().int().optional(),
  })
  .openapi('PriceEffect', {
    description: 'What a parameter does to the price: a factor (10000 is 1), an amount, or an amount by second.',
    example: { per_second_microcredits: 20000 },
  });

const value = z.union([z.string(), z.number(), z.boolean()]);

/** A parameter that a video model is sold with. */
const Parameter = z
  .object({
    name: z.string(),
    type: z.enum(['integer', 'number', 'boolean', 'string', 'enum', 'images']),
    min: z.number().optional(),
    max: z.number().optional(),
    step: z.number().optional(),
    values: z.array(z.union([z.string(), z.number()])).optional(),
    max_length: z.number().int().optional(),
    max_items: z.number().int().optional(),
    default: value.optional(),
    /** What it adds to the price when it is sent. */
    effect: Effect.optional(),
    /** What each value adds. */
    effects: z.record(z.string(), Effect).optional(),
  })
  .openapi('Parameter');

export const Offer = z
  .object({
    object: z.literal('offer'),
    model: z.string(),
    seconds: z.array(z.string()),
    sizes: z.array(z.string()),
    parameters: z.array(Parameter),
  })
  .openapi('Offer', { example: EXAMPLE.offer });

export function toOffer({ model, lengths, sizes, parameters }: ledger.Offer): z.infer<typeof Offer> {
  return {
    object: 'offer',
    model,
    seconds: lengths.map(String),
    sizes: [...sizes],
    parameters: parameters.map(toParameter),
  };
}

/** Without its name at the provider. */
function toParameter(parameter: OfferedParameter): z.infer<typeof Parameter> {
  switch (parameter.type) {
    case 'boolean': {
      const { sent_as: _sentAs, price, ...shown } = parameter;
      return { ...shown, ...(price && { effects: { ...price } }) };
    }
    case 'enum': {
      const { sent_as: _sentAs, price, ...shown } = parameter;
      return { ...shown, values: [...shown.values], ...(price && { effects: { ...price } }) };
    }
    case 'images': {
      const { price, ...shown } = parameter;
      return { ...shown, ...(price && { effect: { ...price } }) };
    }
    default: {
      const { sent_as: _sentAs, price, ...shown } = parameter;
      return { ...shown, ...(price && { effect: { ...price } }) };
    }
  }
}

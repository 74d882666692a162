import { createRoute, z } from '@hono/zod-openapi';
import { formatCredits } from '../../contracts/money.ts';
import type { ApiDependencies } from '../http/deps.ts';
import { newRouter } from '../http/router.ts';
import { bearer, errorResponses } from '../http/contract.ts';
import { SECONDS } from '../videos/videoRequest.ts';

const PriceList = z
  .object({
    object: z.literal('list'),
    data: z.array(
      z.union([
        z.object({
          object: z.literal('price'),
          model: z.string(),
          size: z.string(),
          seconds: z.string(),
          amount_microcredits: z.number().int(),
          amount: z.string(),
        }),
        z.object({
          object: z.literal('text_price'),
          model: z.string(),
          input_microcredits_per_million_tokens: z.number().int(),
          output_microcredits_per_million_tokens: z.number().int(),
        }),
      ]),
    ),
  })
  .openapi('PriceList', {
    example: {
      object: 'list',
      data: [
        {
          object: 'price',
          model: 'sora-2',
          size: '720x1280',
          seconds: '4',
          amount_microcredits: 571429,
          amount: '0.571429',
        },
      ],
    },
  });

const list = createRoute({
  method: 'get',
  path: '/prices',
  operationId: 'listPrices',
  summary: 'The price of every model, size and length, and of the tokens of texts',
  security: bearer,
  responses: {
    200: { description: 'Prices in force now.', content: { 'application/json': { schema: PriceList } } },
    ...errorResponses(401, 500, 503),
  },
});

export function priceRoutes({ ledger }: ApiDependencies) {
  return newRouter().openapi(list, async (c) => {
    const [prices, textPrices] = await Promise.all([ledger.listPrices(SECONDS.map(Number)), ledger.listTextPrices()]);
    const videos = prices.map(({ model, size, seconds, amountMicrocredits }) => ({
      object: 'price' as const,
      model,
      size,
      seconds: String(seconds),
      amount_microcredits: amountMicrocredits,
      amount: formatCredits(amountMicrocredits),
    }));
    const texts = textPrices.map(({ model, inputMicrocredits, outputMicrocredits }) => ({
      object: 'text_price' as const,
      model,
      input_microcredits_per_million_tokens: inputMicrocredits,
      output_microcredits_per_million_tokens: outputMicrocredits,
    }));
    return c.json({ object: 'list' as const, data: [...videos, ...texts] }, 200);
  });
}

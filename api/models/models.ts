import { z } from '@hono/zod-openapi';
import { Price, TextPrice, toPrice, toTextPrice } from '../credits/objects.ts';
import type { ApiDependencies } from '../http/deps.ts';
import { EXAMPLE } from '../http/examples.ts';
import { unixSeconds, unixTime } from '../http/schemas.ts';
import { SECONDS } from '../videos/videoRequest.ts';

const EXAMPLE_MODEL = {
  ...{ id: 'sora-2', object: 'model', created: 1790000000, owned_by: 'holdfast', kind: 'video' },
  prices: [EXAMPLE.price],
} as const;

/** OpenAI's model object, and beside it what is ours: its kind, and its prices as `GET /v1/prices` has them. */
export const Model = z
  .object({
    id: z.string(),
    object: z.literal('model'),
    created: unixTime,
    owned_by: z.literal('holdfast'),
    kind: z.enum(['video', 'text']),
    prices: z.array(z.discriminatedUnion('object', [Price, TextPrice])),
  })
  .openapi('Model', { example: EXAMPLE_MODEL });

export type Model = z.infer<typeof Model>;

export const ModelList = z
  .object({ object: z.literal('list'), data: z.array(Model) })
  .openapi('ModelList', { example: { object: 'list', data: [EXAMPLE_MODEL] } });

/** Every model that is sold now. */
export async function listModels({ ledger }: Pick<ApiDependencies, 'ledger'>): Promise<Model[]> {
  const [models, prices, textPrices] = await Promise.all([
    ledger.listModels(),
    ledger.listPrices(SECONDS.map(Number)),
    ledger.listTextPrices(),
  ]);
  return models.map(({ id, kind, soldSince }) => ({
    ...{ id, object: 'model', created: unixSeconds(soldSince), owned_by: 'holdfast', kind },
    prices:
      kind === 'video'
        ? prices.filter(({ model }) => model === id).map(toPrice)
        : textPrices.filter(({ model }) => model === id).map(toTextPrice),
  }));
}

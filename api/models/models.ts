import { z } from '@hono/zod-openapi';
import { Price, TextPrice, toPrice, toTextPrice } from '../credits/objects.ts';
import { Offer, toOffer } from '../credits/offer.ts';
import { providerNames } from '../generations/providerNames.ts';
import type { ApiDependencies } from '../http/deps.ts';
import { EXAMPLE } from '../http/examples.ts';
import { orNull, unixSeconds, unixTime } from '../http/schemas.ts';

const EXAMPLE_MODEL = {
  ...{ id: 'sora-2', object: 'model', created: 1790000000, owned_by: 'holdfast', kind: 'video' },
  offer: EXAMPLE.offer,
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
    /** Of a video model: in which lengths and sizes it is sold, and with which parameters. */
    offer: orNull(Offer),
    prices: z.array(z.discriminatedUnion('object', [Price, TextPrice])),
  })
  .openapi('Model', { example: EXAMPLE_MODEL });

export type Model = z.infer<typeof Model>;

export const ModelList = z
  .object({ object: z.literal('list'), data: z.array(Model) })
  .openapi('ModelList', { example: { object: 'list', data: [EXAMPLE_MODEL] } });

/** Every model that is sold now. */
export async function listModels(deps: Pick<ApiDependencies, 'ledger' | 'providers'>): Promise<Model[]> {
  const [{ ledger }, providers] = [deps, providerNames(deps)];
  const [models, prices, textPrices, offers] = await Promise.all([
    ledger.listModels(providers),
    ledger.listPrices(providers),
    ledger.listTextPrices(providers),
    ledger.listOffers(providers),
  ]);
  return models.map(({ id, kind, soldSince }) => ({
    ...{ id, object: 'model', created: unixSeconds(soldSince), owned_by: 'holdfast', kind },
    offer: offers.filter(({ model }) => kind === 'video' && model === id).map(toOffer)[0] ?? null,
    prices:
      kind === 'video'
        ? prices.filter(({ model }) => model === id).map(toPrice)
        : textPrices.filter(({ model }) => model === id).map(toTextPrice),
  }));
}

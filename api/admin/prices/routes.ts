import { createRoute } from '@hono/zod-openapi';
import { adminBearer, errorResponses, jsonBody, noQuery, pageResponse, responsesWith } from '../../http/contract.ts';
import type { ApiDependencies } from '../../http/deps.ts';
import { EXAMPLE } from '../../http/examples.ts';
import { keyed } from '../../http/idempotencyKey.ts';
import { listQuery, toList } from '../../http/listing.ts';
import { newRouter } from '../../http/router.ts';
import { plainText } from '../../http/schemas.ts';
import { setOffer, setPrice, setTextPrice } from './handlers.ts';
import {
  OfferSet,
  OfferVersion,
  PriceSet,
  SetOffer,
  SetPrice,
  SetTextPrice,
  TextPriceSet,
  toOfferVersion,
} from './objects.ts';

const CONFLICT = {
  409: 'The price would take effect in the past, or another price takes effect at that time. No price was changed.',
};

const set = createRoute({
  method: 'post',
  path: '/prices',
  operationId: 'setPrice',
  summary: 'Set the price of a video model and size from a given time on; requests admitted earlier keep their price',
  security: adminBearer,
  request: { headers: keyed, query: noQuery, body: jsonBody(SetPrice) },
  responses: responsesWith('The price is set.', PriceSet, 400, 404, 415, 422, CONFLICT),
});

const setText = createRoute({
  method: 'post',
  path: '/text_prices',
  operationId: 'setTextPrice',
  summary: 'Set the token prices of a text model from a given time on; requests admitted earlier keep their price',
  security: adminBearer,
  request: { headers: keyed, query: noQuery, body: jsonBody(SetTextPrice) },
  responses: responsesWith('The price is set.', TextPriceSet, 400, 404, 415, 422, CONFLICT),
});

const offer = createRoute({
  method: 'post',
  path: '/offers',
  operationId: 'setOffer',
  summary: 'Set what is sold of a video model from a given time on: its provider, lengths, sizes and parameters',
  description:
    'The whole offer is replaced: what is left out is as for a model that has prices only, which is sold with 4, 8, 12, 16 and 20 seconds, all of its sizes and no parameters. With `for_sale` false the model is withdrawn. Requests admitted earlier keep their offer.',
  security: adminBearer,
  request: { headers: keyed, query: noQuery, body: jsonBody(SetOffer) },
  responses: responsesWith('The offer is set.', OfferSet, 400, 404, 415, 422, CONFLICT),
});

const listOffers = createRoute({
  method: 'get',
  path: '/offers',
  operationId: 'listOffers',
  summary: 'List every version of every offer, newest first',
  security: adminBearer,
  request: {
    query: listQuery(/^[1-9][0-9]{0,14}$/, EXAMPLE.offerVersion.id).extend({
      model: plainText(100).optional().openapi({ description: 'Only those of this model.', example: 'wan' }),
    }),
  },
  responses: {
    200: pageResponse('OfferVersionList', OfferVersion, EXAMPLE.offerVersion),
    ...errorResponses(400, 401, 404, 500, 503),
  },
});

export function adminPriceRoutes(deps: ApiDependencies) {
  return newRouter()
    .openapi(set, async (c) => c.json(await setPrice(deps, c, c.req.valid('json')), 200))
    .openapi(offer, async (c) => c.json(await setOffer(deps, c, c.req.valid('json')), 200))
    .openapi(listOffers, async (c) => {
      const { limit, order, after, model = null } = c.req.valid('query');
      const page = { limit, order, after: after === undefined ? null : Number(after) };
      const { items, hasMore } = await deps.ledger.listOfferVersions(model, page);
      return c.json(toList(items.map(toOfferVersion), hasMore), 200);
    })
    .openapi(setText, async (c) => c.json(await setTextPrice(deps, c, c.req.valid('json')), 200));
}

import { createRoute } from '@hono/zod-openapi';
import { adminBearer, jsonBody, noQuery, responsesWith } from '../../http/contract.ts';
import type { ApiDependencies } from '../../http/deps.ts';
import { keyed } from '../../http/idempotencyKey.ts';
import { newRouter } from '../../http/router.ts';
import { setPrice, setTextPrice } from './handlers.ts';
import { PriceSet, SetPrice, SetTextPrice, TextPriceSet } from './objects.ts';

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

export function adminPriceRoutes(deps: ApiDependencies) {
  return newRouter()
    .openapi(set, async (c) => c.json(await setPrice(deps, c, c.req.valid('json')), 200))
    .openapi(setText, async (c) => c.json(await setTextPrice(deps, c, c.req.valid('json')), 200));
}

import { createRoute } from '@hono/zod-openapi';
import { adminBearer, jsonBody, noQuery, responsesWith } from '../../http/contract.ts';
import type { ApiDependencies } from '../../http/deps.ts';
import { keyed } from '../../http/idempotencyKey.ts';
import { newRouter } from '../../http/router.ts';
import { setSales } from './handlers.ts';
import { Sales, SetSales, toSales } from './objects.ts';

const get = createRoute({
  method: 'get',
  path: '/sales',
  operationId: 'getSales',
  summary: 'Get whether sales are open, and the reason if they are closed',
  security: adminBearer,
  responses: responsesWith('The current state of sales.', Sales, 404),
});

const set = createRoute({
  method: 'post',
  path: '/sales',
  operationId: 'setSales',
  summary: 'Close or open sales for every account',
  description:
    'While sales are closed, new requests are refused with 503. Generations in progress finish and settle, and repeats of earlier requests are answered.',
  security: adminBearer,
  request: { headers: keyed, query: noQuery, body: jsonBody(SetSales) },
  responses: responsesWith('The new state of sales.', Sales, 400, 404, 415, 422),
});

export function salesRoutes(deps: ApiDependencies) {
  return newRouter()
    .openapi(get, async (c) => c.json(toSales(await deps.ledger.getSales()), 200))
    .openapi(set, async (c) => c.json(await setSales(deps, c, c.req.valid('json')), 200));
}

import { createRoute } from '@hono/zod-openapi';
import { bearer, errorResponses, responsesWith } from '../http/contract.ts';
import type { ApiDependencies } from '../http/deps.ts';
import { newRouter } from '../http/router.ts';
import { acceptsCsv, listHolds, listPrices, listTransactions, transactionsAsCsv } from './handlers.ts';
import { holdsPage, holdsQuery, transactionsPage, transactionsQuery } from './lists.ts';
import { Credits, PriceList, toCredits } from './objects.ts';

const get = createRoute({
  method: 'get',
  path: '/credits',
  operationId: 'getCredits',
  summary: 'Get the available and the held credits',
  description: 'In microcredits: 1 credit is 1,000,000. Held credits are reserved for generations in progress.',
  security: bearer,
  responses: responsesWith('The balance.', Credits),
});

const transactions = createRoute({
  method: 'get',
  path: '/credits/transactions',
  operationId: 'listCreditTransactions',
  summary: 'List the movements of credits that match, the newest first, with the totals of all pages',
  description:
    'With `Accept: text/csv` the page is CSV, of up to 10,000 lines or 8 MB, and a `Link` header leads to the next one. Each line has the balance after it, and what it charged.',
  security: bearer,
  request: { query: transactionsQuery },
  responses: { 200: transactionsPage, ...errorResponses(400, 401, 500, 503) },
});

const holds = createRoute({
  method: 'get',
  path: '/credits/holds',
  operationId: 'listCreditHolds',
  summary: 'List the holds, the newest first',
  description: 'A hold reserves the price of one generation until it is captured (charged) or released (given back).',
  security: bearer,
  request: { query: holdsQuery },
  responses: { 200: holdsPage, ...errorResponses(400, 401, 500, 503) },
});

const prices = createRoute({
  method: 'get',
  path: '/prices',
  operationId: 'listPrices',
  summary: 'List the price of every video model, size and length, and the token prices of every text model',
  description:
    'A request is charged what the list says at the time when it is made, even if a price changes before it ends.',
  security: bearer,
  responses: responsesWith('The current prices.', PriceList),
});

export function creditRoutes(deps: ApiDependencies) {
  return newRouter()
    .openapi(get, async (c) => {
      const { accountId } = c.get('caller');
      return c.json(toCredits(accountId, await deps.ledger.getBalance(accountId)), 200);
    })
    .openapi(transactions, async (c) => {
      const { accountId } = c.get('caller');
      if (acceptsCsv(c)) return transactionsAsCsv(deps, c, accountId, c.req.valid('query'));
      return c.json(await listTransactions(deps, accountId, c.req.valid('query')), 200);
    })
    .openapi(holds, async (c) => c.json(await listHolds(deps, c.get('caller').accountId, c.req.valid('query')), 200))
    .openapi(prices, async (c) => c.json(await listPrices(deps), 200));
}

import { createRoute } from '@hono/zod-openapi';
import {
  acceptsCsv,
  listHolds,
  listTransactions,
  requirePageOfJson,
  transactionsAsCsv,
} from '../../credits/handlers.ts';
import { holdsPage, holdsQuery, transactionsPage, transactionsQuery } from '../../credits/lists.ts';
import { accountParams, adminBearer, errorResponses } from '../../http/contract.ts';
import type { ApiDependencies } from '../../http/deps.ts';
import { newRouter } from '../../http/router.ts';
import { requireAccount } from './handlers.ts';

/** The credits of an account, as its owner sees them. */

const transactions = createRoute({
  method: 'get',
  path: '/accounts/{account_id}/transactions',
  operationId: 'listAccountTransactions',
  summary: 'List the movements of the credits of an account that match, the newest first, as its owner sees them',
  description: 'With the totals of all pages. With `Accept: text/csv` the page is CSV.',
  security: adminBearer,
  request: { params: accountParams, query: transactionsQuery },
  responses: { 200: transactionsPage, ...errorResponses(400, 401, 404, 500, 503) },
});

const holds = createRoute({
  method: 'get',
  path: '/accounts/{account_id}/holds',
  operationId: 'listAccountHolds',
  summary: 'List the holds of an account, the newest first',
  security: adminBearer,
  request: { params: accountParams, query: holdsQuery },
  responses: { 200: holdsPage, ...errorResponses(400, 401, 404, 500, 503) },
});

export function accountCreditRoutes(deps: ApiDependencies) {
  return newRouter()
    .openapi(transactions, async (c) => {
      if (!acceptsCsv(c)) requirePageOfJson(c.req.valid('query'));
      const accountId = await requireAccount(deps, c.req.valid('param').account_id);
      if (acceptsCsv(c)) return transactionsAsCsv(deps, c, accountId, c.req.valid('query'));
      return c.json(await listTransactions(deps, accountId, c.req.valid('query')), 200);
    })
    .openapi(holds, async (c) => {
      const accountId = await requireAccount(deps, c.req.valid('param').account_id);
      return c.json(await listHolds(deps, accountId, c.req.valid('query')), 200);
    });
}

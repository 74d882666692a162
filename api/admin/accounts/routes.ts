import { createRoute } from '@hono/zod-openapi';
import { ACCOUNT_ID } from '../../../contracts/ids.ts';
import {
  accountParams,
  adminBearer,
  errorResponses,
  jsonBody,
  noQuery,
  pageResponse,
  responsesWith,
} from '../../http/contract.ts';
import type { ApiDependencies } from '../../http/deps.ts';
import { EXAMPLE } from '../../http/examples.ts';
import { keyed } from '../../http/idempotencyKey.ts';
import { listQuery } from '../../http/listing.ts';
import { newRouter } from '../../http/router.ts';
import { plainText } from '../../http/schemas.ts';
import { createAccount, freezeAccount, getAccount, grantCredits, listAccounts } from './handlers.ts';
import {
  Account,
  AccountDetails,
  AccountFrozen,
  AccountStanding,
  Freeze,
  Grant,
  GrantCredits,
  NewAccount,
} from './objects.ts';

const create = createRoute({
  method: 'post',
  path: '/accounts',
  operationId: 'createAccount',
  summary: 'Create an account without credits',
  security: adminBearer,
  request: { headers: keyed, query: noQuery, body: jsonBody(NewAccount) },
  responses: responsesWith('The account.', Account, 400, 404, 415, 422),
});

const list = createRoute({
  method: 'get',
  path: '/accounts',
  operationId: 'listAccounts',
  summary: 'List the accounts and their balances, the oldest first',
  security: adminBearer,
  request: {
    query: listQuery(ACCOUNT_ID, EXAMPLE.account.id)
      .omit({ order: true })
      .extend({
        name: plainText(200)
          .optional()
          .openapi({ description: 'Only those whose name has this in it, in upper or lower case.', example: 'Acme' }),
      }),
  },
  responses: {
    200: pageResponse('AccountList', AccountStanding, EXAMPLE.accountStanding),
    ...errorResponses(400, 401, 404, 500, 503),
  },
});

const retrieve = createRoute({
  method: 'get',
  path: '/accounts/{account_id}',
  operationId: 'retrieveAccount',
  summary:
    'Retrieve an account: balances, whether it is frozen and why, its last generation, and what failed in the last 24 hours',
  security: adminBearer,
  request: { params: accountParams, query: noQuery },
  responses: responsesWith('The account.', AccountDetails, 400, 404),
});

const freeze = createRoute({
  method: 'post',
  path: '/accounts/{account_id}/freeze',
  operationId: 'freezeAccount',
  summary: 'Freeze or unfreeze an account: a frozen account gets no new holds, and its active holds settle as usual',
  security: adminBearer,
  request: { params: accountParams, headers: keyed, query: noQuery, body: jsonBody(Freeze) },
  responses: responsesWith('Whether the account is frozen now.', AccountFrozen, 400, 404, 415, 422),
});

const grant = createRoute({
  method: 'post',
  path: '/accounts/{account_id}/grants',
  operationId: 'grantCredits',
  summary: 'Grant credits; a negative amount claws back at most the available credits',
  description: 'Requires an Idempotency-Key, so that a repeat never grants twice.',
  security: adminBearer,
  request: { params: accountParams, headers: keyed, query: noQuery, body: jsonBody(GrantCredits) },
  responses: responsesWith('The amount that was moved.', Grant, 400, 404, 415, 422, {
    402: 'Fewer credits are available than are to be clawed back. No credits were moved.',
  }),
});

export function accountRoutes(deps: ApiDependencies) {
  return newRouter()
    .openapi(create, async (c) => c.json(await createAccount(deps, c, c.req.valid('json')), 200))
    .openapi(list, async (c) => c.json(await listAccounts(deps, c.req.valid('query')), 200))
    .openapi(retrieve, async (c) => c.json(await getAccount(deps, c.req.valid('param').account_id), 200))
    .openapi(freeze, async (c) => {
      return c.json(await freezeAccount(deps, c, c.req.valid('param').account_id, c.req.valid('json')), 200);
    })
    .openapi(grant, async (c) => {
      return c.json(await grantCredits(deps, c, c.req.valid('param').account_id, c.req.valid('json')), 200);
    });
}

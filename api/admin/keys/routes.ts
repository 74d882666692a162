import { createRoute, z } from '@hono/zod-openapi';
import { API_KEY_ID } from '../../../contracts/ids.ts';
import {
  accountParams,
  adminBearer,
  errorResponses,
  jsonBody,
  noQuery,
  optionalJsonBody,
  pageResponse,
  responsesWith,
} from '../../http/contract.ts';
import type { ApiDependencies } from '../../http/deps.ts';
import { EXAMPLE } from '../../http/examples.ts';
import { keyed } from '../../http/idempotencyKey.ts';
import { listQuery } from '../../http/listing.ts';
import { newRouter } from '../../http/router.ts';
import { ADMIN_EXAMPLE } from '../examples.ts';
import { createKey, listKeys, revokeKey, rotateKey } from './handlers.ts';
import { KeyAndSpending, KeyRevoked, NewKey, RotateKey, ShownKey } from './objects.ts';

const keyParams = accountParams.extend({
  key_id: z.string().openapi({ description: 'The id of an API key.', example: EXAMPLE.apiKey.id }),
});

const create = createRoute({
  method: 'post',
  path: '/accounts/{account_id}/keys',
  operationId: 'createApiKey',
  summary: 'Create an API key; only this response shows the key',
  security: adminBearer,
  request: { params: accountParams, headers: keyed, query: noQuery, body: jsonBody(NewKey) },
  responses: responsesWith('The key.', ShownKey, 400, 404, 415, 422),
});

const list = createRoute({
  method: 'get',
  path: '/accounts/{account_id}/keys',
  operationId: 'listApiKeys',
  summary: 'List the API keys of an account with their limits and spending, the oldest first',
  description: 'Includes keys that were revoked or have expired.',
  security: adminBearer,
  request: { params: accountParams, query: listQuery(API_KEY_ID, EXAMPLE.apiKey.id).omit({ order: true }) },
  responses: {
    200: pageResponse('ApiKeyList', KeyAndSpending, ADMIN_EXAMPLE.apiKeyAndSpending),
    ...errorResponses(400, 401, 404, 500, 503),
  },
});

const rotate = createRoute({
  method: 'post',
  path: '/accounts/{account_id}/keys/{key_id}/rotate',
  operationId: 'rotateApiKey',
  summary: 'Replace an API key by a new one with the same settings',
  description:
    'The old key ends at once, or after `expires_in_seconds`. Both count towards the same limits. Only this response shows the new key.',
  security: adminBearer,
  request: { params: keyParams, headers: keyed, query: noQuery, body: optionalJsonBody(RotateKey) },
  responses: responsesWith('The new key.', ShownKey, 400, 404, 415, 422),
});

const revoke = createRoute({
  method: 'delete',
  path: '/accounts/{account_id}/keys/{key_id}',
  operationId: 'revokeApiKey',
  summary: 'Revoke an API key, immediately and permanently',
  security: adminBearer,
  request: { params: keyParams, query: noQuery },
  responses: responsesWith('The key is revoked.', KeyRevoked, 400, 404),
});

export function keyRoutes(deps: ApiDependencies) {
  return newRouter()
    .openapi(create, async (c) => {
      return c.json(await createKey(deps, c, c.req.valid('param').account_id, c.req.valid('json')), 200);
    })
    .openapi(list, async (c) => {
      return c.json(await listKeys(deps, c.req.valid('param').account_id, c.req.valid('query')), 200);
    })
    .openapi(rotate, async (c) => c.json(await rotateKey(deps, c, c.req.valid('param'), c.req.valid('json')), 200))
    .openapi(revoke, async (c) => c.json(await revokeKey(deps, c.req.valid('param')), 200));
}

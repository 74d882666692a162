import { createRoute } from '@hono/zod-openapi';
import { bearer, endpointParams, jsonBody, noQuery, responsesWith } from '../../http/contract.ts';
import type { ApiDependencies } from '../../http/deps.ts';
import { EXAMPLE, pageOf } from '../../http/examples.ts';
import { keyed } from '../../http/idempotencyKey.ts';
import { listOf } from '../../http/listing.ts';
import { newRouter } from '../../http/router.ts';
import {
  createEndpoint,
  deleteEndpoint,
  enableEndpoint,
  getEndpoint,
  listEndpoints,
  rotateSecret,
} from './handlers.ts';
import { Endpoint, EndpointCreated, EndpointDeleted, NewEndpoint, SecretRotated } from './objects.ts';

/** Webhook endpoints of a tenant: Standard Webhooks, see docs/webhooks.md. */

const create = createRoute({
  method: 'post',
  path: '/webhook_endpoints',
  operationId: 'createWebhookEndpoint',
  summary: 'Create a webhook endpoint; only this response shows its secret',
  security: bearer,
  request: { headers: keyed, query: noQuery, body: jsonBody(NewEndpoint) },
  responses: responsesWith(
    'The endpoint. It receives an event for each settlement from now on.',
    EndpointCreated,
    400,
    413,
    415,
    422,
  ),
});

const list = createRoute({
  method: 'get',
  path: '/webhook_endpoints',
  operationId: 'listWebhookEndpoints',
  summary: 'List all webhook endpoints, the newest first; an account has ten at most',
  security: bearer,
  responses: responsesWith(
    'All webhook endpoints.',
    listOf(Endpoint).openapi('WebhookEndpointList', { example: pageOf(EXAMPLE.webhookEndpoint) }),
  ),
});

const get = createRoute({
  method: 'get',
  path: '/webhook_endpoints/{endpoint_id}',
  operationId: 'getWebhookEndpoint',
  summary: 'Get a webhook endpoint',
  security: bearer,
  request: { params: endpointParams },
  responses: responsesWith('The endpoint.', Endpoint, 404),
});

const remove = createRoute({
  method: 'delete',
  path: '/webhook_endpoints/{endpoint_id}',
  operationId: 'deleteWebhookEndpoint',
  summary: 'Delete a webhook endpoint; nothing more is sent to it',
  security: bearer,
  request: { params: endpointParams, query: noQuery },
  responses: responsesWith('The endpoint is deleted.', EndpointDeleted, 400, 404),
});

const rotate = createRoute({
  method: 'post',
  path: '/webhook_endpoints/{endpoint_id}/rotate_secret',
  operationId: 'rotateWebhookSecret',
  summary: 'Create a new secret, shown only in this response; the previous secret keeps signing for 24 hours',
  security: bearer,
  request: { params: endpointParams, headers: keyed, query: noQuery },
  responses: responsesWith(
    'The new secret. Events are signed with both secrets from now on.',
    SecretRotated,
    400,
    404,
    422,
  ),
});

const enable = createRoute({
  method: 'post',
  path: '/webhook_endpoints/{endpoint_id}/enable',
  operationId: 'enableWebhookEndpoint',
  summary: 'Enable a webhook endpoint that was disabled',
  security: bearer,
  request: { params: endpointParams, query: noQuery },
  responses: responsesWith('The endpoint. It receives an event for each settlement from now on.', Endpoint, 400, 404),
});

export function webhookEndpointRoutes(deps: ApiDependencies) {
  return newRouter()
    .openapi(create, async (c) => c.json(await createEndpoint(deps, c, c.req.valid('json')), 200))
    .openapi(list, async (c) => c.json(await listEndpoints(deps, c.get('caller').accountId), 200))
    .openapi(get, async (c) => {
      return c.json(await getEndpoint(deps, c.get('caller').accountId, c.req.valid('param').endpoint_id), 200);
    })
    .openapi(remove, async (c) => {
      return c.json(await deleteEndpoint(deps, c.get('caller').accountId, c.req.valid('param').endpoint_id), 200);
    })
    .openapi(rotate, async (c) => c.json(await rotateSecret(deps, c, c.req.valid('param').endpoint_id), 200))
    .openapi(enable, async (c) => {
      return c.json(await enableEndpoint(deps, c.get('caller').accountId, c.req.valid('param').endpoint_id), 200);
    });
}

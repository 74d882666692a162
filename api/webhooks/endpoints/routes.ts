import { createRoute } from '@hono/zod-openapi';
import { endpointParams, jsonBody, noQuery, responsesWith } from '../../http/contract.ts';
import type { ApiDependencies } from '../../http/deps.ts';
import { EXAMPLE, pageOf } from '../../http/examples.ts';
import { keyed } from '../../http/idempotencyKey.ts';
import { listOf } from '../../http/listing.ts';
import { newRouter } from '../../http/router.ts';
import type { EndpointOwner } from '../owner.ts';
import {
  createEndpoint,
  deleteEndpoint,
  enableEndpoint,
  getEndpoint,
  listEndpoints,
  rotateSecret,
} from './handlers.ts';
import { Endpoint, EndpointCreated, EndpointDeleted, NewEndpoint, SecretRotated } from './objects.ts';

/** Webhook endpoints of a tenant or of the operator: Standard Webhooks, see docs/webhooks.md. */

const EndpointList = listOf(Endpoint).openapi('WebhookEndpointList', { example: pageOf(EXAMPLE.webhookEndpoint) });

function contractsFor({ security, operation, events }: EndpointOwner) {
  // A schema of its own for each: a null is an absent field below /v1, and refused below /admin.
  const body = NewEndpoint.openapi(operation('Create', 'WebhookEndpointBody'), {
    example: EXAMPLE.newWebhookEndpoint,
  });
  const create = createRoute({
    method: 'post',
    path: '/webhook_endpoints',
    operationId: operation('create', 'WebhookEndpoint'),
    summary: 'Create a webhook endpoint; only this response shows its secret',
    security,
    request: { headers: keyed, query: noQuery, body: jsonBody(body) },
    responses: responsesWith(`The endpoint. It receives ${events} from now on.`, EndpointCreated, 400, 413, 415, 422),
  });

  const list = createRoute({
    method: 'get',
    path: '/webhook_endpoints',
    operationId: operation('list', 'WebhookEndpoints'),
    summary: 'List all webhook endpoints, the newest first; there are ten at most',
    security,
    responses: responsesWith('All webhook endpoints.', EndpointList),
  });

  const get = createRoute({
    method: 'get',
    path: '/webhook_endpoints/{endpoint_id}',
    operationId: operation('get', 'WebhookEndpoint'),
    summary: 'Get a webhook endpoint',
    security,
    request: { params: endpointParams },
    responses: responsesWith('The endpoint.', Endpoint, 404),
  });

  const remove = createRoute({
    method: 'delete',
    path: '/webhook_endpoints/{endpoint_id}',
    operationId: operation('delete', 'WebhookEndpoint'),
    summary: 'Delete a webhook endpoint; nothing more is sent to it',
    security,
    request: { params: endpointParams, query: noQuery },
    responses: responsesWith('The endpoint is deleted.', EndpointDeleted, 400, 404),
  });

  const rotate = createRoute({
    method: 'post',
    path: '/webhook_endpoints/{endpoint_id}/rotate_secret',
    operationId: operation('rotate', 'WebhookSecret'),
    summary: 'Create a new secret, shown only in this response; the previous secret keeps signing for 24 hours',
    security,
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
    operationId: operation('enable', 'WebhookEndpoint'),
    summary: 'Enable a webhook endpoint that was disabled',
    security,
    request: { params: endpointParams, query: noQuery },
    responses: responsesWith(`The endpoint. It receives ${events} from now on.`, Endpoint, 400, 404),
  });

  return { create, list, get, remove, rotate, enable };
}

export function webhookEndpointRoutes(deps: ApiDependencies, owner: EndpointOwner) {
  const { create, list, get, remove, rotate, enable } = contractsFor(owner);
  return newRouter()
    .openapi(create, async (c) => c.json(await createEndpoint(deps, c, owner.of(c), c.req.valid('json')), 200))
    .openapi(list, async (c) => c.json(await listEndpoints(deps, owner.of(c)), 200))
    .openapi(get, async (c) => c.json(await getEndpoint(deps, owner.of(c), c.req.valid('param').endpoint_id), 200))
    .openapi(remove, async (c) => {
      return c.json(await deleteEndpoint(deps, owner.of(c), c.req.valid('param').endpoint_id), 200);
    })
    .openapi(rotate, async (c) => {
      return c.json(await rotateSecret(deps, c, owner.of(c), c.req.valid('param').endpoint_id), 200);
    })
    .openapi(enable, async (c) => {
      return c.json(await enableEndpoint(deps, owner.of(c), c.req.valid('param').endpoint_id), 200);
    });
}

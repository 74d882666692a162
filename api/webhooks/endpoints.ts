import { randomBytes } from 'node:crypto';
import { createRoute, z } from '@hono/zod-openapi';
import { v7 as uuidv7 } from 'uuid';
import { webhookEndpointId } from '../../contracts/ids.ts';
import { WEBHOOK_EVENTS } from '../../contracts/webhooks.ts';
import type { WebhookEndpoint } from '../../store/index.ts';
import { faultOfWebhookUrl } from '../../outbound/index.ts';
import type { ApiDependencies } from '../http/deps.ts';
import { ApiError, notFound } from '../http/errors.ts';
import { EXAMPLE, pageOf } from '../http/examples.ts';
import { listOf, toList } from '../http/listing.ts';
import { keyed } from '../http/idempotencyKey.ts';
import type { Inside } from '../http/once.ts';
import { answerOnce, shownOnce } from '../http/once.ts';
import { newRouter } from '../http/router.ts';
import { bearer, errorResponses, jsonContent, noQuery } from '../http/contract.ts';
import { unixSeconds } from '../http/schemas.ts';

/** Where a tenant hears of the end of its videos: Standard Webhooks, docs/webhooks.md. */

const moment = z.number().int();
const fields = {
  id: z.string(),
  object: z.literal('webhook_endpoint'),
  url: z.string(),
  events: z.array(z.enum(WEBHOOK_EVENTS)),
  status: z.enum(['enabled', 'disabled']),
  disabled_reason: z.enum(['gone', 'failing']).nullable(),
  failing_since: moment.nullable(),
  created_at: moment,
};
const Endpoint = z.object(fields).openapi('WebhookEndpoint', { example: EXAMPLE.webhookEndpoint });
const NewEndpoint = z
  .object({ ...fields, secret: z.string().nullable(), ...shownOnce })
  .openapi('WebhookEndpointCreated', { example: EXAMPLE.webhookEndpointCreated });
const Deleted = z
  .object({ id: z.string(), object: z.literal('webhook_endpoint.deleted'), deleted: z.literal(true) })
  .openapi('WebhookEndpointDeleted', { example: EXAMPLE.webhookEndpointDeleted });
const Rotated = z
  .object({
    id: z.string(),
    object: z.literal('webhook_endpoint.secret'),
    secret: z.string().nullable(),
    previous_secret_valid_until: moment,
    ...shownOnce,
  })
  .openapi('WebhookSecretRotated', { example: EXAMPLE.webhookSecretRotated });

const answersWith = <Schema extends z.ZodType>(description: string, schema: Schema, ...errors: number[]) => ({
  200: { description, content: jsonContent(schema) },
  ...errorResponses(401, 500, 503, ...errors),
});
const one = { params: z.object({ endpoint_id: z.string().openapi({ param: { name: 'endpoint_id', in: 'path' } }) }) };

const create = createRoute({
  method: 'post',
  path: '/webhook_endpoints',
  operationId: 'createWebhookEndpoint',
  summary: 'Be told when a video is completed or has failed; the secret is shown this once',
  security: bearer,
  request: {
    headers: keyed,
    query: noQuery,
    body: {
      required: true,
      content: jsonContent(
        z
          .strictObject({
            url: z.string().openapi({ example: 'https://example.com/webhooks/holdfast' }),
            events: z
              .array(z.enum(WEBHOOK_EVENTS))
              .min(1)
              .max(20)
              .default([...WEBHOOK_EVENTS]),
          })
          .openapi('NewWebhookEndpoint', { example: EXAMPLE.newWebhookEndpoint }),
      ),
    },
  },
  responses: answersWith('It is told of every settlement from now on.', NewEndpoint, 400, 413, 415, 422),
});

const list = createRoute({
  method: 'get',
  path: '/webhook_endpoints',
  operationId: 'listWebhookEndpoints',
  summary: 'All of them, the newest first; there are ten at most',
  security: bearer,
  responses: answersWith(
    'All of them.',
    listOf(Endpoint).openapi('WebhookEndpointList', { example: pageOf(EXAMPLE.webhookEndpoint) }),
  ),
});

const get = createRoute({
  method: 'get',
  path: '/webhook_endpoints/{endpoint_id}',
  operationId: 'getWebhookEndpoint',
  summary: 'One endpoint, as it stands',
  security: bearer,
  request: one,
  responses: answersWith('As it stands.', Endpoint, 404),
});

const remove = createRoute({
  method: 'delete',
  path: '/webhook_endpoints/{endpoint_id}',
  operationId: 'deleteWebhookEndpoint',
  summary: 'Nothing more is sent to it',
  security: bearer,
  request: { ...one, query: noQuery },
  responses: answersWith('It is deleted.', Deleted, 400, 404),
});

const rotate = createRoute({
  method: 'post',
  path: '/webhook_endpoints/{endpoint_id}/rotate_secret',
  operationId: 'rotateWebhookSecret',
  summary: 'A new secret, shown this once; the one before signs beside it for 24 hours',
  security: bearer,
  request: { ...one, headers: keyed, query: noQuery },
  responses: answersWith('Both sign from now on.', Rotated, 400, 404, 422),
});

const enable = createRoute({
  method: 'post',
  path: '/webhook_endpoints/{endpoint_id}/enable',
  operationId: 'enableWebhookEndpoint',
  summary: 'Send again to an endpoint that was disabled',
  security: bearer,
  request: { ...one, query: noQuery },
  responses: answersWith('It is told of every settlement from now on.', Endpoint, 400, 404),
});

export function webhookEndpointRoutes(deps: ApiDependencies) {
  const { store, webhookAllowPrivate } = deps;
  const shown = async (accountId: string, id: string, inside: Inside = deps) => {
    const endpoint = await inside.store.getWebhookEndpoint(accountId, id);
    if (endpoint === undefined) throw notFound('This webhook endpoint');
    return toEndpoint(endpoint);
  };
  return newRouter()
    .openapi(create, async (c) => {
      const { accountId } = c.get('caller');
      const body = c.req.valid('json');
      const make = async (inside: Inside) => {
        const fault = faultOfWebhookUrl(body.url, webhookAllowPrivate);
        if (fault !== undefined) throw new ApiError('invalid_request', `url: ${fault}.`, { param: 'url' });
        const id = webhookEndpointId(uuidv7());
        const secret = newSecret();
        const made = { accountId, id, url: body.url, events: [...new Set(body.events)], secret };
        const { outcome } = await inside.store.createWebhookEndpoint(made);
        if (outcome === 'too_many') {
          throw new ApiError('invalid_request', 'There are ten webhook endpoints already; delete one of them first.');
        }
        return { ...(await shown(accountId, id, inside)), secret };
      };
      return c.json(await answerOnce<z.infer<typeof NewEndpoint>>(deps, c, body, make, 'secret'), 200);
    })
    .openapi(list, async (c) => {
      const endpoints = await store.listWebhookEndpoints(c.get('caller').accountId);
      return c.json(toList(endpoints.map(toEndpoint), false), 200);
    })
    .openapi(get, async (c) => c.json(await shown(c.get('caller').accountId, c.req.valid('param').endpoint_id), 200))
    .openapi(remove, async (c) => {
      const id = c.req.valid('param').endpoint_id;
      const deleted = await store.deleteWebhookEndpoint(c.get('caller').accountId, id);
      if (!deleted) throw notFound('This webhook endpoint');
      return c.json({ id, object: 'webhook_endpoint.deleted' as const, deleted: true as const }, 200);
    })
    .openapi(rotate, async (c) => {
      const { accountId } = c.get('caller');
      const id = c.req.valid('param').endpoint_id;
      const make = async (inside: Inside) => {
        const secret = newSecret();
        const validUntil = await inside.store.rotateWebhookSecret(accountId, id, secret);
        if (validUntil === undefined) throw notFound('This webhook endpoint');
        const object = 'webhook_endpoint.secret' as const;
        return { id, object, secret, previous_secret_valid_until: unixSeconds(validUntil) };
      };
      return c.json(await answerOnce<z.infer<typeof Rotated>>(deps, c, {}, make, 'secret'), 200);
    })
    .openapi(enable, async (c) => {
      const id = c.req.valid('param').endpoint_id;
      const { accountId } = c.get('caller');
      await store.enableWebhookEndpoint(accountId, id);
      return c.json(await shown(accountId, id), 200);
    });
}

/** 256 random bits, as Standard Webhooks write them. */
function newSecret(): string {
  return `whsec_${randomBytes(32).toString('base64')}`;
}

function toEndpoint(endpoint: WebhookEndpoint): z.infer<typeof Endpoint> {
  const { id, url, events, disabledAt, disabledReason, failingSince, createdAt } = endpoint;
  return {
    id,
    object: 'webhook_endpoint',
    url,
    events: [...events],
    status: disabledAt === null ? 'enabled' : 'disabled',
    disabled_reason: disabledReason,
    failing_since: failingSince === null ? null : unixSeconds(failingSince),
    created_at: unixSeconds(createdAt),
  };
}

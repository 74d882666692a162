import { createRoute, z } from '@hono/zod-openapi';
import { EVENT_ID } from '../../contracts/ids.ts';
import type { WebhookDelivery } from '../../contracts/webhooks.ts';
import { WEBHOOK_EVENTS } from '../../contracts/webhooks.ts';
import type { LoggedDelivery } from '../../store/index.ts';
import type { ApiDependencies } from '../http/deps.ts';
import { ApiError, notFound } from '../http/errors.ts';
import { EXAMPLE, pageOf } from '../http/examples.ts';
import { listOf, listQuery, toList } from '../http/listing.ts';
import { newRouter } from '../http/router.ts';
import { bearer, errorResponses, jsonContent, noQuery } from '../http/contract.ts';
import { unixSeconds } from '../http/schemas.ts';

/** What became of the messages to an endpoint, and asking for one again. */

const moment = z.number().int();
const Delivery = z
  .object({
    id: z.string(),
    object: z.literal('webhook_delivery'),
    type: z.enum(WEBHOOK_EVENTS),
    video_id: z.string(),
    state: z.enum(['pending', 'delivered', 'failed']),
    attempts: z.number().int(),
    last_status: z.number().int().nullable(),
    last_error: z.string().nullable(),
    last_attempt_at: moment.nullable(),
    next_attempt_at: moment.nullable(),
    created_at: moment,
  })
  .openapi('WebhookDelivery', { example: EXAMPLE.webhookDelivery });

const pathParam = (name: string) => z.string().openapi({ param: { name, in: 'path' } });

const log = createRoute({
  method: 'get',
  path: '/webhook_endpoints/{endpoint_id}/deliveries',
  operationId: 'listWebhookDeliveries',
  summary: 'What was sent, or is to be, and what came of it; of the newest videos first',
  security: bearer,
  request: {
    params: z.object({ endpoint_id: pathParam('endpoint_id') }),
    query: listQuery(EVENT_ID, 'evt_019a0000000070008000000000000000').omit({ order: true }),
  },
  responses: {
    200: {
      description: 'A page.',
      content: jsonContent(
        listOf(Delivery).openapi('WebhookDeliveryList', { example: pageOf(EXAMPLE.webhookDelivery) }),
      ),
    },
    ...errorResponses(400, 401, 404, 500, 503),
  },
});

const Asked = z
  .object({ id: z.string(), object: z.literal('webhook_delivery'), state: z.literal('pending') })
  .openapi('WebhookRedelivery', { example: EXAMPLE.webhookRedelivery });

const redeliver = createRoute({
  method: 'post',
  path: '/webhook_endpoints/{endpoint_id}/deliveries/{delivery_id}/redeliver',
  operationId: 'redeliverWebhook',
  summary: 'Send it again, now, under the same webhook-id',
  security: bearer,
  request: {
    params: z.object({ endpoint_id: pathParam('endpoint_id'), delivery_id: pathParam('delivery_id') }),
    query: noQuery,
  },
  responses: {
    200: { description: 'It is being sent.', content: jsonContent(Asked) },
    ...errorResponses(400, 401, 404, 409, 500, 503),
  },
});

export function webhookDeliveryRoutes(deps: ApiDependencies) {
  const { store } = deps;
  return newRouter()
    .openapi(log, async (c) => {
      const { accountId } = c.get('caller');
      const endpointId = c.req.valid('param').endpoint_id;
      const { limit, after = null } = c.req.valid('query');
      const endpoint = await store.getWebhookEndpoint(accountId, endpointId);
      if (endpoint === undefined) throw notFound('This webhook endpoint');
      const found = await store.listWebhookDeliveries({ accountId, endpointId }, after, limit + 1);
      return c.json(toList(found.slice(0, limit).map(toDelivery), found.length > limit), 200);
    })
    .openapi(redeliver, async (c) => {
      const { endpoint_id: endpointId, delivery_id: eventId } = c.req.valid('param');
      const delivery = { accountId: c.get('caller').accountId, endpointId, eventId };
      const outcome = await store.redeliverWebhook(delivery);
      if (outcome === 'unknown') throw notFound('This delivery');
      if (outcome === 'disabled') {
        throw new ApiError(
          'webhook_endpoint_disabled',
          'This endpoint is disabled; enable it first. Nothing was sent.',
          {
            headers: { 'x-should-retry': 'false' },
          },
        );
      }
      if (outcome === 'asked') await sendNow(deps, delivery);
      return c.json({ id: eventId, object: 'webhook_delivery' as const, state: 'pending' as const }, 200);
    });
}

/** It is on record that it is to be sent: where Temporal does not hear of it now, the reconciler starts it. */
async function sendNow({ temporal, log: logger }: ApiDependencies, delivery: WebhookDelivery): Promise<void> {
  try {
    await temporal.webhookDeliveries.sendNow(delivery);
  } catch (error) {
    logger.warn({ err: error, eventId: delivery.eventId }, 'a redelivery could not be started; the reconciler will');
  }
}

function toDelivery(delivery: LoggedDelivery): z.infer<typeof Delivery> {
  const { eventId, type, generationId, state, attempts, lastStatus, lastError } = delivery;
  const { occurredAt, lastAttemptAt, nextAttemptAt } = delivery;
  return {
    id: eventId,
    object: 'webhook_delivery',
    type,
    video_id: generationId,
    state,
    attempts,
    last_status: lastStatus,
    last_error: lastError,
    last_attempt_at: lastAttemptAt === null ? null : unixSeconds(lastAttemptAt),
    next_attempt_at: nextAttemptAt === null ? null : unixSeconds(nextAttemptAt),
    created_at: unixSeconds(occurredAt),
  };
}

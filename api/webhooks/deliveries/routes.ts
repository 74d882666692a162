import { createRoute, z } from '@hono/zod-openapi';
import { EVENT_ID } from '../../../contracts/ids.ts';
import { bearer, endpointParams, errorResponses, noQuery, pageResponse, responsesWith } from '../../http/contract.ts';
import type { ApiDependencies } from '../../http/deps.ts';
import { EXAMPLE } from '../../http/examples.ts';
import { listQuery } from '../../http/listing.ts';
import { newRouter } from '../../http/router.ts';
import { listDeliveries, redeliver } from './handlers.ts';
import { Delivery, Redelivery } from './objects.ts';

const list = createRoute({
  method: 'get',
  path: '/webhook_endpoints/{endpoint_id}/deliveries',
  operationId: 'listWebhookDeliveries',
  summary: 'List the deliveries to a webhook endpoint, those of the newest videos first',
  security: bearer,
  request: { params: endpointParams, query: listQuery(EVENT_ID, EXAMPLE.webhookDelivery.id).omit({ order: true }) },
  responses: {
    200: pageResponse('WebhookDeliveryList', Delivery, EXAMPLE.webhookDelivery),
    ...errorResponses(400, 401, 404, 500, 503),
  },
});

const deliveryParams = endpointParams.extend({
  delivery_id: z.string().openapi({ description: 'The id of a delivery.', example: EXAMPLE.webhookDelivery.id }),
});

const again = createRoute({
  method: 'post',
  path: '/webhook_endpoints/{endpoint_id}/deliveries/{delivery_id}/redeliver',
  operationId: 'redeliverWebhook',
  summary: 'Send an event again, now, with the same webhook-id',
  security: bearer,
  request: { params: deliveryParams, query: noQuery },
  responses: responsesWith('The event is being sent.', Redelivery, 400, 404, {
    409: 'The endpoint is disabled. Nothing was sent.',
  }),
});

export function webhookDeliveryRoutes(deps: ApiDependencies) {
  return newRouter()
    .openapi(list, async (c) => {
      const { accountId } = c.get('caller');
      return c.json(await listDeliveries(deps, accountId, c.req.valid('param').endpoint_id, c.req.valid('query')), 200);
    })
    .openapi(again, async (c) => {
      const { endpoint_id: endpointId, delivery_id: eventId } = c.req.valid('param');
      return c.json(await redeliver(deps, { accountId: c.get('caller').accountId, endpointId, eventId }), 200);
    });
}

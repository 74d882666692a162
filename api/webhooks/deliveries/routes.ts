import { createRoute, z } from '@hono/zod-openapi';
import { EVENT_ID } from '../../../contracts/ids.ts';
import { endpointParams, errorResponses, noQuery, pageResponse, responsesWith } from '../../http/contract.ts';
import type { ApiDependencies } from '../../http/deps.ts';
import { EXAMPLE } from '../../http/examples.ts';
import { listQuery } from '../../http/listing.ts';
import { newRouter } from '../../http/router.ts';
import type { EndpointOwner } from '../owner.ts';
import { listDeliveries, redeliver } from './handlers.ts';
import { Delivery, Redelivery } from './objects.ts';

const DeliveryPage = pageResponse('WebhookDeliveryList', Delivery, EXAMPLE.webhookDelivery);

const deliveryParams = endpointParams.extend({
  delivery_id: z.string().openapi({ description: 'The id of a delivery.', example: EXAMPLE.webhookDelivery.id }),
});

function contractsFor({ security, operation }: EndpointOwner) {
  const list = createRoute({
    method: 'get',
    path: '/webhook_endpoints/{endpoint_id}/deliveries',
    operationId: operation('list', 'WebhookDeliveries'),
    summary: 'List the deliveries to a webhook endpoint, those of the newest videos first',
    security,
    request: { params: endpointParams, query: listQuery(EVENT_ID, EXAMPLE.webhookDelivery.id).omit({ order: true }) },
    responses: { 200: DeliveryPage, ...errorResponses(400, 401, 404, 500, 503) },
  });

  const again = createRoute({
    method: 'post',
    path: '/webhook_endpoints/{endpoint_id}/deliveries/{delivery_id}/redeliver',
    operationId: operation('redeliver', 'Webhook'),
    summary: 'Send an event again, now, with the same webhook-id',
    security,
    request: { params: deliveryParams, query: noQuery },
    responses: responsesWith('The event is being sent.', Redelivery, 400, 404, {
      409: 'The endpoint is disabled. Nothing was sent.',
    }),
  });

  return { list, again };
}

export function webhookDeliveryRoutes(deps: ApiDependencies, owner: EndpointOwner) {
  const { list, again } = contractsFor(owner);
  return newRouter()
    .openapi(list, async (c) => {
      const { endpoint_id: endpointId } = c.req.valid('param');
      return c.json(await listDeliveries(deps, owner.of(c), endpointId, c.req.valid('query')), 200);
    })
    .openapi(again, async (c) => {
      const { endpoint_id: endpointId, delivery_id: eventId } = c.req.valid('param');
      return c.json(await redeliver(deps, { owner: owner.of(c), endpointId, eventId }), 200);
    });
}

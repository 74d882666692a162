import { createRoute, z } from '@hono/zod-openapi';
import { responsesWith } from '../http/contract.ts';
import type { ApiDependencies } from '../http/deps.ts';
import { EXAMPLE } from '../http/examples.ts';
import { newRouter } from '../http/router.ts';
import { receiveEvent } from './handlers.ts';

const Received = z.object({ received: z.literal(true) }).openapi('WebhookReceived', { example: { received: true } });
const header = z.string().optional();

const receive = createRoute({
  method: 'post',
  path: '/webhooks/openai',
  operationId: 'receiveProviderWebhook',
  summary:
    'Receive an event of the provider, signed according to Standard Webhooks; it only makes Holdfast poll sooner',
  request: {
    headers: z.object({ 'webhook-id': header, 'webhook-timestamp': header, 'webhook-signature': header }),
    body: { content: { 'text/plain': { schema: z.string(), example: EXAMPLE.providerEvent } } },
  },
  responses: responsesWith('The event was received.', Received, 404, 413),
});

/**
 * Webhooks of the provider. They move no credits: they make the workflow poll, and only what it retrieves counts (MR-4). Every
 * event with a valid signature is answered 200, because the provider would send it again otherwise.
 */
export function providerEventRoutes(deps: ApiDependencies) {
  return newRouter().openapi(receive, async (c) => {
    await receiveEvent(deps, c.req.raw.headers, await c.req.text());
    return c.json({ received: true as const }, 200);
  });
}

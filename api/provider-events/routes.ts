import { createRoute, z } from '@hono/zod-openapi';
import { responsesWith } from '../http/contract.ts';
import type { ApiDependencies } from '../http/deps.ts';
import { EXAMPLE } from '../http/examples.ts';
import { newRouter } from '../http/router.ts';
import { receiveEvent } from './handlers.ts';

const Received = z.object({ received: z.literal(true) }).openapi('WebhookReceived', { example: { received: true } });
const header = (description: string) => z.string().optional().openapi({ description });

const receive = createRoute({
  method: 'post',
  path: '/webhooks/{provider}',
  operationId: 'receiveProviderWebhook',
  summary: 'Receive an event of a provider, signed according to Standard Webhooks',
  description:
    'For a provider. An event moves no credits: it makes Holdfast ask the provider sooner, and only that answer counts.',
  request: {
    params: z.object({
      provider: z.string().openapi({
        description: 'The provider’s name in the settings; `openai` where there is one without a name.',
        example: 'openai',
      }),
    }),
    headers: z.object({
      'webhook-id': header('The id of the event.'),
      'webhook-timestamp': header('When it was sent, in seconds since 1970.'),
      'webhook-signature': header('The signatures of id, time and body, each as `v1,<base64>`.'),
    }),
    body: { content: { 'text/plain': { schema: z.string(), example: EXAMPLE.providerEvent } } },
  },
  responses: responsesWith('The event was received.', Received, 413, {
    401: 'The signature is missing or wrong, or the event is too old.',
    404: 'There is no such provider, or no secret is configured for its webhooks.',
  }),
});

/**
 * Webhooks of the provider. They move no credits: they make the workflow poll, and only what it retrieves counts (MR-4). Every
 * event with a valid signature is answered 200, because the provider would send it again otherwise.
 */
export function providerEventRoutes(deps: ApiDependencies) {
  return newRouter().openapi(receive, async (c) => {
    await receiveEvent(deps, c.req.valid('param').provider, c.req.raw.headers, await c.req.text());
    return c.json({ received: true as const }, 200);
  });
}

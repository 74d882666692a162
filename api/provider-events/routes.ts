import { createRoute, z } from '@hono/zod-openapi';
import { readWebhook } from '../../provider/index.ts';
import type { ApiDependencies, WebhookOutcome } from '../http/deps.ts';
import { ApiError, notFound } from '../http/errors.ts';
import { EXAMPLE } from '../http/examples.ts';
import { newRouter } from '../http/router.ts';
import { errorResponses } from '../http/contract.ts';

const Received = z.object({ received: z.literal(true) }).openapi('WebhookReceived', { example: { received: true } });
const signed = (name: string) =>
  z
    .string()
    .optional()
    .openapi({ param: { name, in: 'header' } });

const receive = createRoute({
  method: 'post',
  path: '/webhooks/openai',
  operationId: 'receiveProviderWebhook',
  summary: 'An event of the provider, signed as Standard Webhooks say; it only makes us look sooner',
  request: {
    headers: z.object({
      'webhook-id': signed('webhook-id'),
      'webhook-timestamp': signed('webhook-timestamp'),
      'webhook-signature': signed('webhook-signature'),
    }),
    body: { content: { 'text/plain': { schema: z.string(), example: EXAMPLE.providerEvent } } },
  },
  responses: {
    200: { description: 'Received.', content: { 'application/json': { schema: Received } } },
    ...errorResponses(401, 404, 413, 500, 503),
  },
});

/**
 * The provider's webhooks. They move no credits: the workflow is told to look, and believes what it retrieves (MR-4).
 * Whatever a signed event is about, it is answered 200, or the provider would send it again.
 */
export function webhookRoutes(deps: ApiDependencies) {
  const { webhookSecret, countWebhook } = deps;
  return newRouter().openapi(receive, async (c) => {
    if (webhookSecret === undefined) throw notFound('This route');
    const outcome = await take(deps, webhookSecret, c.req.raw.headers, await c.req.text());
    countWebhook(outcome);
    if (outcome === 'unverified') {
      throw new ApiError('invalid_signature', 'The signature does not verify. Nothing was done.');
    }
    return c.json({ received: true as const }, 200);
  });
}

async function take(deps: ApiDependencies, secret: string, headers: Headers, body: string): Promise<WebhookOutcome> {
  const read = await readWebhook(secret, headers, body);
  if (read.outcome !== 'video') return read.outcome;
  const recorded = await deps.store.recordProviderEvent(deps.provider.name, read);
  if (recorded.outcome === 'nudge') await nudge(deps, recorded.generationId);
  return recorded.outcome;
}

/** One that is lost costs time, never credits: the workflow's timers look on, and the reconciler where there is none. */
async function nudge({ temporal, log }: ApiDependencies, generationId: string): Promise<void> {
  try {
    await temporal.generations.nudge(generationId);
  } catch (error) {
    log.warn({ err: error, generationId }, 'a workflow could not be told of an event; its timers look on');
  }
}

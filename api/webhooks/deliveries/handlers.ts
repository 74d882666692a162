import type { WebhookDelivery } from '../../../contracts/webhooks.ts';
import type { ApiDependencies } from '../../http/deps.ts';
import { ApiError, NOT_RETRIED, notFound } from '../../http/errors.ts';
import { toPage } from '../../http/listing.ts';
import { unknownEndpoint } from '../endpoints/handlers.ts';
import type { Redelivery } from './objects.ts';
import { toDelivery } from './objects.ts';

export async function listDeliveries(
  { store }: Pick<ApiDependencies, 'store'>,
  accountId: string,
  endpointId: string,
  { limit, after = null }: { limit: number; after?: string | null | undefined },
) {
  const endpoint = await store.getWebhookEndpoint(accountId, endpointId);
  if (endpoint === undefined) throw unknownEndpoint();
  return toPage(await store.listWebhookDeliveries({ accountId, endpointId }, after, limit + 1), limit, toDelivery);
}

export async function redeliver(
  { store, temporal, log }: Pick<ApiDependencies, 'store' | 'temporal' | 'log'>,
  delivery: WebhookDelivery,
): Promise<Redelivery> {
  const { eventId } = delivery;
  const outcome = await store.redeliverWebhook(delivery);
  if (outcome === 'unknown') throw notFound('This delivery');
  if (outcome === 'disabled') throw endpointDisabled();
  if (outcome === 'asked') {
    // It is recorded as due by now: if Temporal cannot start it, the reconciler does.
    await temporal.webhookDeliveries.sendNow(delivery).catch((error: unknown) => {
      log.warn({ err: error, eventId }, 'a redelivery could not be started; the reconciler will start it');
    });
  }
  return { id: eventId, object: 'webhook_delivery', state: 'pending' };
}

function endpointDisabled(): ApiError {
  return new ApiError('webhook_endpoint_disabled', 'This endpoint is disabled, so nothing is sent to it.', {
    ...NOT_RETRIED,
    advice: 'Enable it first.',
  });
}

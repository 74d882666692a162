import type { WebhookDelivery } from '../../../contracts/webhooks.ts';
import type { ApiDependencies } from '../../http/deps.ts';
import { ApiError, NOT_RETRIED, notFound } from '../../http/errors.ts';
import { toPage } from '../../http/listing.ts';
import { unknownEndpoint } from '../endpoints/handlers.ts';
import type { Redelivery } from './objects.ts';
import { toDelivery } from './objects.ts';

export async function listDeliveries(
  { store }: Pick<ApiDependencies, 'store'>,
  owner: string,
  endpointId: string,
  { limit, after = null }: { limit: number; after?: string | null | undefined },
) {
  const endpoint = await store.getWebhookEndpoint(owner, endpointId);
  if (endpoint === undefined) throw unknownEndpoint();
  return toPage(await store.listWebhookDeliveries({ owner, endpointId }, after, limit + 1), limit, toDelivery);
}

export async function redeliver(
  { store, temporal, log }: Pick<ApiDependencies, 'store' | 'temporal' | 'log'>,
  delivery: WebhookDelivery,
): Promise<Redelivery> {
  const { eventId } = delivery;
  const asked = await store.redeliverWebhook(delivery);
  if (asked.outcome === 'unknown') throw notFound('This delivery');
  if (asked.outcome === 'disabled') throw endpointDisabled();
  if (asked.outcome === 'asked') {
    const { accountId } = asked;
    // It is recorded as due by now: if Temporal cannot start it, the reconciler does.
    await temporal.webhookDeliveries.sendNow({ ...delivery, accountId }).catch((error: unknown) => {
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

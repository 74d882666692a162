import { Context } from '@temporalio/activity';
import type {
  Sent,
  WebhookDelivery,
  WebhookLedgerActivities,
  WebhookOutboundActivities,
} from '../contracts/webhooks.ts';
import type { WebhookToSend } from '../store/index.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { Slots } from './slots.ts';

/**
 * The queue is shared with the archive and has 100 slots a process: copies take 40 (outboundActivities.ts). One tenant's receivers,
 * each of which may keep us waiting for ten seconds, never hold more than a few (MR-92).
 */
const AT_ONCE = 50;
const OF_ONE_TENANT = 8;

export function createWebhookLedgerActivities({ store }: Pick<ActivityDependencies, 'store'>): WebhookLedgerActivities {
  return {
    listWebhooks: ({ generationId }) => store.listWebhooks(generationId),
    listOverdueWebhooks: ({ seed, limit }) => store.listOverdueWebhooks(seed, limit),
  };
}

type Dependencies = Pick<ActivityDependencies, 'store' | 'webhooks' | 'count'>;

export function createWebhookOutboundActivities(deps: Dependencies): WebhookOutboundActivities {
  const slots = new Slots(AT_ONCE, OF_ONE_TENANT);
  return {
    sendWebhook: ({ retryInMs, ...delivery }) =>
      slots.run(delivery.accountId, () => sendWebhook(deps, delivery, retryInMs)),
  };
}

async function sendWebhook(
  { store, webhooks, count }: Dependencies,
  delivery: WebhookDelivery,
  retryInMs: number | null,
): Promise<Sent> {
  const { eventId: id } = delivery;
  const message = await store.getWebhookToSend(delivery);
  if (message === undefined) return { outcome: 'over' };
  const { url, secrets } = message;
  // A worker that ends waits for no receiver: another one sends it again, under the same id.
  const { cancellationSignal } = Context.current();
  const answer = await webhooks.send({ id, url, secrets, body: bodyOf(id, message) }, cancellationSignal);
  const { state, disabled } = await store.recordWebhookAttempt(delivery, { ...answer, retryInMs });
  if (disabled) count('webhook_endpoint_disabled');
  if (state === 'pending') return { outcome: 'failed', why: answer.error ?? 'not accepted' };
  return { outcome: state === 'delivered' ? 'delivered' : 'over' };
}

/** As OpenAI's own events: what happened and to which video. No prompt; who wants more asks with a key. */
function bodyOf(id: string, { type, occurredAt, generationId }: WebhookToSend): string {
  const createdAt = Math.floor(occurredAt.getTime() / 1000);
  return JSON.stringify({ id, object: 'event', created_at: createdAt, type, data: { id: generationId } });
}

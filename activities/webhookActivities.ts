import { Context } from '@temporalio/activity';
import { OPERATOR } from '../contracts/webhooks.ts';
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
 * The queue is shared with the archive and has 100 slots in a process, of which copies take 40 (outboundActivities.ts). The
 * receivers of one owner, each of which may delay us for ten seconds, hold only a few of them; and of the operator's few, the
 * events of one account take half at most (MR-92).
 */
const AT_ONCE = 50;
const OF_ONE_OWNER = 8;
const TO_OPERATOR_OF_ONE_ACCOUNT = 4;

export function createWebhookLedgerActivities({ store }: Pick<ActivityDependencies, 'store'>): WebhookLedgerActivities {
  return {
    listOverdueWebhooks: ({ seed, limit }) => store.listOverdueWebhooks(seed, limit),
  };
}

type Dependencies = Pick<ActivityDependencies, 'store' | 'webhooks' | 'count'>;

export function createWebhookOutboundActivities(deps: Dependencies): WebhookOutboundActivities {
  const slots = new Slots(AT_ONCE, OF_ONE_OWNER);
  const atOperator = new Slots(OF_ONE_OWNER, TO_OPERATOR_OF_ONE_ACCOUNT);
  return {
    sendWebhook: ({ accountId, retryInMs, ...delivery }) => {
      const send = () => sendWebhook(deps, delivery, retryInMs);
      const { owner } = delivery;
      return slots.run(owner, owner === OPERATOR ? () => atOperator.run(accountId, send) : send);
    },
  };
}

async function sendWebhook(
  { store, webhooks, count }: Dependencies,
  delivery: WebhookDelivery,
  retryInMs: number | null,
): Promise<Sent> {
  const { eventId: id, owner } = delivery;
  const message = await store.getWebhookToSend(delivery);
  if (message === undefined) return { outcome: 'over' };
  const { url, secrets } = message;
  // A worker that shuts down does not wait for receivers: another sends the message again with the same id.
  const { cancellationSignal } = Context.current();
  const answer = await webhooks.send({ id, owner, url, secrets, body: bodyOf(id, owner, message) }, cancellationSignal);
  const { state, disabled } = await store.recordWebhookAttempt(delivery, { ...answer, retryInMs });
  if (disabled) count('webhook_endpoint_disabled');
  if (state === 'pending') return { outcome: 'failed', why: answer.error ?? 'not accepted' };
  return { outcome: state === 'delivered' ? 'delivered' : 'over' };
}

/**
 * In the form of OpenAI's events: what happened to which video, with the client's own references, and for the operator whose
 * video it is. Contains no prompt; the API tells more to holders of a key.
 */
function bodyOf(id: string, owner: string, message: WebhookToSend): string {
  const { type, occurredAt, generationId, accountId, user, metadata } = message;
  const createdAt = Math.floor(occurredAt.getTime() / 1000);
  const data = { id: generationId, ...(owner === OPERATOR ? { account_id: accountId } : {}), user, metadata };
  return JSON.stringify({ id, object: 'event', created_at: createdAt, type, data });
}

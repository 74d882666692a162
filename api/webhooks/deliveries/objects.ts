import { z } from '@hono/zod-openapi';
import { WEBHOOK_EVENTS } from '../../../contracts/webhooks.ts';
import type { LoggedDelivery } from '../../../store/index.ts';
import { EXAMPLE } from '../../http/examples.ts';
import { unixSeconds, unixSecondsOrNull, unixTime } from '../../http/schemas.ts';

export const Delivery = z
  .object({
    id: z.string(),
    object: z.literal('webhook_delivery'),
    type: z.enum(WEBHOOK_EVENTS),
    account_id: z.string().openapi({ description: 'The account that the event is about.' }),
    video_id: z.string(),
    state: z.enum(['pending', 'delivered', 'failed']),
    attempts: z.number().int(),
    last_status: z.number().int().nullable(),
    last_error: z.string().nullable(),
    last_attempt_at: unixTime.nullable(),
    next_attempt_at: unixTime.nullable(),
    created_at: unixTime,
  })
  .openapi('WebhookDelivery', { example: EXAMPLE.webhookDelivery });

export const Redelivery = z
  .object({ id: z.string(), object: z.literal('webhook_delivery'), state: z.literal('pending') })
  .openapi('WebhookRedelivery', { example: EXAMPLE.webhookRedelivery });
export type Redelivery = z.infer<typeof Redelivery>;

export function toDelivery(delivery: LoggedDelivery): z.infer<typeof Delivery> {
  const { eventId, type, accountId, generationId, state, attempts, lastStatus, lastError } = delivery;
  return {
    id: eventId,
    object: 'webhook_delivery',
    type,
    account_id: accountId,
    video_id: generationId,
    state,
    attempts,
    last_status: lastStatus,
    last_error: lastError,
    last_attempt_at: unixSecondsOrNull(delivery.lastAttemptAt),
    next_attempt_at: unixSecondsOrNull(delivery.nextAttemptAt),
    created_at: unixSeconds(delivery.occurredAt),
  };
}

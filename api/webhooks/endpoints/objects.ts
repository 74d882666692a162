import { z } from '@hono/zod-openapi';
import { WEBHOOK_EVENTS } from '../../../contracts/webhooks.ts';
import type { WebhookEndpoint } from '../../../store/index.ts';
import { EXAMPLE } from '../../http/examples.ts';
import { shownOnce } from '../../http/once.ts';
import { unixSeconds, unixSecondsOrNull, unixTime } from '../../http/schemas.ts';

export const NewEndpoint = z.strictObject({
  url: z.string().openapi({ example: EXAMPLE.webhookEndpoint.url }),
  events: z
    .array(z.enum(WEBHOOK_EVENTS))
    .min(1)
    .max(20)
    .default([...WEBHOOK_EVENTS]),
});
export type NewEndpoint = z.output<typeof NewEndpoint>;

const fields = {
  id: z.string(),
  object: z.literal('webhook_endpoint'),
  url: z.string(),
  events: z.array(z.enum(WEBHOOK_EVENTS)),
  status: z.enum(['enabled', 'disabled']),
  disabled_reason: z.enum(['gone', 'failing']).nullable(),
  failing_since: unixTime.nullable(),
  created_at: unixTime,
};
export const Endpoint = z.object(fields).openapi('WebhookEndpoint', { example: EXAMPLE.webhookEndpoint });
export type Endpoint = z.infer<typeof Endpoint>;

export const EndpointCreated = z
  .object({ ...fields, secret: z.string().nullable(), ...shownOnce })
  .openapi('WebhookEndpointCreated', { example: EXAMPLE.webhookEndpointCreated });
export type EndpointCreated = z.infer<typeof EndpointCreated>;

export const EndpointDeleted = z
  .object({ id: z.string(), object: z.literal('webhook_endpoint.deleted'), deleted: z.literal(true) })
  .openapi('WebhookEndpointDeleted', { example: EXAMPLE.webhookEndpointDeleted });
export type EndpointDeleted = z.infer<typeof EndpointDeleted>;

export const SecretRotated = z
  .object({
    id: z.string(),
    object: z.literal('webhook_endpoint.secret'),
    secret: z.string().nullable(),
    previous_secret_valid_until: unixTime,
    ...shownOnce,
  })
  .openapi('WebhookSecretRotated', { example: EXAMPLE.webhookSecretRotated });
export type SecretRotated = z.infer<typeof SecretRotated>;

export function toEndpoint(endpoint: WebhookEndpoint): Endpoint {
  const { id, url, events, disabledAt, disabledReason, failingSince, createdAt } = endpoint;
  return {
    id,
    object: 'webhook_endpoint',
    url,
    events: [...events],
    status: disabledAt === null ? 'enabled' : 'disabled',
    disabled_reason: disabledReason,
    failing_since: unixSecondsOrNull(failingSince),
    created_at: unixSeconds(createdAt),
  };
}

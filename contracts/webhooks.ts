import type { SignalDefinition } from '@temporalio/common';

/**
 * Webhooks out. An *event* is told once a settlement, under one id; a *delivery* is an event on its way to one *endpoint* of
 * its account; a *try* is one request of ours. Histories carry these ids only: no address, no secret, no body.
 */

export const WEBHOOK_EVENTS = ['video.completed', 'video.failed'] as const;
export type WebhookEvent = (typeof WEBHOOK_EVENTS)[number];

export const DELIVER_WEBHOOK = 'deliverWebhook';

export interface WebhookDelivery {
  readonly accountId: string;
  readonly endpointId: string;
  readonly eventId: string;
}

export interface DeliverWebhookInput extends WebhookDelivery {
  /** Made by an earlier run that was lost: its schedule is gone on with. */
  readonly tries: number;
}

/** One run at a time a delivery, whoever starts it. */
export function deliveryWorkflowId({ endpointId, eventId }: WebhookDelivery): string {
  return `${eventId}:${endpointId}`;
}

/** Asked for once more: the wait for the next try is over. The database has it on record before. */
export const SEND_NOW = { type: 'signal', name: 'sendNow' } as SignalDefinition<[], 'sendNow'>;

/** What a try came to. `over`: nothing is to be sent any more (delivered before, or the endpoint is deleted or disabled). */
export type Sent =
  | { readonly outcome: 'delivered' | 'over' }
  /** The answer's status, or the kind of trouble, in words. */
  | { readonly outcome: 'failed'; readonly why: string };

/** On the ledger's queue: short. */
export interface WebhookLedgerActivities {
  /** The deliveries of this generation's settlement that are still to be made; mostly none. Changes nothing. */
  listWebhooks(input: { generationId: string }): Promise<readonly DeliverWebhookInput[]>;
  /** Deliveries, in an order of the seed's own, whose time has passed and that nobody has tried. Changes nothing. */
  listOverdueWebhooks(input: { seed: string; limit: number }): Promise<readonly DeliverWebhookInput[]>;
}

/** On the outbound queue. */
export interface WebhookOutboundActivities {
  /**
   * Sends once, within ten seconds, and records what came of it. `retryInMs`: when the next try comes; null gives the
   * delivery up. After a crash in between it is sent again: receivers know a repeat by its id. Raises a retryable failure
   * when the account's share of the queue is taken.
   */
  sendWebhook(input: WebhookDelivery & { retryInMs: number | null }): Promise<Sent>;
}

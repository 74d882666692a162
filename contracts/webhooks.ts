import type { SignalDefinition } from '@temporalio/common';

/**
 * Webhooks to tenants and to the operator. Each settlement has one *event*, with one id; a *delivery* takes an event to one
 * *endpoint*, of its account or of the operator; a *try* is one HTTP request. Histories carry these ids only: no URL, no
 * secret, no body.
 */

/** The owner of the endpoints that are told of every account. The owner of any other endpoint is an account, by its id. */
export const OPERATOR = 'operator';

export const WEBHOOK_EVENTS = ['video.completed', 'video.failed'] as const;
export type WebhookEvent = (typeof WEBHOOK_EVENTS)[number];

export const DELIVER_WEBHOOK = 'deliverWebhook';

export interface WebhookDelivery {
  /** The endpoint's: an account's id, or `OPERATOR`. */
  readonly owner: string;
  readonly endpointId: string;
  readonly eventId: string;
}

export interface WebhookToDeliver extends WebhookDelivery {
  /** The account that the event is about. */
  readonly accountId: string;
}

export interface DeliverWebhookInput extends WebhookToDeliver {
  /** Tries of an earlier run that was lost; this run continues their schedule. */
  readonly tries: number;
}

/** One id for each delivery, so that it never has two runs at once, whoever starts them. */
export function deliveryWorkflowId({ endpointId, eventId }: WebhookDelivery): string {
  return `${eventId}:${endpointId}`;
}

/** Ends the wait for the next try. The request is on record before this is sent. */
export const SEND_NOW = { type: 'signal', name: 'sendNow' } as SignalDefinition<[], 'sendNow'>;

/** The result of a try. `over`: there is nothing left to send (delivered before, or the endpoint is deleted or disabled). */
export type Sent =
  | { readonly outcome: 'delivered' | 'over' }
  /** The status of the response, or what went wrong, in words. */
  | { readonly outcome: 'failed'; readonly why: string };

/** On the ledger's queue: each is short. */
export interface WebhookLedgerActivities {
  /** Overdue deliveries that nobody has tried, in an order that the seed determines. Changes nothing. */
  listOverdueWebhooks(input: { seed: string; limit: number }): Promise<readonly DeliverWebhookInput[]>;
}

/** On the outbound queue. */
export interface WebhookOutboundActivities {
  /**
   * Sends once, within ten seconds, and records the result. `retryInMs`: when the next try comes; null gives the delivery up.
   * After a crash between the two it is sent again: receivers recognise a repeat by its id. Raises a retryable failure when the
   * owner's share of the queue is in use, or the event's account's part of the operator's share.
   */
  sendWebhook(input: WebhookToDeliver & { retryInMs: number | null }): Promise<Sent>;
}

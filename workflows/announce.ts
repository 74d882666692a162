import { ParentClosePolicy, startChild } from '@temporalio/workflow';
import { PRIORITY, SEARCH_ATTRIBUTE } from '../contracts/temporal.ts';
import type { DeliverWebhookInput } from '../contracts/webhooks.ts';
import { DELIVER_WEBHOOK, deliveryWorkflowId } from '../contracts/webhooks.ts';
import type { deliverWebhook } from './deliverWebhook.ts';

/** Starts one delivery workflow for each endpoint that must be told of the outcome, and waits for none of them. */
export async function announce(deliveries: readonly DeliverWebhookInput[]): Promise<void> {
  for (const delivery of deliveries) await startDelivery(delivery);
}

/** Starts the delivery without waiting for its end; returns false when it already runs. */
export async function startDelivery(delivery: DeliverWebhookInput): Promise<boolean> {
  try {
    await startChild<typeof deliverWebhook>(DELIVER_WEBHOOK, {
      workflowId: deliveryWorkflowId(delivery),
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      priority: PRIORITY.afterwards,
      parentClosePolicy: ParentClosePolicy.ABANDON,
      args: [delivery],
      typedSearchAttributes: [{ key: SEARCH_ATTRIBUTE.account, value: delivery.accountId }],
      staticSummary: 'Delivers a webhook',
    });
    return true;
  } catch (error) {
    // Compared by name: workflow code may not import the package that has its class.
    if (error instanceof Error && error.name === 'WorkflowExecutionAlreadyStartedError') return false;
    throw error;
  }
}

import { ParentClosePolicy, proxyLocalActivities, startChild, TemporalFailure } from '@temporalio/workflow';
import { SEARCH_ATTRIBUTE } from '../contracts/temporal.ts';
import type { DeliverWebhookInput, WebhookLedgerActivities } from '../contracts/webhooks.ts';
import { DELIVER_WEBHOOK, deliveryWorkflowId } from '../contracts/webhooks.ts';
import type { deliverWebhook } from './deliverWebhook.ts';

// A local activity, because most accounts have no endpoint, and then this costs the history a single event. If the list can't
// be read soon, the reconciler starts the deliveries: the settlement has recorded them.
const local = proxyLocalActivities<WebhookLedgerActivities>({
  summary: 'find the webhooks that tell of the outcome',
  startToCloseTimeout: '5 seconds',
  scheduleToCloseTimeout: '10 seconds',
  retry: { maximumAttempts: 3, initialInterval: '500 milliseconds' },
});

/** Starts one delivery workflow for each endpoint that must be told of the outcome, and waits for none of them. */
export async function announce(generationId: string): Promise<void> {
  try {
    const deliveries = await local.listWebhooks({ generationId });
    for (const delivery of deliveries) await startDelivery(delivery);
  } catch (error) {
    // The failure of a local activity is not wrapped in an ActivityFailure.
    if (!(error instanceof TemporalFailure)) throw error;
  }
}

/** Starts the delivery without waiting for its end; returns false when it already runs. */
export async function startDelivery(delivery: DeliverWebhookInput): Promise<boolean> {
  try {
    await startChild<typeof deliverWebhook>(DELIVER_WEBHOOK, {
      workflowId: deliveryWorkflowId(delivery),
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
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

import { ParentClosePolicy, proxyLocalActivities, startChild, TemporalFailure } from '@temporalio/workflow';
import { SEARCH_ATTRIBUTE } from '../contracts/temporal.ts';
import type { DeliverWebhookInput, WebhookLedgerActivities } from '../contracts/webhooks.ts';
import { DELIVER_WEBHOOK, deliveryWorkflowId } from '../contracts/webhooks.ts';
import type { deliverWebhook } from './deliverWebhook.ts';

// Local: mostly there is nothing to tell, and that should cost a history one event. What can't be read soon is left to the
// reconciler, for the settlement has put it on record.
const local = proxyLocalActivities<WebhookLedgerActivities>({
  startToCloseTimeout: '5 seconds',
  scheduleToCloseTimeout: '10 seconds',
  retry: { maximumAttempts: 3, initialInterval: '500 milliseconds' },
});

/** Tells the account's endpoints what became of its video, each by a workflow of its own, and waits for none of them. */
export async function announce(generationId: string): Promise<void> {
  try {
    const deliveries = await local.listWebhooks({ generationId });
    for (const delivery of deliveries) await startDelivery(delivery);
  } catch (error) {
    // A local activity's failure comes as it is, not inside an ActivityFailure.
    if (!(error instanceof TemporalFailure)) throw error;
  }
}

/** Starts the delivery, and goes on while it runs; false when it runs already. */
export async function startDelivery(delivery: DeliverWebhookInput): Promise<boolean> {
  try {
    await startChild<typeof deliverWebhook>(DELIVER_WEBHOOK, {
      workflowId: deliveryWorkflowId(delivery),
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      parentClosePolicy: ParentClosePolicy.ABANDON,
      args: [delivery],
      typedSearchAttributes: [{ key: SEARCH_ATTRIBUTE.account, value: delivery.accountId }],
      staticSummary: 'A webhook to a tenant',
    });
    return true;
  } catch (error) {
    // By name: its class is in a package that workflow code may not import.
    if (error instanceof Error && error.name === 'WorkflowExecutionAlreadyStartedError') return false;
    throw error;
  }
}

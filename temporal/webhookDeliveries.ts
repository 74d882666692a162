import type { Client } from '@temporalio/client';
import { PRIORITY, SEARCH_ATTRIBUTE, TASK_QUEUE } from '../contracts/temporal.ts';
import type { DeliverWebhookInput, WebhookToDeliver } from '../contracts/webhooks.ts';
import { DELIVER_WEBHOOK, deliveryWorkflowId, SEND_NOW } from '../contracts/webhooks.ts';

/** An HTTP request waits for it. */
const SEND_NOW_TIMEOUT_MS = 3000;

export function createWebhookDeliveries(client: Client) {
  return {
    /** Makes the delivery's workflow try again at once, and starts it where none runs. */
    async sendNow(delivery: WebhookToDeliver): Promise<void> {
      await client.withDeadline(Date.now() + SEND_NOW_TIMEOUT_MS, () =>
        client.workflow.signalWithStart<(input: DeliverWebhookInput) => Promise<void>>(DELIVER_WEBHOOK, {
          workflowId: deliveryWorkflowId(delivery),
          taskQueue: TASK_QUEUE.workflowsAndLedger,
          args: [{ ...delivery, tries: 0 }],
          signal: SEND_NOW,
          workflowIdReusePolicy: 'ALLOW_DUPLICATE',
          typedSearchAttributes: [{ key: SEARCH_ATTRIBUTE.account, value: delivery.accountId }],
          priority: PRIORITY.afterwards,
          staticSummary: 'Delivers a webhook that was asked for once more',
        }),
      );
    },
  };
}

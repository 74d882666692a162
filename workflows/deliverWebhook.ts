import { condition, setHandler } from '@temporalio/workflow';
import type { DeliverWebhookInput } from '../contracts/webhooks.ts';
import { SEND_NOW } from '../contracts/webhooks.ts';
import { webhooks } from './activities.ts';
import { describe } from './describe.ts';

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

/** The delay after each failed try, 23 h 43 min in all. The try after the last delay is the last one. */
const RETRY_AFTER_MS: readonly number[] = [
  5 * SECOND_MS,
  30 * SECOND_MS,
  2 * MINUTE_MS,
  10 * MINUTE_MS,
  30 * MINUTE_MS,
  HOUR_MS,
  2 * HOUR_MS,
  4 * HOUR_MS,
  7 * HOUR_MS,
  9 * HOUR_MS,
];

/**
 * Delivers one event to one endpoint, retrying for about a day until the endpoint accepts it. The database decides what is
 * still to be sent and keeps the log. A request to send it again (`SEND_NOW`) ends the wait. No credits depend on it.
 */
export async function deliverWebhook({ tries, ...delivery }: DeliverWebhookInput): Promise<void> {
  let sendNow = false;
  setHandler(SEND_NOW, () => {
    sendNow = true;
  });
  for (let made = tries; ;) {
    const retryInMs = RETRY_AFTER_MS[made] ?? null;
    made += 1;
    sendNow = false;
    const sent = await webhooks(`try ${made} of ${RETRY_AFTER_MS.length + 1}`).sendWebhook({ ...delivery, retryInMs });
    if (sent.outcome === 'failed' && retryInMs !== null) {
      describe(`Try ${made}: ${sent.why}. The next try follows within ${retryInMs / SECOND_MS} s.`);
      await condition(() => sendNow, retryInMs, { summary: `before the next try: ${sent.why}` });
    } else if (isAskedForAgain()) {
      // The request came after the end was recorded and before the workflow ended.
      made = 0;
    } else {
      describe(sent.outcome === 'delivered' ? 'Delivered.' : 'Nothing more is to be sent.');
      return;
    }
  }

  // A function, because the compiler doesn't know that the handler sets the variable.
  function isAskedForAgain(): boolean {
    return sendNow;
  }
}

import { condition, setHandler } from '@temporalio/workflow';
import type { DeliverWebhookInput } from '../contracts/webhooks.ts';
import { SEND_NOW } from '../contracts/webhooks.ts';
import { webhooks } from './activities.ts';
import { describe } from './describe.ts';

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

/** The waits after each try that failed, 23 h 43 min in all; the try after the last one is the last. */
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
 * Brings one event to one endpoint: tries until it is accepted, for about a day. The database decides what is still to be
 * sent and keeps the log; who asks for a delivery again ends the wait. Credits have nothing to do with it.
 */
export async function deliverWebhook({ tries, ...delivery }: DeliverWebhookInput): Promise<void> {
  let askedFor = false;
  setHandler(SEND_NOW, () => {
    askedFor = true;
  });
  for (let made = tries; ;) {
    const retryInMs = RETRY_AFTER_MS[made] ?? null;
    made += 1;
    askedFor = false;
    const sent = await webhooks(`try ${made} of ${RETRY_AFTER_MS.length + 1}`).sendWebhook({ ...delivery, retryInMs });
    if (sent.outcome === 'failed' && retryInMs !== null) {
      describe(`Try ${made}: ${sent.why}. The next one comes within ${retryInMs / SECOND_MS} s.`);
      await condition(() => askedFor, retryInMs, { summary: `before the next try: ${sent.why}` });
    } else if (isAskedForAgain()) {
      // Between the record of this end and the workflow's own.
      made = 0;
    } else {
      describe(sent.outcome === 'delivered' ? 'Delivered.' : 'Nothing is to be sent any more.');
      return;
    }
  }

  // A function, for the compiler does not see the handler set it.
  function isAskedForAgain(): boolean {
    return askedFor;
  }
}

import type { OutboundActivities } from '../contracts/activities.ts';
import { archiveContent } from './archiveContent.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { Slots } from './slots.ts';

/**
 * A worker has 100 slots of this queue. Copies take at most this many and webhooks at most 50 (webhookActivities.ts), so neither
 * delays the other and a slot is always free for polling. One account's copies leave most of them to other accounts.
 */
const COPIES_AT_ONCE = 40;
const COPIES_OF_ONE_ACCOUNT = 16;

/** Copies contents into the archive, after the hold is settled. */
export function createOutboundActivities(deps: ActivityDependencies): OutboundActivities {
  const slots = new Slots(COPIES_AT_ONCE, COPIES_OF_ONE_ACCOUNT);
  return {
    archiveContent: ({ generationId, accountId }) => slots.run(accountId, () => archiveContent(deps, generationId)),
  };
}

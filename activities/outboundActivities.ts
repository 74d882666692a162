import type { OutboundActivities } from '../contracts/activities.ts';
import { archiveContent } from './archiveContent.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { Slots } from './slots.ts';

/**
 * The queue has 100 slots in a worker: copies take at most these, webhooks at most 50 (webhookActivities.ts), so neither keeps
 * the other waiting, and a slot is always free to poll with. One account's copies leave most of them to others'.
 */
const COPIES_AT_ONCE = 40;
const COPIES_OF_ONE_ACCOUNT = 16;

/** What goes elsewhere, after the credits: the hold is settled before any of this begins. */
export function createOutboundActivities(deps: ActivityDependencies): OutboundActivities {
  const slots = new Slots(COPIES_AT_ONCE, COPIES_OF_ONE_ACCOUNT);
  return {
    archiveContent: ({ generationId, accountId }) => slots.run(accountId, () => archiveContent(deps, generationId)),
  };
}

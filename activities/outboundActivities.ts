import type { OutboundActivities } from '../contracts/activities.ts';
import { archiveContent } from './archiveContent.ts';
import type { ActivityDependencies } from './dependencies.ts';

/** What goes elsewhere, after the credits: the hold is settled before any of this begins. */
export function createOutboundActivities(deps: ActivityDependencies): OutboundActivities {
  return {
    archiveContent: ({ generationId }) => archiveContent(deps, generationId),
  };
}

import { Context } from '@temporalio/activity';
import type { ApplicationFailure } from '@temporalio/common';
import { URGENT } from '../contracts/activities.ts';
import { askForTurn, type Call, type TakeTurn } from '../provider/index.ts';
import type { CallUrgency } from '../store/index.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { busy } from './transient.ts';

type Dependencies = {
  readonly store: Pick<ActivityDependencies['store'], 'takeTurn'>;
  readonly count: ActivityDependencies['count'];
};

const URGENCY: Record<Call['kind'], CallUrgency> = {
  rest: 'urgent',
  // It must follow its look closely, and there are few.
  cancel: 'urgent',
  look: 'look',
  list: 'look',
  // Others find out later what it would have told.
  sweep: 'other',
  models: 'other',
  content: 'other',
  delete: 'other',
};

/**
 * Takes the turn of an activity's call. Raises a retryable failure when there is none yet: Temporal brings the activity again when
 * its turn comes, so a wait takes no slot and adds no event.
 */
export function takeTurnOfActivity({ store, count }: Dependencies): TakeTurn {
  return async ({ kind, identity, requestsPerMinute }) => {
    const { info, cancellationSignal } = Context.current();
    const wanted = {
      ...{ provider: identity, requestsPerMinute },
      urgency: info.priority?.priorityKey === URGENT ? 'urgent' : URGENCY[kind],
      // One that is tried once would keep its place from others and not come. The sweep goes last: it takes no place at all.
      waiter:
        kind === 'sweep' || info.retryPolicy?.maximumAttempts === 1
          ? null
          : `${info.workflowExecution?.workflowId} ${info.activityId}`,
    } as const;
    const { waitMs } = await askForTurn(kind, () => store.takeTurn(wanted), cancellationSignal);
    if (waitMs === 0) return;
    // The sweep counts its own.
    throw noTurn({ count: kind === 'sweep' ? uncounted : count }, { provider: identity, waitMs });
  };
}

const uncounted = () => undefined;

/** For a call that has no turn, and so for an attempt that was not begun. Counts it. */
export function noTurn(
  { count }: Pick<Dependencies, 'count'>,
  { provider, waitMs }: { readonly provider: string; readonly waitMs: number },
): ApplicationFailure {
  count('provider_busy');
  return busy(provider.split('@')[0] ?? provider, waitMs);
}

import { Context } from '@temporalio/activity';
import type { Look, ProviderActivities } from '../contracts/activities.ts';
import { nextLookDelayMs, untilOverdueMs } from '../contracts/pollPlan.ts';
import { notYet } from './transient.ts';

type Input = Parameters<ProviderActivities['watchVideo']>[0];

/** The server ends an activity at once when its next try would come too late: the last tries come before that. */
const BEFORE_THE_END_MS = 1000;

/**
 * Looks by the poll plan, with one look in each try of the activity; see `ProviderActivities.watchVideo`. Right after the submission
 * there is nothing to see, so the first try only says when the next one comes. All times are the server's: clocks aren't compared.
 */
export async function watchVideo({ plan, createdAgoMs, ...video }: Input, look: (video: Omit<Input, 'plan' | 'createdAgoMs'>) => Promise<Look>): Promise<Look> {
  const { attempt, scheduledTimestampMs, currentAttemptScheduledTimestampMs, scheduleToCloseTimeoutMs } = Context.current().info;
  const runningMs = currentAttemptScheduledTimestampMs - scheduledTimestampMs;
  const elapsedMs = createdAgoMs + runningMs;
  const isEarly = attempt === 1 && (!plan.providerEventsExpected || untilOverdueMs(plan, elapsedMs) > 0);
  if (!isEarly) {
    const seen = await look(video);
    if (seen.verdict !== 'open' || seen.cancelWanted) return seen;
  }
  const leftMs = scheduleToCloseTimeoutMs - runningMs - BEFORE_THE_END_MS;
  const delayMs = nextLookDelayMs(plan, elapsedMs);
  throw notYet(leftMs > 0 ? Math.min(delayMs, leftMs) : delayMs);
}

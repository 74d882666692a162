import { Context } from '@temporalio/activity';
import type { Look, ProviderActivities, VideoRef } from '../contracts/activities.ts';
import type { PollPlan, ToldBy } from '../contracts/pollPlan.ts';
import { nextLookDelayMs, untilOverdueMs } from '../contracts/pollPlan.ts';
import { notYet } from './transient.ts';

type Input = Parameters<ProviderActivities['watchVideo']>[0];

/** The server ends an activity at once when its next try would come too late: the last tries come before that. */
const BEFORE_THE_END_MS = 1000;

export interface Looked {
  readonly look: Look;
  /** Who would tell of the video's end as things are now. */
  readonly whoTells: () => Promise<ToldBy>;
}

/**
 * Looks by the poll plan, with one look in each try of the activity; see `ProviderActivities.watchVideo`. Right after the submission
 * there is nothing to see, so the first try only says when the next one comes. Each open look asks anew who tells of the end: a sweep
 * may have begun to show what is open since the submission, or stopped.
 */
export async function watchVideo(
  { plan, createdAgoMs, ...video }: Input,
  lookAt: (video: VideoRef) => Promise<Looked>,
): Promise<Look> {
  const { attempt, scheduleToCloseTimeoutMs } = Context.current().info;
  let { toldBy } = plan;
  if (attempt > 1 || isDueAtOnce(plan, createdAgoMs)) {
    const { look, whoTells } = await lookAt(video);
    if (look.verdict !== 'open' || look.cancelWanted) return look;
    toldBy = await whoTells();
  }
  const elapsedMs = plannedMs(plan, createdAgoMs, attempt - 1);
  const delayMs = nextLookDelayMs({ ...plan, toldBy }, elapsedMs);
  const leftMs = scheduleToCloseTimeoutMs - (elapsedMs - createdAgoMs) - BEFORE_THE_END_MS;
  throw notYet(leftMs > 0 ? Math.min(delayMs, leftMs) : delayMs);
}

/** Where somebody tells of the end, the poll starts when that is overdue. */
function isDueAtOnce(plan: PollPlan, elapsedMs: number): boolean {
  return plan.toldBy !== 'nobody' && untilOverdueMs(plan, elapsedMs) === 0;
}

/**
 * How long after the submission the plan makes the look with this number. The tries are counted, because no clock can be asked: the
 * worker's is not the server's. Tries that the provider did not answer count too, so after an outage the looks are further apart, as
 * for a video that is overdue.
 */
function plannedMs(plan: PollPlan, createdAgoMs: number, looks: number): number {
  let elapsedMs = createdAgoMs;
  for (let made = 0; made < looks; made += 1) elapsedMs += nextLookDelayMs(plan, elapsedMs);
  return elapsedMs;
}

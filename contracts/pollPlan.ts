/** When to look at a video that the provider is making. Pure functions of durations, so they replay the same. */

const EARLY_LOOK_MS = 10_000;
const SHORTEST_INTERVAL_MS = 2000;
const LONGEST_INTERVAL_MS = 30_000;

/** Where somebody tells of the end, the first look waits until that is overdue. */
const OVERDUE_FACTOR = 1.2;

/** The sweep reads everybody's videos at once; looks of each workflow beside it are only a net, and must not outnumber its calls. */
const BESIDE_THE_SWEEP_MS = 10 * 60_000;

/** Used before there is a median: what public providers took for a 4 s video, and an addition for each further second. */
const TYPICAL_FIRST_4_SECONDS_MS: Record<string, number> = { 'sora-2': 60_000, 'sora-2-pro': 120_000 };
const TYPICAL_UNKNOWN_MODEL_MS = 90_000;
const TYPICAL_EACH_FURTHER_SECOND_MS = 10_000;

/** The expected duration when there is no median of recent videos. */
export function typicalDurationMs(model: string, seconds: number): number {
  const first = TYPICAL_FIRST_4_SECONDS_MS[model] ?? TYPICAL_UNKNOWN_MODEL_MS;
  return first + Math.max(0, seconds - 4) * TYPICAL_EACH_FURTHER_SECOND_MS;
}

export interface PollPlan {
  readonly expectedMs: number;
  readonly toldBy: ToldBy;
}

/** Who tells the workflow that its video has ended: the provider by its webhooks, the sweep of its list, or nobody. */
export type ToldBy = 'nobody' | 'webhooks' | 'sweep';

/**
 * The delay until the next look, given the time since the submission: one look at 10 s (early moderation), one at 60 % of the
 * expected duration, then one every tenth of it (at least 2 s), growing to 30 s once the video is overdue. Where somebody tells of
 * the end, the first look is made when that is overdue; beside the sweep, one in ten minutes.
 */
export function nextLookDelayMs(plan: PollPlan, elapsedMs: number): number {
  return Math.round(delayMs(plan, elapsedMs));
}

/** How long the workflow waits to be told before it looks by itself; 0 where nobody tells it, and once that is overdue. */
export function untilOverdueMs({ expectedMs, toldBy }: PollPlan, elapsedMs: number): number {
  return toldBy === 'nobody' ? 0 : Math.max(0, Math.round(overdueAtMs(expectedMs, toldBy) - elapsedMs));
}

function overdueAtMs(expectedMs: number, toldBy: 'webhooks' | 'sweep'): number {
  const overdueMs = expectedMs * OVERDUE_FACTOR;
  return toldBy === 'sweep' ? Math.max(BESIDE_THE_SWEEP_MS, overdueMs) : overdueMs;
}

function delayMs(plan: PollPlan, elapsedMs: number): number {
  const { expectedMs, toldBy } = plan;
  const firstRegularMs = toldBy === 'nobody' ? expectedMs * 0.6 : overdueAtMs(expectedMs, toldBy);
  const earlyMs = toldBy === 'nobody' ? Math.min(EARLY_LOOK_MS, firstRegularMs) : firstRegularMs;
  if (elapsedMs < earlyMs) return earlyMs - elapsedMs;
  if (elapsedMs < firstRegularMs) return Math.max(SHORTEST_INTERVAL_MS, firstRegularMs - elapsedMs);
  if (toldBy === 'sweep') return BESIDE_THE_SWEEP_MS;
  const intervalMs = Math.max(SHORTEST_INTERVAL_MS, expectedMs / 10);
  const overdueMs = Math.max(0, elapsedMs - expectedMs);
  return overdueMs > 0 ? Math.min(LONGEST_INTERVAL_MS, intervalMs + overdueMs) : intervalMs;
}

/** When to look at a video that the provider is making. Pure functions of durations, so they replay the same. */

const EARLY_LOOK_MS = 10_000;
const SHORTEST_INTERVAL_MS = 2000;
const LONGEST_INTERVAL_MS = 30_000;

/** When provider events are expected, the first regular look waits until the event is overdue. */
const EVENT_OVERDUE_FACTOR = 1.2;

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
  /** The provider is set up to send webhooks. */
  readonly providerEventsExpected: boolean;
}

/**
 * The delay until the next look, given the time since the submission: one look at 10 s (early moderation), one at 60 % of the
 * expected duration, then one every tenth of it (at least 2 s), growing to 30 s once the video is overdue. Where events are
 * expected, the first look is made when the event is overdue.
 */
export function nextLookDelayMs(plan: PollPlan, elapsedMs: number): number {
  return Math.round(delayMs(plan, elapsedMs));
}

/** How long only the provider's events are waited for; 0 where none are expected, and once they are overdue. */
export function untilOverdueMs({ expectedMs, providerEventsExpected }: PollPlan, elapsedMs: number): number {
  return providerEventsExpected ? Math.max(0, Math.round(expectedMs * EVENT_OVERDUE_FACTOR - elapsedMs)) : 0;
}

function delayMs(plan: PollPlan, elapsedMs: number): number {
  const { expectedMs, providerEventsExpected } = plan;
  const firstRegularMs = expectedMs * (providerEventsExpected ? EVENT_OVERDUE_FACTOR : 0.6);
  const earlyMs = providerEventsExpected ? firstRegularMs : Math.min(EARLY_LOOK_MS, firstRegularMs);
  if (elapsedMs < earlyMs) return earlyMs - elapsedMs;
  if (elapsedMs < firstRegularMs) return Math.max(SHORTEST_INTERVAL_MS, firstRegularMs - elapsedMs);
  const intervalMs = Math.max(SHORTEST_INTERVAL_MS, expectedMs / 10);
  const overdueMs = Math.max(0, elapsedMs - expectedMs);
  return overdueMs > 0 ? Math.min(LONGEST_INTERVAL_MS, intervalMs + overdueMs) : intervalMs;
}

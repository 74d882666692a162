/**
 * The sweep of a provider's list: one activity reads the list while videos are open there, and makes the workflows of those that
 * ended, or are listed no more, look sooner (MR-4). It decides nothing and moves nothing.
 */

export const SWEEP_PROVIDER = 'sweepProvider';

export interface SweepInput {
  /** As generations are bound to it: name and origin. */
  readonly provider: string;
}

/** One for each provider, whoever starts it. */
export function sweepWorkflowId({ provider }: SweepInput): string {
  return `sweep_${provider}`;
}

/** On the provider's queue. */
export interface SweepActivities {
  /**
   * Sweeps for a day, counted from when it was scheduled. `not_swept`: this worker's settings don't have this provider, or don't
   * want it swept.
   */
  sweepProvider(input: SweepInput): Promise<'day_over' | 'not_swept'>;
}

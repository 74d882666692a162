import type { Client } from '@temporalio/client';
import { restoreReconcileSchedule } from './schedule.ts';
import { registerNamespace, registerSearchAttributes } from './connection.ts';

/** The registration is checked this often, or as often as the reconciler runs if that is more often. */
const LONGEST_INTERVAL_MS = 30_000;

/**
 * Registers again, until `stopping`, what Temporal has lost: a server whose database was lost comes back without our search
 * attributes and schedule, perhaps without our namespace, and would refuse every start.
 */
export function keepRegistered(
  temporal: Client,
  { reconcileIntervalMs, stopping, onError }: RegistrationOptions,
): void {
  const restore = async () => {
    await registerNamespace(temporal);
    await registerSearchAttributes(temporal);
    await restoreReconcileSchedule(temporal, reconcileIntervalMs);
  };
  const everyMs = Math.min(LONGEST_INTERVAL_MS, reconcileIntervalMs);
  let timer: NodeJS.Timeout | undefined;
  const next = () => {
    if (stopping.aborted) return;
    timer = setTimeout(() => void restore().catch(onError).finally(next), everyMs);
    timer.unref();
  };
  stopping.addEventListener('abort', () => clearTimeout(timer), { once: true });
  next();
}

export interface RegistrationOptions {
  readonly reconcileIntervalMs: number;
  readonly stopping: AbortSignal;
  /** Called when Temporal is down or refuses; the next check tries again. */
  readonly onError: (error: unknown) => void;
}

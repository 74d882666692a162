import type { Client } from '@temporalio/client';
import { keepReconcileSchedule } from './schedule.ts';
import { keepSweeps } from './sweeps.ts';
import type { BuildMemory } from './workerVersions.ts';
import { countStranded, keepCurrent } from './workerVersions.ts';
import { registerNamespace, registerSearchAttributes } from './connection.ts';

/** The registration is checked this often, or as often as the reconciler runs if that is more often. */
const LONGEST_INTERVAL_MS = 30_000;

/**
 * Registers again, until `stopping`, what Temporal has lost: a server whose database was lost comes back without our search
 * attributes, schedule, sweeps and current version, perhaps without our namespace, and no generation would begin. A schedule
 * that has fallen silent is triggered.
 */
export function keepRegistered(
  temporal: Client,
  { reconcileIntervalMs, sweptProviders, memory, stopping, onSilent, onStranded, onError }: RegistrationOptions,
): void {
  const watchedSince = new Date();
  const restore = async () => {
    await registerNamespace(temporal);
    await registerSearchAttributes(temporal);
    const triggered = await keepReconcileSchedule(temporal, { everyMs: reconcileIntervalMs, watchedSince });
    if (triggered !== null) onSilent(triggered.silentMs);
    await keepSweeps(temporal, sweptProviders);
    if (memory === undefined) return;
    await keepCurrent(temporal, memory);
    onStranded(await countStranded(temporal));
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
  /** Their identities. */
  readonly sweptProviders: readonly string[];
  /** Undefined: these workers have no version. */
  readonly memory?: BuildMemory;
  readonly stopping: AbortSignal;
  /** Called when the reconciler's schedule had fallen silent for this long, and was triggered. */
  readonly onSilent: (silentMs: number) => void;
  /** Called at each check with the number of open generations whose version no worker runs. */
  readonly onStranded: (generations: number) => void;
  /** Called when Temporal is down or refuses; the next check tries again. */
  readonly onError: (error: unknown) => void;
}

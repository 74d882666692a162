import { setTimeout as delay } from 'node:timers/promises';
import type { ApiDependencies } from '../http/deps.ts';

/** Whether the database and Temporal answer: without both, no request can be served. */

interface Asked {
  readonly store: Pick<ApiDependencies['store'], 'ping'>;
  readonly temporal: Pick<ApiDependencies['temporal'], 'isUp'>;
}

/** Shorter than the timeout of common health probes. */
const PROBE_TIMEOUT_MS = 2000;
const PROBE_INTERVAL_MS = 500;

/** Takes two seconds at most; never raises. */
export async function probe({ store, temporal }: Asked): Promise<{ database: boolean; temporal: boolean }> {
  const [isDatabaseUp, isTemporalUp] = await Promise.all([
    isUp(store.ping().then(() => true)),
    isUp(temporal.isUp(PROBE_TIMEOUT_MS)),
  ]);
  return { database: isDatabaseUp, temporal: isTemporalUp };
}

/** Logs `ready` when both answer for the first time. Ends without it when the process stops before. */
export async function sayWhenReady(
  { closing, log, ...asked }: Asked & Pick<ApiDependencies, 'closing' | 'log'>,
  intervalMs = PROBE_INTERVAL_MS,
): Promise<void> {
  for (;;) {
    const up = await probe(asked);
    if (closing.aborted) return;
    if (up.database && up.temporal) {
      log.info({}, 'ready');
      return;
    }
    await delay(intervalMs, undefined, { signal: closing }).catch(() => undefined);
  }
}

async function isUp(check: Promise<boolean>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), PROBE_TIMEOUT_MS);
  });
  try {
    return await Promise.race([check.catch(() => false), late]);
  } finally {
    clearTimeout(timer);
  }
}

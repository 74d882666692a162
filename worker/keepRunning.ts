import { setTimeout as delay } from 'node:timers/promises';
import type { Worker } from '@temporalio/worker';

/** Workers with what has to be closed after them. */
export interface Crew {
  readonly workers: readonly Worker[];
  readonly close: () => Promise<void>;
}

const RESTART_AFTER_MS = 2000;

/**
 * Runs workers until `stopping`. The SDK ends a worker for good when a poll is refused, as by a server that has lost its
 * namespace; then all are made anew, until the server knows it again. `first` has been made by the caller.
 */
export async function keepRunning(
  first: Crew,
  {
    create,
    stopping,
    onError,
  }: { create: () => Promise<Crew>; stopping: AbortSignal; onError: (error: unknown) => void },
): Promise<void> {
  let crew: Crew | undefined = first;
  while (!stopping.aborted) {
    try {
      crew ??= await create();
      await runAll(crew, stopping);
    } catch (error) {
      onError(error);
    }
    crew = undefined;
    await delay(RESTART_AFTER_MS, undefined, { signal: stopping }).catch(() => undefined);
  }
}

/** Ends all of them when one ends. Raises what ended it. */
async function runAll({ workers, close }: Crew, stopping: AbortSignal): Promise<void> {
  const endAll = () => {
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  stopping.addEventListener('abort', endAll, { once: true });
  const runs = workers.map((worker) => worker.run());
  if (stopping.aborted) endAll();
  try {
    await Promise.race(runs);
    endAll();
    await Promise.all(runs);
  } finally {
    stopping.removeEventListener('abort', endAll);
    endAll();
    await Promise.allSettled(runs);
    await close();
  }
}

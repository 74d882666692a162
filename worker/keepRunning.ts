import { setTimeout as delay } from 'node:timers/promises';
import type { Worker } from '@temporalio/worker';

/** Workers, and how to close what they share. */
export interface Crew {
  readonly workers: readonly Worker[];
  readonly close: () => Promise<void>;
}

const RESTART_AFTER_MS = 2000;

/**
 * Runs the workers `first` until `stopping`. The SDK ends a worker for good when a poll is refused, as by a server that lost
 * the namespace. Then all workers are created anew, until the server accepts them.
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

/** Runs the workers; when one ends, ends the others and raises what ended it. */
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

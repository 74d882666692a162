import type { ApiDependencies } from './deps.ts';

/** Also keeps proxies from closing a connection on which nothing happens. */
const LOOK_AT_LEAST_EVERY_MS = 15_000;

/**
 * A generation as it is now, whenever it may have changed, and every 15 s; until its reader stops, this process closes, or
 * `onGone` calls back because the client has gone. What changes while its reader is busy is not missed.
 */
export async function* following<Generation>(
  { changes, closing }: Pick<ApiDependencies, 'changes' | 'closing'>,
  generationId: string,
  look: () => Promise<Generation>,
  onGone: (stop: () => void) => void,
): AsyncGenerator<Generation, void> {
  const waiting = new Waiting(closing);
  onGone(() => waiting.end());
  const stop = changes.watch(generationId, () => waiting.wake());
  try {
    // Once more after it is watched: what happened in between is not missed.
    for (let generation = await look(); !waiting.ended; generation = await look()) {
      yield generation;
      await waiting.next(LOOK_AT_LEAST_EVERY_MS);
    }
  } finally {
    stop();
    waiting.end();
  }
}

/** For the next change, or some time; a change that comes while nobody waits is not lost. */
class Waiting {
  ended = false;
  private woken = false;
  private resume: (() => void) | undefined;
  private readonly end_ = () => this.end();

  constructor(private readonly closing: AbortSignal) {
    if (closing.aborted) this.ended = true;
    closing.addEventListener('abort', this.end_, { once: true });
  }

  wake(): void {
    this.woken = true;
    this.resume?.();
  }

  end(): void {
    this.ended = true;
    this.closing.removeEventListener('abort', this.end_);
    this.wake();
  }

  async next(atMostMs: number): Promise<void> {
    if (!this.woken) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, atMostMs);
        this.resume = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.woken = false;
    this.resume = undefined;
  }
}

import type { Caller } from '../../store/index.ts';
import type { StreamDependencies } from '../http/streams.ts';

/**
 * Yields the current state of a generation whenever it may have changed, and every 15 s, until the reader stops, this process
 * closes, or `onGone` reports that the client has disconnected. A slow reader skips to the newest state; the ones in between
 * are not buffered. Raises `ApiError` once the key is no longer in force.
 */
export async function* following<Generation>(
  { streams, closing }: { streams: StreamDependencies['streams']; closing: AbortSignal },
  caller: Caller,
  generationId: string,
  look: () => Promise<Generation>,
  onGone: (stop: () => void) => void,
): AsyncGenerator<Generation, void> {
  const waiting = new Waiting(closing);
  onGone(() => waiting.end());
  const followed = streams.feeds.follow(generationId, look, () => waiting.wake());
  try {
    for (;;) {
      await waiting.next();
      if (waiting.ended) return;
      await streams.keys.require(caller);
      const seen = followed.latest();
      if (seen === undefined) continue;
      if ('error' in seen) throw seen.error;
      yield seen.generation;
    }
  } finally {
    followed.leave();
    waiting.end();
  }
}

/** Waits for the next wake; a wake that comes while nobody waits is remembered. */
class Waiting {
  ended = false;
  private woken = false;
  private resume: (() => void) | undefined;
  private readonly end_ = () => this.end();

  constructor(private readonly closing: AbortSignal) {
    if (closing.aborted) this.end();
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

  async next(): Promise<void> {
    if (!this.woken) {
      await new Promise<void>((resolve) => {
        this.resume = resolve;
      });
    }
    this.woken = false;
    this.resume = undefined;
  }
}

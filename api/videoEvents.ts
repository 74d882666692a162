import type { Context } from 'hono';
import type { SSEStreamingApi } from 'hono/streaming';
import { streamSSE } from 'hono/streaming';
import type { Generation } from '../ledger/index.ts';
import type { ApiDependencies, Env } from './deps.ts';
import { toVideo } from './videoObject.ts';

/** Also keeps proxies from closing a connection on which nothing happens. */
const LOOK_AT_LEAST_EVERY_MS = 15_000;

/**
 * A video as server-sent events: `progress` when something happened to it, `settled` with its end, which is the last one.
 * Each bears the number of what happened last, so a client that comes again with `Last-Event-ID` misses nothing; one that
 * has seen the end is told by a 204 to come no more.
 */
export function videoEvents(
  deps: ApiDependencies,
  c: Context<Env>,
  first: Generation,
  look: () => Promise<Generation>,
): Response {
  const seen = Number(c.req.header('last-event-id') ?? -1);
  if (isSettled(first) && seen >= first.eventSequence) return c.body(null, 204);
  c.header('x-accel-buffering', 'no');
  return streamSSE(
    c,
    async (stream) => send(deps, stream, first, Number.isSafeInteger(seen) ? seen : -1, look),
    // A look that fails ends the stream: its client comes again, and is answered then.
    async () => undefined,
  );
}

async function send(
  { changes, closing }: ApiDependencies,
  stream: SSEStreamingApi,
  first: Generation,
  after: number,
  look: () => Promise<Generation>,
): Promise<void> {
  let sent = after;
  const waiting = new Waiting(closing);
  stream.onAbort(() => waiting.end());
  const stop = changes.watch(first.id, () => waiting.wake());
  try {
    // Once more after it is watched: what happened in between is not missed.
    for (let generation = await look(); !waiting.ended; generation = await look()) {
      if (generation.eventSequence > sent) {
        sent = generation.eventSequence;
        const event = isSettled(generation) ? 'settled' : 'progress';
        await stream.writeSSE({ id: String(sent), event, data: JSON.stringify(toVideo(generation)) });
      } else {
        await stream.write(': still here\n\n');
      }
      if (isSettled(generation)) return;
      await waiting.next(LOOK_AT_LEAST_EVERY_MS);
    }
  } finally {
    stop();
    waiting.end();
  }
}

const isSettled = ({ state }: Generation) => state !== 'held';

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

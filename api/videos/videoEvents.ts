import type { Context } from 'hono';
import type { SSEStreamingApi } from 'hono/streaming';
import { streamSSE } from 'hono/streaming';
import type { Generation } from '../../store/index.ts';
import type { Env } from '../http/deps.ts';
import { ApiError } from '../http/errors.ts';
import { following } from '../generations/following.ts';
import { sendOn, type StreamDependencies } from '../http/streams.ts';
import { toVideo } from './videoObject.ts';

/**
 * A video as server-sent events: `progress` when it changed, and `settled`, which is the last one. The id of each is the
 * sequence number of the video's latest event, so a client that reconnects with `Last-Event-ID` misses nothing; a client that
 * has seen the last one gets a 204, which tells it not to reconnect. Each change is announced by store/changes.ts and read once
 * for all clients by api/http/feeds.ts.
 */
export function videoEvents(
  deps: StreamDependencies,
  c: Context<Env>,
  first: Generation,
  look: () => Promise<Generation>,
): Response {
  const seen = Number(c.req.header('last-event-id') ?? -1);
  if (isSettled(first) && seen >= first.eventSequence) return c.body(null, 204);
  const leave = deps.streams.places.take(c.get('caller'));
  c.header('x-accel-buffering', 'no');
  return streamSSE(c, (stream) =>
    send(deps, c, stream, first, Number.isSafeInteger(seen) ? seen : -1, look)
      .catch((error: unknown) => {
        // Caught here, because hono would send the error to the client as it is. The client reconnects and gets a response then.
        if (!(error instanceof ApiError))
          deps.log.warn({ err: error, generationId: first.id }, 'a stream of events broke');
      })
      .finally(leave),
  );
}

async function send(
  deps: StreamDependencies,
  c: Context<Env>,
  stream: SSEStreamingApi,
  first: Generation,
  after: number,
  look: () => Promise<Generation>,
): Promise<void> {
  // A `Last-Event-ID` of another video may be higher than any of this one.
  let sent = Math.min(after, first.eventSequence);
  const caller = c.get('caller');
  for await (const generation of following(deps, caller, first.id, look, (stop) => stream.onAbort(stop))) {
    if (generation.eventSequence > sent) {
      sent = generation.eventSequence;
      const event = isSettled(generation) ? 'settled' : 'progress';
      const data = JSON.stringify(toVideo(generation));
      await sendOn(c, stream, () => stream.writeSSE({ id: String(sent), event, data }));
    } else {
      await sendOn(c, stream, () => stream.write(': still here\n\n'));
    }
    if (isSettled(generation)) return;
  }
}

const isSettled = ({ state }: Generation) => state !== 'held';

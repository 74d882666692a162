import type { Context } from 'hono';
import { type SSEMessage, streamSSE } from 'hono/streaming';
import type { Env } from '../http/deps.ts';
import { ApiError, envelopeOf } from '../http/errors.ts';
import { sendOn, type StreamDependencies } from '../http/streams.ts';
import { type followText, type OnGone, stillWritten } from './followText.ts';
import { toText, type WrittenText } from './textObject.ts';

/** Replays a finished text as a stream: its last event alone. */
export function streamKept(c: Context<Env>, text: WrittenText): Response {
  const event = text.status === 'failed' ? 'failed' : 'completed';
  return streamSSE(c, (stream) => stream.writeSSE({ event, data: JSON.stringify(text) }));
}

/** Each event carries what was written since the previous one; the last carries the whole text with its credits. */
export function streamText(
  deps: StreamDependencies,
  c: Context<Env>,
  generationId: string,
  follow: (onGone: OnGone) => ReturnType<typeof followText>,
  leave: () => void,
): Response {
  c.header('x-accel-buffering', 'no');
  return streamSSE(c, async (stream) => {
    let sent = 0;
    const send = (message: SSEMessage) => sendOn(c, stream, () => stream.writeSSE(message));
    try {
      for await (const text of follow((stop) => stream.onAbort(stop))) {
        const delta = text.output.slice(sent);
        sent = text.output.length;
        if (delta !== '') await send({ event: 'delta', data: JSON.stringify({ delta }) });
        else if (text.state === 'held') await sendOn(c, stream, () => stream.write(': still here\n\n'));
        if (text.state === 'held') continue;
        const event = text.state === 'charged' ? 'completed' : 'failed';
        await send({ event, data: JSON.stringify(toText(text)) });
      }
    } catch (error) {
      // Caught here, because hono would send the error to the client as it is.
      if (!(error instanceof ApiError)) deps.log.error({ err: error, generationId }, 'a stream of a text broke');
      const told = error instanceof ApiError ? error : stillWritten(generationId);
      await send({ event: 'error', data: JSON.stringify(envelopeOf(told, 'reading')) });
    } finally {
      leave();
    }
  });
}

import type { Context } from 'hono';
import { type SSEMessage, streamSSE } from 'hono/streaming';
import type { Env } from '../http/deps.ts';
import { ApiError, envelopeOf } from '../http/errors.ts';
import { sendOn, type StreamDependencies } from '../http/streams.ts';
import type { OnGone } from './followText.ts';
import { stillWritten } from './followText.ts';
import type { WrittenText } from './textObject.ts';

/**
 * A text as server-sent events: `created` with the text as it stands now, so that a client that loses the stream knows which id
 * to retrieve; `delta` with what was written since the previous one; `completed` or `failed` with the whole text and its
 * credits; or `error`, which has the id too, because it may come first.
 */
export function streamText(
  deps: StreamDependencies,
  c: Context<Env>,
  generationId: string,
  follow: (onGone: OnGone) => AsyncIterable<WrittenText>,
  leave: () => void,
): Response {
  c.header('x-accel-buffering', 'no');
  return streamSSE(c, async (stream) => {
    const send = (message: SSEMessage) => sendOn(c, stream, () => stream.writeSSE(message));
    let sent: number | undefined;
    try {
      for await (const text of follow((stop) => stream.onAbort(stop))) {
        if (sent === undefined) await send({ event: 'created', data: JSON.stringify(text) });
        const delta = text.output.slice(sent);
        const isQuiet = sent !== undefined && delta === '';
        sent = text.output.length;
        if (delta !== '') await send({ event: 'delta', data: JSON.stringify({ delta }) });
        if (text.status !== 'in_progress') {
          await send({ event: text.status === 'failed' ? 'failed' : 'completed', data: JSON.stringify(text) });
        } else if (isQuiet) {
          await sendOn(c, stream, () => stream.write(': still here\n\n'));
        }
      }
    } catch (error) {
      // Caught here, because hono would send the error to the client as it is.
      if (!(error instanceof ApiError)) deps.log.error({ err: error, generationId }, 'a stream of a text broke');
      const told = error instanceof ApiError ? error : stillWritten(generationId);
      await send({ event: 'error', data: JSON.stringify({ id: generationId, ...envelopeOf(told, 'reading') }) });
    } finally {
      leave();
    }
  });
}

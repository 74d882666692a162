import type { Context } from 'hono';
import { streamSSE } from 'hono/streaming';
import type { Env } from '../http/deps.ts';
import { ApiError, envelopeOf } from '../http/errors.ts';
import { sendOn, type StreamDependencies } from '../http/streams.ts';
import type { OnGone } from './followText.ts';
import { stillWritten } from './followText.ts';
import type { WrittenText } from './textObject.ts';

type TextEvent = 'created' | 'delta' | 'completed' | 'failed' | 'error';

/**
 * A text as server-sent events: `created` with the text as it stands now, so that a client that loses the stream knows which id
 * to retrieve; `delta` with what was written since the previous event, never with what `created` had; `completed` or `failed`
 * with the whole text and its credits; or `error`, which has the id too, because it may come first. OpenAI's SDK for Node drops
 * the names of events, so the data has them too, as `type`.
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
    const send = (type: TextEvent, data: object) =>
      sendOn(c, stream, () => stream.writeSSE({ event: type, data: JSON.stringify({ type, ...data }) }));
    let sent: number | undefined;
    try {
      for await (const text of follow((stop) => stream.onAbort(stop))) {
        const isInProgress = text.status === 'in_progress';
        const delta = sent === undefined ? '' : text.output.slice(sent);
        if (sent === undefined) await send('created', text);
        else if (delta !== '') await send('delta', { delta });
        else if (isInProgress) await sendOn(c, stream, () => stream.write(': still here\n\n'));
        sent = text.output.length;
        if (!isInProgress) await send(text.status === 'failed' ? 'failed' : 'completed', text);
      }
    } catch (error) {
      // Caught here, because hono would send the error to the client as it is.
      if (!(error instanceof ApiError)) deps.log.error({ err: error, generationId }, 'a stream of a text broke');
      const told = error instanceof ApiError ? error : stillWritten(generationId);
      await send('error', { id: generationId, ...envelopeOf(told, 'reading') });
    } finally {
      leave();
    }
  });
}

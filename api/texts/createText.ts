import type { Context } from 'hono';
import { readRepeat } from '../generations/repeat.ts';
import { toLabels } from '../generations/labels.ts';
import { toMaximum } from '../generations/payingRequest.ts';
import type { Env } from '../http/deps.ts';
import { markReplayed } from '../http/idempotencyKey.ts';
import type { StreamDependencies } from '../http/streams.ts';
import { followText, type OnGone } from './followText.ts';
import { quoteText, startText } from './startText.ts';
import { streamText } from './streamText.ts';
import type { WrittenText } from './textObject.ts';
import { type CreateTextBody, toTextRequest } from './textRequest.ts';

/** Writes a text and sends it, as a stream or once it is finished. Takes one of the stream places for as long as that lasts. */
export async function createText(deps: StreamDependencies, c: Context<Env>, body: CreateTextBody, isDryRun: boolean) {
  const leave = deps.streams.places.take(c.get('caller'));
  const response = await respond(deps, c, body, isDryRun, leave).catch((error: unknown) => {
    leave();
    throw error;
  });
  // A stream leaves when it ends.
  if (!body.stream || isDryRun) leave();
  return response;
}

async function respond(
  deps: StreamDependencies,
  c: Context<Env>,
  body: CreateTextBody,
  isDryRun: boolean,
  leave: () => void,
) {
  const { stream } = body;
  const caller = c.get('caller');
  const request = toTextRequest(body);
  const maximum = toMaximum(body.max_credits);
  if (isDryRun) return c.json(await quoteText(deps, caller, request, maximum), 200);
  const repeat = readRepeat(c);
  const started = await startText(deps, caller, request, toLabels(body), maximum, repeat);
  if ('kept' in started) {
    markReplayed(c);
    const text = started.kept.body as WrittenText;
    if (stream && started.kept.status === 200) return streamText(deps, c, text.id, () => only(text), leave);
    if (stream) leave();
    return c.json(text, started.kept.status as 200);
  }
  const { generationId, replayed } = started;
  if (replayed) markReplayed(c);
  const follow = (onGone: OnGone) => followText(deps, caller, generationId, repeat, { isStreamed: stream, onGone });
  if (stream) return streamText(deps, c, generationId, follow, leave);
  return c.json(await lastOf(follow(onAbort(c.req.raw.signal))), 200);
}

const onAbort =
  (signal: AbortSignal): OnGone =>
  (stop) => {
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  };

async function* only(text: WrittenText): AsyncGenerator<WrittenText, void> {
  yield text;
}

async function lastOf(texts: ReturnType<typeof followText>): Promise<WrittenText> {
  let last: WrittenText | undefined;
  for await (const text of texts) last = text;
  if (last === undefined) throw new Error('following a text yields its last state, or raises');
  return last;
}

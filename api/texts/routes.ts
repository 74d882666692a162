import { createRoute, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { type SSEMessage, streamSSE } from 'hono/streaming';
import { TEXT_ID, type TextKind } from '../../contracts/ids.ts';
import type { TextRequest } from '../../provider/index.ts';
import { followText, startText, stillWritten } from './createText.ts';
import type { Env } from '../http/deps.ts';
import { ApiError, envelopeOf, notFound } from '../http/errors.ts';
import { EXAMPLE } from '../http/examples.ts';
import { keyed } from '../http/idempotencyKey.ts';
import { payingQuery, Quote, quoteText } from '../generations/quote.ts';
import { noteKnown, readRepeat } from '../generations/repeat.ts';
import { newRouter } from '../http/router.ts';
import { bearer, errorResponses } from '../http/contract.ts';
import { plainText } from '../http/schemas.ts';
import { sendOn, type StreamDependencies } from '../http/streams.ts';
import { toText, WrittenText } from './textObject.ts';
import { maxCredits, toMaximum } from '../videos/videoRequest.ts';

const fields = {
  topic: plainText(4000).openapi({ example: 'a red fox in fresh snow' }),
  tone: plainText(100).default('friendly').openapi({ example: 'friendly' }),
  model: plainText(100).default('gpt-4.1-mini').openapi({ example: 'gpt-4.1-mini' }),
  stream: z.boolean().default(false),
  max_credits: maxCredits('It is refused if it could cost more than this.'),
};
const CreateScript = z
  .strictObject({ ...fields, length: z.enum(['short', 'medium', 'long']).default('medium') })
  .openapi('CreateScript', { example: { topic: 'a red fox in fresh snow', tone: 'friendly', length: 'short' } });
const CreateThread = z
  .strictObject({ ...fields, posts: z.number().int().min(2).max(20).default(5) })
  .openapi('CreateThread', { example: { topic: 'a red fox in fresh snow', tone: 'friendly', posts: 3 } });

type Create = z.output<typeof CreateScript> | z.output<typeof CreateThread>;

const createOf = <Schema extends z.ZodType>(kind: TextKind, schema: Schema) =>
  createRoute({
    method: 'post',
    path: `/${kind}s`,
    operationId: kind === 'script' ? 'createScript' : 'createThread',
    summary: `Reserve the most that a ${kind} can cost, write it, and charge what it came to`,
    security: bearer,
    request: {
      headers: keyed,
      query: payingQuery,
      body: { required: true, content: { 'application/json': { schema } } },
    },
    responses: {
      200: {
        description: `The ${kind}; with stream, events: delta as it is written, then completed or failed with the ${kind}, or error. With dry_run, the most that it would cost.`,
        content: {
          'application/json': { schema: z.union([WrittenText, Quote]) },
          'text/event-stream': { schema: z.unknown(), example: EXAMPLE.textEvents },
        },
      },
      ...errorResponses(400, 401, 402, 403, 409, 413, 415, 422, 429, 500, 503),
    },
  });

const retrieveOf = (kind: TextKind) =>
  createRoute({
    method: 'get',
    path: `/${kind}s/{${kind}_id}`,
    operationId: kind === 'script' ? 'retrieveScript' : 'retrieveThread',
    summary: `A ${kind}, as far as it is written, and what became of its credits`,
    security: bearer,
    request: {
      params: z.object({
        [`${kind}_id`]: z.string().openapi({ example: `${kind}_019a0000000070008000000000000000` }),
      }),
    },
    responses: {
      200: { description: `The ${kind}.`, content: { 'application/json': { schema: WrittenText } } },
      ...errorResponses(401, 404, 500, 503),
    },
  });

/** Scripts and threads: one handler for both. */
export function textRoutes(deps: StreamDependencies) {
  const create = async (c: Context<Env>, kind: TextKind, body: Create, isDryRun: boolean) => {
    const leave = deps.streams.places.take(c.get('caller'));
    const answer = await createText(c, kind, body, isDryRun, leave).catch((error: unknown) => {
      leave();
      throw error;
    });
    // A stream leaves with its end.
    if (!body.stream || isDryRun) leave();
    return answer;
  };
  const createText = async (c: Context<Env>, kind: TextKind, body: Create, isDryRun: boolean, leave: () => void) => {
    const { stream, max_credits, topic, tone, model } = body;
    const form: Pick<TextRequest, 'length' | 'posts'> =
      'posts' in body ? { length: 'medium', posts: body.posts } : { length: body.length, posts: null };
    const caller = c.get('caller');
    const request: TextRequest = { kind, model, topic, tone, ...form };
    const maximum = toMaximum(max_credits);
    if (isDryRun) return c.json(await quoteText(deps, caller, request, maximum), 200);
    const repeat = readRepeat(c);
    const started = await startText(deps, caller, request, maximum, repeat);
    if ('kept' in started) {
      c.header('idempotency-replayed', 'true');
      if (stream) leave();
      if (stream && started.kept.status === 200) return streamKept(c, started.kept.body as WrittenText);
      return c.json(started.kept.body as WrittenText, started.kept.status as 200);
    }
    const { generationId, replayed } = started;
    if (replayed) c.header('idempotency-replayed', 'true');
    const follow = (onGone: OnGone) => followText(deps, caller, generationId, repeat, { isStreamed: stream, onGone });
    if (stream) return streamText(deps, c, generationId, follow, leave);
    return c.json(await lastOf(follow(onAbort(c.req.raw.signal))), 200);
  };
  const retrieve = async (c: Context<Env>, kind: TextKind, id: string) => {
    const caller = c.get('caller');
    const text = TEXT_ID[kind].test(id) ? await deps.store.getText(caller.accountId, id) : undefined;
    if (text === undefined) throw notFound(`This ${kind}`);
    await noteKnown(deps, caller, text);
    return c.json(toText(text), 200);
  };
  return newRouter()
    .openapi(createOf('script', CreateScript), (c) =>
      create(c, 'script', c.req.valid('json'), c.req.valid('query').dry_run === 'true'),
    )
    .openapi(createOf('thread', CreateThread), (c) =>
      create(c, 'thread', c.req.valid('json'), c.req.valid('query').dry_run === 'true'),
    )
    .openapi(retrieveOf('script'), (c) => retrieve(c, 'script', c.req.param('script_id')))
    .openapi(retrieveOf('thread'), (c) => retrieve(c, 'thread', c.req.param('thread_id')));
}

type Texts = ReturnType<typeof followText>;
type OnGone = (stop: () => void) => void;

const onAbort =
  (signal: AbortSignal): OnGone =>
  (stop) => {
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  };

async function lastOf(texts: Texts): Promise<WrittenText> {
  let last: WrittenText | undefined;
  for await (const text of texts) last = toText(text);
  if (last === undefined) throw new Error('a text that is followed has a last state');
  return last;
}

/** A stream of what was written before: its end alone. */
function streamKept(c: Context<Env>, text: WrittenText): Response {
  const event = text.status === 'failed' ? 'failed' : 'completed';
  return streamSSE(c, (stream) => stream.writeSSE({ event, data: JSON.stringify(text) }));
}

/** Each event bears what was written since the one before; the last one is the whole text, with its credits. */
function streamText(
  deps: StreamDependencies,
  c: Context<Env>,
  generationId: string,
  follow: (onGone: OnGone) => Texts,
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
      // Here, for what hono catches it sends to the client as it is.
      if (!(error instanceof ApiError)) deps.log.error({ err: error, generationId }, 'a stream of a text broke');
      const told = error instanceof ApiError ? error : stillWritten(generationId);
      await send({ event: 'error', data: JSON.stringify(envelopeOf(told)) });
    } finally {
      leave();
    }
  });
}

import { randomBytes } from 'node:crypto';
import { Hono, type Context } from 'hono';
import { streamSSE } from 'hono/streaming';
import { z } from 'zod';
import { withoutDirectives } from './directives.ts';
import type { Env } from './errors.ts';
import { destroy, endure, suffer } from './faults.ts';
import { parse, readBody } from './request.ts';
import { sampleOf, type JsonSchema } from './schema-sample.ts';
import { directivesOf, promptKey, type Simulation } from './simulation.ts';

const CHARACTERS_A_TOKEN = 4;
const TOKENS_A_MESSAGE = 4;
const TOKENS_A_CHUNK = 4;
const CHUNK_EVERY_MS = 10;

const part = z.looseObject({ type: z.string(), text: z.string().default('') });
const limit = z.number().int().min(1).nullish();
const chatSchema = z.looseObject({
  model: z.string().min(1),
  messages: z
    .array(z.looseObject({ role: z.string(), content: z.union([z.string(), z.array(part)]).nullish() }))
    .min(1),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().optional() }).nullish(),
  max_completion_tokens: limit,
  max_tokens: limit,
  response_format: z
    .looseObject({ type: z.string(), json_schema: z.looseObject({ schema: z.custom<JsonSchema>() }).optional() })
    .nullish(),
});
type ChatRequest = z.output<typeof chatSchema>;

/** A complete answer, before it is sent. */
interface Completion {
  head: { id: string; created: number; model: string };
  tokens: string[];
  finish_reason: 'stop' | 'length';
  usage: { prompt_tokens: number; completion_tokens: number; total_tokens: number } | undefined;
}

/** Chat completions: an invented answer to the last message. A token is four characters; usage and limits are as on real servers. */
export function chatRoutes(simulation: Simulation): Hono<Env> {
  const routes = new Hono<Env>();
  routes.post('/completions', async (c) => {
    const request = parse(chatSchema, await readBody(c));
    const texts = request.messages.map(textOf);
    const prompt = texts.join('\n');
    const directives = directivesOf(prompt);
    const suffering = suffer(simulation.store, promptKey(prompt), directives, 'chat');
    const suffered = await endure(c, suffering, directives);
    if (suffered !== undefined) return suffered;
    const effect = suffering.fault?.effect;
    const completion = complete(request, texts, simulation.now());
    if (effect === 'no-usage') completion.usage = undefined;
    if (request.stream) return stream(c, request, completion, effect === 'cut');
    return effect === 'cut' ? destroy(c) : c.json(whole(completion));
  });
  return routes;
}

function complete(request: ChatRequest, texts: string[], now_ms: number): Completion {
  const subject = withoutDirectives(texts.at(-1) ?? '').slice(0, 200);
  const { response_format: format } = request;
  const text =
    format?.type === 'json_schema' || format?.type === 'json_object'
      ? JSON.stringify(sampleOf(format.json_schema?.schema ?? { type: 'object', properties: { text: {} } }, subject))
      : `Scene 1. ${subject}. The camera moves slowly closer.\nScene 2. Light fills the frame.\nScene 3. The end.`;
  const all = text.match(new RegExp(`.{1,${CHARACTERS_A_TOKEN}}`, 'gsu')) ?? [];
  const tokens = all.slice(0, request.max_completion_tokens ?? request.max_tokens ?? Infinity);
  const prompt_tokens = texts.reduce((sum, each) => sum + TOKENS_A_MESSAGE + countTokens(each), 0);
  return {
    head: {
      id: `chatcmpl-${randomBytes(16).toString('hex')}`,
      created: Math.floor(now_ms / 1000),
      model: request.model,
    },
    tokens,
    finish_reason: tokens.length < all.length ? 'length' : 'stop',
    usage: { prompt_tokens, completion_tokens: tokens.length, total_tokens: prompt_tokens + tokens.length },
  };
}

function whole({ head, tokens, finish_reason, usage }: Completion): Record<string, unknown> {
  const message = { role: 'assistant', content: tokens.join(''), refusal: null };
  return { ...head, object: 'chat.completion', choices: [{ index: 0, message, finish_reason, logprobs: null }], usage };
}

function stream(c: Context<Env>, request: ChatRequest, completion: Completion, cut: boolean): Response {
  const { head, tokens, finish_reason, usage } = completion;
  const counted = request.stream_options?.include_usage === true;
  return streamSSE(c, async (out) => {
    const send = (choices: unknown[], total: unknown = null): Promise<void> => {
      const chunk = { ...head, object: 'chat.completion.chunk', choices, ...(counted ? { usage: total } : {}) };
      return out.writeSSE({ data: JSON.stringify(chunk) });
    };
    const say = (delta: object, reason: string | null): Promise<void> =>
      send([{ index: 0, delta, finish_reason: reason, logprobs: null }]);
    await say({ role: 'assistant', content: '' }, null);
    for (let at = 0; at < tokens.length && !out.aborted; at += TOKENS_A_CHUNK) {
      if (cut && at >= tokens.length / 2) return void destroy(c);
      await out.sleep(CHUNK_EVERY_MS);
      await say({ content: tokens.slice(at, at + TOKENS_A_CHUNK).join('') }, null);
    }
    await say({}, finish_reason);
    if (counted && usage !== undefined) await send([], usage);
    await out.writeSSE({ data: '[DONE]' });
  });
}

function textOf({ content }: ChatRequest['messages'][number]): string {
  if (typeof content === 'string') return content;
  return (content ?? []).map((each) => each.text).join('\n');
}

function countTokens(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / CHARACTERS_A_TOKEN);
}

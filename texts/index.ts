import { z } from 'zod';

/** What scripts and threads are: what may be asked for, what a model is asked then, and the form of what it writes. */

export const TEXT_LENGTHS = ['short', 'medium', 'long'] as const;
export const POSTS = { minimum: 2, maximum: 20 } as const;
export const MAX_TOPIC_CHARACTERS = 4000;
export const MAX_TONE_CHARACTERS = 100;

const fields = { model: z.string(), topic: z.string(), tone: z.string() };

/**
 * The API checks the bounds above before a request is kept. They are not checked again when it is read: a bound that is lowered
 * later must not make a text unreadable whose credits are held.
 */
const TextRequest = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('script'), ...fields, length: z.enum(TEXT_LENGTHS) }),
  z.object({ kind: z.literal('thread'), ...fields, posts: z.number().int().positive() }),
]);

/** What is to be written. It is kept with the generation until its owner deletes that. */
export type TextRequest = Readonly<z.infer<typeof TextRequest>>;

/** Reads a request as it was kept. The error names fields only, because errors of activities get into histories (MR-80). */
export function parseTextRequest(kept: unknown): TextRequest {
  const parsed = TextRequest.safeParse(kept);
  if (parsed.success) return parsed.data;
  const names = parsed.error.issues.map(({ path }) => path.join('.') || 'all of it');
  throw new Error(`the request of a text cannot be read: ${names.join(', ')}`);
}

const WORDS = { short: 80, medium: 250, long: 700 } as const;
/** Three times the words that are asked for, with room for the JSON around them. */
const MAX_OUTPUT_TOKENS = { short: 500, medium: 1000, long: 2500 } as const;
const MAX_TOKENS_A_POST = 250;
const MAX_POST_CHARACTERS = 280;

/** The forms that a model is asked for. Structured output supports no lengths of strings. */
const ScriptFormat = z.object({ title: z.string(), text: z.string() });
const threadFormat = (posts: number) => z.object({ posts: z.array(z.string()).length(posts) });

/**
 * What a model is asked, and how much it may answer at most. The same request always comes to the same: the API holds credits
 * for exactly what the worker sends later (MR-60).
 */
export function completionOf(request: TextRequest) {
  const { kind, model, topic, tone } = request;
  const { task, format, maxOutputTokens } = taskOf(request);
  return {
    model,
    messages: [
      { role: 'system', content: `${task} Tone: ${tone}. Answer with nothing but the JSON that is asked for.` },
      { role: 'user', content: topic },
    ],
    format: { name: kind, schema: z.toJSONSchema(format) as Record<string, unknown> },
    maxOutputTokens,
  } as const;
}

function taskOf(request: TextRequest) {
  switch (request.kind) {
    case 'script':
      return {
        task: `Write the script of a short video of about ${WORDS[request.length]} words, with a title.`,
        format: ScriptFormat,
        maxOutputTokens: MAX_OUTPUT_TOKENS[request.length],
      };
    case 'thread':
      return {
        task: `Write a thread of exactly ${request.posts} posts, each of at most ${MAX_POST_CHARACTERS} characters.`,
        format: threadFormat(request.posts),
        maxOutputTokens: 200 + request.posts * MAX_TOKENS_A_POST,
      };
  }
}

const Script = z.object({ title: z.string().min(1), text: z.string().min(1) });
const threadOf = (posts: number) => z.object({ posts: z.array(z.string().min(1)).length(posts) });

/** A script or a thread that is in the form that was asked for. */
type TextParts = Readonly<z.infer<typeof Script>> | Readonly<z.infer<ReturnType<typeof threadOf>>>;

/** Reads what a model wrote; null when it is not in the form that was asked for, because it was cut off for example. */
export function readOutput(request: TextRequest, output: string): TextParts | null {
  try {
    const parsed = (request.kind === 'script' ? Script : threadOf(request.posts)).safeParse(JSON.parse(output));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

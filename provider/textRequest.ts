import { z } from 'zod';

/** What is to be written, as the ledger keeps it with the generation's inputs. */
export interface TextRequest {
  readonly kind: 'script' | 'thread';
  readonly model: string;
  readonly topic: string;
  readonly tone: string;
  readonly length: 'short' | 'medium' | 'long';
  /** Of a thread; null of a script. */
  readonly posts: number | null;
}

/** A text in the form that was asked for. */
export type WrittenText = { readonly title: string; readonly text: string } | { readonly posts: readonly string[] };

const WORDS = { short: 80, medium: 250, long: 700 } as const;
/** The most that may be written: thrice the words that are asked for, with room for the form around them. */
const MAX_OUTPUT_TOKENS = { short: 500, medium: 1000, long: 2500 } as const;
const MAX_TOKENS_A_POST = 250;
const MAX_POST_CHARACTERS = 280;

/** The enforced maximum of the output, in tokens. */
export function maxOutputTokens({ length, posts }: TextRequest): number {
  return posts === null ? MAX_OUTPUT_TOKENS[length] : 200 + posts * MAX_TOKENS_A_POST;
}

/** An upper bound of the input, in tokens: no token is shorter than a byte, and a message has a few around it. */
export function inputBoundTokens(request: TextRequest): number {
  return Buffer.byteLength(JSON.stringify(composeText(request))) + 64;
}

const Script = z.object({ title: z.string().min(1), text: z.string().min(1) });
const thread = (posts: number) => z.object({ posts: z.array(z.string().min(1)).length(posts) });
/** As it is asked for: structured output knows no bounds of strings. */
const AskedScript = z.object({ title: z.string(), text: z.string() });
const askedThread = (posts: number) => z.object({ posts: z.array(z.string()).length(posts) });

/** The body of a chat completion, but for how it is sent; the same request always has the same one. */
export function composeText(request: TextRequest) {
  const { kind, topic, tone, length, posts } = request;
  const form = posts === null ? AskedScript : askedThread(posts);
  const task =
    posts === null
      ? `Write the script of a short video of about ${WORDS[length]} words, with a title.`
      : `Write a thread of exactly ${posts} posts, each of at most ${MAX_POST_CHARACTERS} characters.`;
  return {
    model: request.model,
    messages: [
      {
        role: 'system' as const,
        content: `${task} Tone: ${tone}. Answer with nothing but the JSON that is asked for.`,
      },
      { role: 'user' as const, content: topic },
    ],
    response_format: {
      type: 'json_schema' as const,
      json_schema: { name: kind, strict: true, schema: z.toJSONSchema(form) as Record<string, unknown> },
    },
    max_completion_tokens: maxOutputTokens(request),
  };
}

/** What was written, in the form that was asked for; null when it is not: cut off, or not kept to. Never throws. */
export function readText({ posts }: Pick<TextRequest, 'posts'>, output: string): WrittenText | null {
  try {
    const parsed = (posts === null ? Script : thread(posts)).safeParse(JSON.parse(output));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

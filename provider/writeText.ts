import type OpenAI from 'openai';
import { cleanText, type Redact } from './redact.ts';
import { sortCreateError } from './errors.ts';
import { composeText, type TextRequest } from './textRequest.ts';
import { createRefusal } from './refusal.ts';
import type { TextResult, TextUsage } from './types.ts';

/** Reading all of it costs as much as it is long, so it is not done for each of thousands of pieces. */
export type OnOutput = (output: () => string) => Promise<boolean>;

/** Longer than any that is asked for; a server that keeps to no maximum doesn't fill the memory. */
const MAX_OUTPUT_CHARACTERS = 200_000;

/**
 * One request, streamed. `onOutput` is called after each piece, one call after the other, with how to read all that was written
 * so far; its false stops the reading. Never throws for provider trouble; an error of `onOutput` comes out.
 */
export async function writeText(
  client: OpenAI,
  request: TextRequest,
  onOutput: OnOutput,
  limits: { redact: Redact; timeoutMs: number },
): Promise<TextResult> {
  const abort = new AbortController();
  const signal = AbortSignal.any([abort.signal, AbortSignal.timeout(limits.timeoutMs)]);
  const body = { ...composeText(request), stream: true as const, stream_options: { include_usage: true } };
  const answer = await client.chat.completions
    .create(body, { signal })
    .catch((error: unknown) => createRefusal(sortCreateError(error, limits.redact)));
  if ('outcome' in answer) return answer;

  let written = '';
  let finishReason: string | null = null;
  let usage: TextUsage | null = null;
  const chunks = answer[Symbol.asyncIterator]();
  for (;;) {
    // An answer that breaks off proves nothing about the rest: what was delivered stays delivered.
    const next = await chunks.next().catch(() => undefined);
    // The SDK ends a stream that was aborted, here by its time, as if it were whole.
    if (next === undefined || signal.aborted) {
      // A count so far is not what the whole of it is billed at.
      [finishReason, usage] = [null, null];
      break;
    }
    if (next.done === true) break;
    const chunk: ReceivedChunk = next.value;
    const choice = chunk.choices?.[0];
    finishReason = readReason(choice?.finish_reason) ?? finishReason;
    usage = readUsage(chunk.usage) ?? usage;
    const content = choice?.delta?.content;
    if (typeof content !== 'string' || content === '') continue;
    written += content;
    const soFar = written;
    if (soFar.length > MAX_OUTPUT_CHARACTERS || !(await onOutput(() => plain(soFar.replace(HALF_AT_THE_END, ''))))) {
      abort.abort();
      break;
    }
  }
  return { outcome: 'written', output: plain(written), finishReason, usage };
}

/** A character beyond the first 65,536 may come in two chunks. */
const HALF_AT_THE_END = /[\uD800-\uDBFF]$/;

/** PostgreSQL takes no NUL, and half of a pair is no text. */
function plain(written: string): string {
  return written.replaceAll('\u0000', '').toWellFormed();
}

/** Kept beside the text: whatever a server calls it, it must not keep the end from being recorded. */
/** What came: the SDK's types promise more than some servers send. */
interface ReceivedChunk {
  readonly choices?: readonly { readonly finish_reason?: unknown; readonly delta?: { readonly content?: unknown } }[];
  readonly usage?: OpenAI.CompletionUsage | null;
}

function readReason(reason: unknown): string | null {
  return typeof reason === 'string' ? cleanText(reason, 100) : null;
}

function readUsage(usage: OpenAI.CompletionUsage | null | undefined): TextUsage | null {
  const { prompt_tokens: inputTokens, completion_tokens: outputTokens } = usage ?? {};
  return isCount(inputTokens) && isCount(outputTokens) ? { inputTokens, outputTokens } : null;
}

function isCount(tokens: unknown): tokens is number {
  return Number.isSafeInteger(tokens) && (tokens as number) >= 0;
}

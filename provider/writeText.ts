import type OpenAI from 'openai';
import { cleanText, type Redact } from './redact.ts';
import { sortCreateError } from './errors.ts';
import { encodeCompletion } from './completion.ts';
import { createRefusal } from './refusal.ts';
import type { EncodedLabels } from './encoding.ts';
import type { CompletionRequest, TextResult, TextUsage } from './types.ts';

/** Building the whole text takes time in proportion to its length, so it is not done for every piece. */
export type OnOutput = (output: () => string) => Promise<boolean>;

/** Longer than any text that is requested: a server that ignores the maximum must not fill our memory. */
const MAX_OUTPUT_CHARACTERS = 200_000;

/**
 * Makes one streamed request. Calls `onOutput` after each piece, one call at a time, with a function that returns the text so
 * far; when it returns false, reading stops. Never throws for trouble at the provider, but rethrows errors of `onOutput`.
 */
export async function writeText(
  client: OpenAI,
  request: CompletionRequest,
  labels: EncodedLabels,
  onOutput: OnOutput,
  limits: { redact: Redact; timeoutMs: number },
): Promise<TextResult> {
  const abort = new AbortController();
  const signal = AbortSignal.any([abort.signal, AbortSignal.timeout(limits.timeoutMs)]);
  const body = {
    ...encodeCompletion(request),
    ...labels,
    stream: true as const,
    stream_options: { include_usage: true },
  };
  const answer = await client.chat.completions
    .create(body, { signal })
    .catch((error: unknown) => createRefusal(sortCreateError(error, limits.redact)));
  if ('outcome' in answer) return answer;

  let written = '';
  let finishReason: string | null = null;
  let usage: TextUsage | null = null;
  const chunks = answer[Symbol.asyncIterator]();
  for (;;) {
    // A stream that breaks off proves nothing about the rest. What was delivered stays delivered.
    const next = await chunks.next().catch(() => undefined);
    // The SDK ends an aborted stream (here: timed out) as if it were complete.
    if (next === undefined || signal.aborted) {
      // The usage so far is not what the whole text is billed at.
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

/** A surrogate pair may be split across two chunks. */
const HALF_AT_THE_END = /[\uD800-\uDBFF]$/;

/** PostgreSQL stores neither NUL nor a lone surrogate. */
function plain(written: string): string {
  return written.replaceAll('\u0000', '').toWellFormed();
}

/** What came: the SDK's types promise more than some servers send. */
interface ReceivedChunk {
  readonly choices?: readonly { readonly finish_reason?: unknown; readonly delta?: { readonly content?: unknown } }[];
  readonly usage?: OpenAI.CompletionUsage | null;
}

/** Stored beside the text. An odd value must not prevent the end from being recorded. */
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

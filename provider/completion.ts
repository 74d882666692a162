import type { CompletionRequest } from './types.ts';

/** Tokens that a server adds around the messages. */
const ENVELOPE_TOKENS = 64;

/** The body of a chat completion, except for how it is delivered. */
export function encodeCompletion({ model, messages, format, maxOutputTokens }: CompletionRequest) {
  return {
    model,
    messages: [...messages],
    response_format: {
      type: 'json_schema' as const,
      json_schema: { name: format.name, strict: true, schema: { ...format.schema } },
    },
    max_completion_tokens: maxOutputTokens,
  };
}

/** An upper bound of the input, in tokens: a token has at least one byte of what is sent. */
export function inputBoundTokens(request: CompletionRequest): number {
  return Buffer.byteLength(JSON.stringify(encodeCompletion(request))) + ENVELOPE_TOKENS;
}

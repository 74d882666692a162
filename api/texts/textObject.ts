import { z } from '@hono/zod-openapi';
import { formatCredits } from '../../contracts/money.ts';
import type { Text } from '../../store/index.ts';
import { parseTextRequest, readOutput } from '../../texts/index.ts';
import {
  errorInWords,
  GenerationCredits,
  GenerationError,
  refundInWords,
  releaseInWords,
  toCredits,
} from '../generations/creditsObject.ts';
import { shownLabels } from '../generations/labels.ts';
import { orNull, unixSeconds } from '../http/schemas.ts';
import { TEXT_EXAMPLE } from './examples.ts';

const TokenUsage = z.object({ input_tokens: z.number().int(), output_tokens: z.number().int() }).openapi('TokenUsage');

/** A script or a thread. */
export const WrittenText = z
  .object({
    id: z.string(),
    object: z.enum(['script', 'thread']),
    status: z.enum(['in_progress', 'completed', 'incomplete', 'failed']),
    model: z.string(),
    created_at: z.number().int(),
    completed_at: z.number().int().nullable(),
    /** Null for a thread. */
    title: z.string().nullable(),
    text: z.string().nullable(),
    /** Null for a script. */
    posts: z.array(z.string()).nullable(),
    /** What the model wrote: JSON of the fields above, if it kept to that form. */
    output: z.string(),
    usage: orNull(TokenUsage),
    error: orNull(GenerationError),
    ...shownLabels,
    credits: GenerationCredits,
  })
  .openapi('WrittenText', { example: TEXT_EXAMPLE.script });

export type WrittenText = z.infer<typeof WrittenText>;

export const DeletedText = z
  .object({ id: z.string(), object: z.enum(['script.deleted', 'thread.deleted']), deleted: z.literal(true) })
  .openapi('DeletedText', { example: TEXT_EXAMPLE.deleted });

/** The text as its owner sees it. Output that is not in the requested form is `incomplete`: it was written, and is charged. */
export function toText(text: Text): WrittenText {
  const { id, kind, state, model, output, requestedAt, settledAt, inputTokens, outputTokens } = text;
  const written =
    state === 'charged' && text.request !== null ? readOutput(parseTextRequest(text.request), output) : null;
  const isComplete = written !== null || isErasedWhole(text);
  return {
    id,
    object: kind,
    status:
      state === 'held' ? 'in_progress' : state === 'released' ? 'failed' : isComplete ? 'completed' : 'incomplete',
    model,
    created_at: unixSeconds(requestedAt),
    completed_at: state === 'charged' && settledAt !== null ? unixSeconds(settledAt) : null,
    title: written !== null && 'title' in written ? written.title : null,
    text: written !== null && 'text' in written ? written.text : null,
    posts: written !== null && 'posts' in written ? written.posts : null,
    // A text whose credits were returned is not delivered.
    output: state === 'released' ? '' : output,
    usage:
      inputTokens === null || outputTokens === null ? null : { input_tokens: inputTokens, output_tokens: outputTokens },
    error: errorOf(text, !isComplete),
    user: text.user,
    metadata: { ...text.metadata },
    credits: toCredits(text, text.chargedMicrocredits ?? text.amountMicrocredits, creditsInWords(text)),
  };
}

/** Of a deleted text only the provider's word is left: its output was erased, so its form can't be read any more (MR-96). */
function isErasedWhole({ state, request, finishReason }: Text): boolean {
  return state === 'charged' && request === null && finishReason === 'stop';
}

/** The code of a text that is charged but not in the requested form. It is read from the output and is in no column. */
export const INCOMPLETE_OUTPUT = 'incomplete_output';

function errorOf(text: Text, isIncomplete: boolean): WrittenText['error'] {
  const { kind, state } = text;
  if (state === 'released') return errorInWords(text, `The ${kind} failed.`);
  if (state === 'held' || !isIncomplete) return null;
  return {
    code: INCOMPLETE_OUTPUT,
    message: `The ${kind} is not in the requested form, or was cut off; output has what was written. ${text.outputTokens === null ? 'The upper bound of its cost was charged.' : 'Its cost was charged.'}`,
  };
}

function creditsInWords(text: Text): string {
  const { kind, state, amountMicrocredits, chargedMicrocredits, outputTokens } = text;
  const reserved = formatCredits(amountMicrocredits);
  switch (state) {
    case 'held':
      return `Up to ${reserved} credits are reserved for this ${kind}; only its actual cost is charged.`;
    case 'charged': {
      const charged = chargedMicrocredits ?? amountMicrocredits;
      return [
        `${formatCredits(charged)} credits were charged for this ${kind}; ${reserved} were reserved${charged < amountMicrocredits ? ', and the rest was returned' : ''}.${refundInWords(text, charged)}`,
        ...(outputTokens === null
          ? ['The provider reported no usage, so the charge is the upper bound for what was delivered.']
          : []),
      ].join(' ');
    }
    case 'released':
      return releaseInWords(amountMicrocredits);
  }
}

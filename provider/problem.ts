import { z } from 'zod';
import { codeOfSentence, passedOn } from './passedOn.ts';
import { cleanCode, cleanText, type Redact } from './redact.ts';

/** What a provider says about a failed video or a refused call, redacted and cleaned; null where it says nothing. */
export interface Problem {
  readonly code: string | null;
  readonly type: string | null;
  /** At most 1,000 characters. */
  readonly message: string | null;
}

const word = z.union([z.string(), z.number()]).nullable().catch(null);
const text = z.string().nullable().catch(null);

const problemSchema = z
  .union([
    z.string().transform((message) => ({ code: null, type: null, message, detail: null })),
    z.object({
      code: word,
      type: word,
      message: text,
      // FastAPI (vLLM, SGLang): a sentence, or a list of what is wrong with which field.
      detail: z
        .union([z.string(), z.array(z.object({ msg: z.string() })).transform((list) => list[0]?.msg ?? null)])
        .nullable()
        .catch(null),
    }),
  ])
  .nullable()
  .catch(null);

/**
 * Reads an error in any of the shapes seen in the wild: a string, OpenAI's, a gateway's around its upstream's, FastAPI's. Never throws.
 */
export function readProblem(value: unknown, redact: Redact): Problem {
  const outer = problemSchema.parse(value);
  const told = outer?.message ?? outer?.detail ?? null;
  const inner = told === null ? null : problemSchema.parse(passedOn(told));
  const problem = inner ?? outer;
  const message = inner?.message ?? inner?.detail ?? told;
  const code = inner?.code ?? (told === null ? null : codeOfSentence(told)) ?? problem?.code;
  return {
    code: readWord(code, redact),
    type: readWord(problem?.type, redact),
    // Redacted before it is cut: half a key is still half a key.
    message: message === null ? null : cleanText(redact(message), 1000),
  };
}

function readWord(value: string | number | null | undefined, redact: Redact): string | null {
  // LiteLLM writes Python's None as a word.
  if (value === null || value === undefined || value === 'None') return null;
  return cleanCode(redact(String(value)));
}

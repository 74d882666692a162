import { z } from '@hono/zod-openapi';
import { EXAMPLE } from './examples.ts';

/** Shapes that several routes share. */

export const ErrorEnvelope = z
  .object({
    error: z.object({
      message: z.string(),
      type: z.string(),
      param: z.string().nullable(),
      code: z.string(),
    }),
  })
  .openapi('Error', { example: envelopeExample(404) });

interface ErrorAnswer {
  description: string;
  content: { 'application/json': { schema: typeof ErrorEnvelope; example: unknown } };
}

export function errorAnswers(...statuses: number[]) {
  const answers: Record<number, ErrorAnswer> = {};
  for (const status of statuses) {
    answers[status] = {
      description: DESCRIPTION[status] ?? 'Refused.',
      content: { 'application/json': { schema: ErrorEnvelope, example: envelopeExample(status) } },
    };
  }
  return answers;
}

function envelopeExample(status: number) {
  return EXAMPLE.errors[status as keyof typeof EXAMPLE.errors] ?? EXAMPLE.errors[400];
}

const DESCRIPTION: Record<number, string> = {
  400: 'A field is wrong: `param` names it.',
  401: 'The key is unknown, revoked or expired.',
  402: 'The balance or a limit of the key does not cover the price, or the video was never charged.',
  403: 'The account is frozen, or the key lacks the scope.',
  404: 'Unknown, or of another account.',
  413: 'The body or the file is too large.',
  415: 'The body is of no type that this route takes.',
  422: 'The idempotency key came with other arguments before.',
  429: 'Too many generations are active, or this key sends too many requests; Retry-After says when to try again.',
  500: 'A fault of ours.',
  503: 'A part of Holdfast is away; nothing is held.',
};

/** The content of a body that is JSON of this schema. */
export const json = <Schema extends z.ZodType>(schema: Schema) => ({ 'application/json': { schema } });

/** The query of a POST that takes none: a dry run, say, that it does not know is refused, not passed over. */
export const nothing = z.strictObject({});

export const bearer = [{ bearerAuth: [] }];
export const adminBearer = [{ adminAuth: [] }];

const CONTROL_CHARACTERS = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\ufffd]/;

/** Comparing texts puts marks in order, which takes the square of their number; people stack a few. */
const TOO_MANY_MARKS = /\p{M}{101}/u;

/** Text as people write it: no NUL and other control characters, no half of a surrogate pair, no undecodable bytes. */
export function plainText(maximum: number) {
  return z
    .string()
    .max(maximum)
    .refine((text) => text.trim() !== '', 'must not be empty')
    .refine(
      (text) => text.isWellFormed() && !CONTROL_CHARACTERS.test(text),
      'must be text, without control characters or binary data',
    )
    .refine((text) => !TOO_MANY_MARKS.test(text), 'must not have over 100 combining marks in a row');
}

const LONGEST_NAME = 100;

/** 400 with `param`, from the first thing that zod found; the value itself is never repeated. */
export function describeIssue(error: z.core.$ZodError): { param: string | undefined; message: string } {
  const issue = error.issues[0];
  const unknownKey = issue?.code === 'unrecognized_keys' ? issue.keys[0] : undefined;
  const whole = [...(issue?.path ?? []), ...(unknownKey === undefined ? [] : [unknownKey])].join('.');
  // A client's own name for a field may be of any length.
  const path = whole.length > LONGEST_NAME ? `${whole.slice(0, LONGEST_NAME)}…` : whole;
  if (unknownKey !== undefined) return { param: path, message: `${path} is not a known field. Nothing was held.` };
  const missing = issue?.code === 'invalid_type' && issue.message.endsWith('received undefined');
  const what = missing
    ? 'is required'
    : (issue?.message ?? 'is wrong').replace(/^Invalid input: /, '').replace(/^Too/, 'is too');
  return {
    param: path === '' ? undefined : path,
    message: `${path === '' ? 'The body' : path}: ${what}. Nothing was held.`,
  };
}

import { z } from '@hono/zod-openapi';
import { EXAMPLE } from './examples.ts';

/** What the contracts of several routes share: security, path parameters, bodies and responses. */

export const bearer = [{ bearerAuth: [] }];
export const adminBearer = [{ adminAuth: [] }];

/** A path parameter of this name. */
export const pathParam = (name: string, example?: string) =>
  z.string().openapi({ param: { name, in: 'path' }, ...(example !== undefined && { example }) });

/** The content of a body that is JSON of this schema. */
export const json = <Schema extends z.ZodType>(schema: Schema) => ({ 'application/json': { schema } });

/** A request body that must be there, as JSON of this schema. */
export const jsonBody = <Schema extends z.ZodType>(schema: Schema) => ({
  required: true as const,
  content: json(schema),
});

/** The query of a POST that takes no parameters: an unknown one, such as `dry_run`, is refused rather than ignored. */
export const nothing = z.strictObject({});

/** A moment on the wire: seconds since 1970, as in OpenAI's objects. */
export const moment = z.number().int();

export function unixSeconds(at: Date): number {
  return Math.floor(at.getTime() / 1000);
}

/** The response 200 with this body, and the errors: those that every route has, and these. */
export const answersWith = <Schema extends z.ZodType>(description: string, schema: Schema, ...errors: number[]) => ({
  200: { description, content: json(schema) },
  ...errorAnswers(401, 500, 503, ...errors),
});

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

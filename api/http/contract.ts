import { z } from '@hono/zod-openapi';
import { EXAMPLE, pageOf } from './examples.ts';
import { listOf } from './listing.ts';

/** What the contracts of routes share: security, parameters, bodies and responses. */

export const bearer = [{ bearerAuth: [] }];
export const adminBearer = [{ adminAuth: [] }];

/** Path parameters are plain strings, because an id of the wrong form is answered 404 and not 400. */
export const accountParams = z.object({ account_id: z.string() });
export const videoParams = z.object({ video_id: z.string() });
export const endpointParams = z.object({ endpoint_id: z.string() });

/** The query of a POST or DELETE that takes none: an unknown `dry_run`, for example, is refused and not ignored. */
export const noQuery = z.strictObject({});

export const jsonContent = <Schema extends z.ZodType>(schema: Schema) => ({ 'application/json': { schema } });

export const jsonBody = <Schema extends z.ZodType>(schema: Schema) => ({
  required: true,
  content: jsonContent(schema),
});

export const jsonResponse = <Schema extends z.ZodType>(description: string, schema: Schema) => ({
  description,
  content: jsonContent(schema),
});

/** The 200 of a list; `name` is the schema's name in the OpenAPI document. */
export const pageResponse = <Item extends z.ZodType>(name: string, item: Item, example: { id: string }) =>
  jsonResponse('A page.', listOf(item).openapi(name, { example: pageOf(example) }));

/** A 200 with this body, and the errors: 401, 500 and 503, which every route with a key can answer, and those named. */
export const responsesWith = <Schema extends z.ZodType>(description: string, schema: Schema, ...errors: number[]) => ({
  200: jsonResponse(description, schema),
  ...errorResponses(401, 500, 503, ...errors),
});

const ErrorEnvelope = z
  .object({
    error: z.object({
      message: z.string(),
      type: z.string(),
      param: z.string().nullable(),
      code: z.string(),
    }),
  })
  .openapi('Error', { example: envelopeExample(404) });

interface ErrorResponse {
  description: string;
  content: { 'application/json': { schema: typeof ErrorEnvelope; example: unknown } };
}

export function errorResponses(...statuses: number[]) {
  const responses: Record<number, ErrorResponse> = {};
  for (const status of statuses) {
    responses[status] = {
      description: DESCRIPTION[status] ?? 'Refused.',
      content: { 'application/json': { schema: ErrorEnvelope, example: envelopeExample(status) } },
    };
  }
  return responses;
}

function envelopeExample(status: number) {
  const examples: Partial<Record<number, object>> = EXAMPLE.errors;
  return examples[status] ?? EXAMPLE.errors[400];
}

const DESCRIPTION: Record<number, string> = {
  400: 'The request is invalid; `param` names the field.',
  401: 'The key is unknown, revoked or expired.',
  402: 'The balance or a limit of the key does not cover the price, or the video was never charged.',
  403: 'The account is frozen, or the key lacks the scope.',
  404: 'Not found, or it belongs to another account.',
  413: 'The body or the file is too large.',
  415: 'This route does not accept the content type of the body.',
  422: 'The Idempotency-Key was used for a different request before.',
  429: 'Too many generations are active, or the key sent too many requests; Retry-After says when to try again.',
  500: 'An internal error.',
  503: 'Holdfast is temporarily unavailable; nothing was held.',
};

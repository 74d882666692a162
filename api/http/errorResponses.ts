import { z } from '@hono/zod-openapi';

/** The error responses of an operation in the OpenAPI document. */

const ErrorDetail = z
  .object({
    message: z.string().openapi({ description: 'What happened, what became of the credits, and what to do.' }),
    type: z.string(),
    param: z.string().nullable().openapi({ description: 'The field, parameter or header that is wrong.' }),
    code: z.string(),
  })
  .openapi('ErrorDetail');

const ErrorResponse = z.object({ error: ErrorDetail }).openapi('ErrorResponse');

/** A status with its usual description, or statuses with what they mean for this operation. */
export type DescribedError = number | Readonly<Record<number, string>>;

interface ErrorObject<Schema> {
  description: string;
  content: { 'application/json': { schema: Schema } };
}

/** The responses with these statuses. A later description of a status replaces an earlier one. */
export function errorResponses(...errors: DescribedError[]) {
  const responses: Record<number, ErrorObject<typeof ErrorResponse>> = {};
  for (const error of errors) {
    const described = typeof error === 'number' ? { [error]: USUAL[error] ?? 'The request was refused.' } : error;
    for (const [status, description] of Object.entries(described)) {
      responses[Number(status)] = errorObject(description, ErrorResponse);
    }
  }
  return responses;
}

/** In a document that was generated already. */
export const ERROR_REFERENCE = '#/components/schemas/ErrorResponse';

/** One such response for a document that was generated already. */
export function errorReference(status: number, description = USUAL[status] ?? '') {
  return errorObject(description, { $ref: ERROR_REFERENCE });
}

function errorObject<Schema>(description: string, schema: Schema): ErrorObject<Schema> {
  return { description, content: { 'application/json': { schema } } };
}

const USUAL: Readonly<Record<number, string>> = {
  400: 'The request is invalid; `param` names the field.',
  401: 'The key is missing, unknown, revoked or expired.',
  403: 'The key lacks the scope.',
  404: 'Not found, or it belongs to another account.',
  408: 'The body was sent too slowly.',
  413: 'The body or the file is too large.',
  415: 'This route does not accept the content type of the body.',
  422: 'The Idempotency-Key was used for a different request before.',
  429: 'The key sent too many requests, or the account too much at once; Retry-After says when to try again.',
  431: 'The address and the headers together are too large; the connection is closed.',
  500: 'An internal error; `message` has the id of the request.',
  503: 'Holdfast is temporarily unavailable; Retry-After says when to try again.',
};

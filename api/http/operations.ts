import { errorReference } from './errorResponses.ts';
import { scopeOf } from './scopes.ts';

/** The parts of an operation in an OpenAPI document that are completed here. */
export interface Operation {
  readonly description?: string;
  readonly requestBody?: {
    readonly content: Readonly<Record<string, { readonly schema: { readonly $ref?: string } }>>;
  };
  readonly security?: readonly object[];
  readonly responses?: Readonly<Record<string, unknown>>;
}

/** Adds to an operation what middleware does: the scope that it requires and the errors that it raises. */
export function describeOperation(method: string, path: string, operation: Operation): Operation {
  const { description, security = [], responses } = operation;
  const ofBody = method === 'get' ? {} : BODY_ERRORS;
  if (!path.startsWith('/v1/')) return { ...operation, security, responses: { ...ofBody, ...responses } };
  const scope = scopeOf(method, path);
  const needs = `Requires an API key with the scope \`${scope}\`.`;
  return {
    ...operation,
    description: description === undefined ? needs : `${description} ${needs}`,
    security: [{ bearerAuth: [scope] }],
    responses: {
      403: errorReference(403, `The key lacks the scope \`${scope}\`.`),
      429: errorReference(429),
      ...ofBody,
      ...responses,
    },
  };
}

/** The errors of reading a body, which every route but a GET can raise. */
const BODY_ERRORS = Object.fromEntries([408, 413, 415].map((status) => [status, errorReference(status)]));

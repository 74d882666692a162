import { type Described, errorExampleOf } from './errorExamples.ts';
import { ERROR_REFERENCE, errorReference } from './errorResponses.ts';
import { scopeOf } from './scopes.ts';

interface Answer {
  readonly content?: Readonly<Record<string, { readonly schema?: { readonly $ref?: string } }>>;
}

/** The parts of an operation in an OpenAPI document that are completed here. */
export interface Operation {
  readonly description?: string;
  readonly parameters?: readonly { readonly name?: string }[];
  readonly requestBody?: {
    readonly content: Readonly<Record<string, { readonly schema: { readonly $ref?: string } }>>;
  };
  readonly security?: readonly object[];
  readonly responses?: Readonly<Record<string, Answer>>;
}

/** Adds to an operation what middleware does: the scope that it requires and the errors that it raises, with examples. */
export function describeOperation(method: string, path: string, operation: Operation): Operation {
  const { description, security = [], responses, parameters = [], requestBody } = operation;
  const described: Described = {
    ...{ method, path },
    hasJsonBody: requestBody?.content['application/json'] !== undefined,
    isList: method === 'get' && parameters.some(({ name }) => name === 'limit'),
  };
  const ofHttp = { ...(method === 'get' ? {} : BODY_ERRORS), 431: errorReference(431) };
  if (!path.startsWith('/v1/')) {
    return { ...operation, security, responses: withExamples(described, { ...ofHttp, ...responses }) };
  }
  const scope = scopeOf(method, path);
  const needs = `Requires an API key with the scope \`${scope}\`.`;
  return {
    ...operation,
    description: description === undefined ? needs : `${description} ${needs}`,
    security: [{ bearerAuth: [scope] }],
    responses: withExamples(described, {
      403: errorReference(403, `The key lacks the scope \`${scope}\`.`),
      429: errorReference(429),
      ...ofHttp,
      ...responses,
    }),
  };
}

function withExamples(operation: Described, responses: Readonly<Record<string, Answer>>): Record<string, Answer> {
  return Object.fromEntries(
    Object.entries(responses).map(([status, answer]) => {
      const json = answer.content?.['application/json'];
      if (json?.schema?.$ref !== ERROR_REFERENCE) return [status, answer];
      const example = errorExampleOf(operation, Number(status));
      return [status, { ...answer, content: { ...answer.content, 'application/json': { ...json, example } } }];
    }),
  );
}

/** The errors of reading a body, which every route but a GET can raise. */
const BODY_ERRORS = Object.fromEntries([408, 413, 415].map((status) => [status, errorReference(status)]));

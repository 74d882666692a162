import { createMiddleware } from 'hono/factory';
import type { Scope } from '../../contracts/scopes.ts';
import { SCOPES } from '../../contracts/scopes.ts';
import type { Env } from './deps.ts';
import { ApiError } from './errors.ts';
import { noRoute } from './knownRoutes.ts';

/** The scope area of each resource below `/v1`. A resource that is missing here is not accessible at all. */
const AREA: Record<string, string> = {
  videos: 'videos',
  scripts: 'text',
  threads: 'text',
  credits: 'credits',
  prices: 'credits',
  webhook_endpoints: 'webhooks',
};

/** The scope that a request below `/v1` requires; undefined for an unknown resource. */
function scopeOf(method: string, path: string): Scope | undefined {
  const area = AREA[path.split('/')[2] ?? ''];
  const right = /^(GET|HEAD)$/i.test(method) ? 'read' : 'write';
  return SCOPES.find((scope) => scope === `${area}:${right}`);
}

/** Requires the scope of the route. Raises `forbidden`. `caller` must be set. */
export const requireScope = createMiddleware<Env>(async (c, next) => {
  const scope = scopeOf(c.req.method, c.req.path);
  if (scope === undefined) throw noRoute();
  const { scopes } = c.get('caller');
  if (scopes !== null && !scopes.includes(scope)) {
    throw new ApiError('forbidden', `This API key lacks the scope ${scope}.`, {
      advice: 'Use a key that has it, or ask the operator of this service for one.',
    });
  }
  await next();
});

interface Operation {
  description?: string;
  security?: object[];
  responses?: Record<string, unknown>;
}

/** Adds to each route in an OpenAPI document the errors that middleware raises, and below `/v1` the scope that it requires. */
export function describeScopes<Document extends { paths?: object }>(document: Document): Document {
  for (const [path, item] of Object.entries(document.paths ?? {})) {
    for (const [method, operation] of Object.entries(item as Record<string, Operation>)) {
      if (method !== 'get' && /^\/(v1|admin)\//.test(path)) {
        operation.responses = { ...BODY_REFUSALS, ...operation.responses };
      }
      if (!path.startsWith('/v1/')) continue;
      const scope = scopeOf(method, path);
      operation.description = [operation.description, `Requires an API key with the scope \`${scope}\`.`]
        .filter((part) => part !== undefined)
        .join(' ');
      operation.security = [{ bearerAuth: [scope] }];
      operation.responses = {
        403: refusal(`The key lacks the scope \`${scope}\`.`),
        429: refusal(
          'The key sent too many requests, or the account sends too much at once; Retry-After says when to try again.',
        ),
        ...operation.responses,
      };
    }
  }
  return document;
}

/** The errors of reading a body, which every route but a GET can raise. */
const BODY_REFUSALS = {
  408: refusal('The body was sent too slowly.'),
  413: refusal('The body is too large.'),
  415: refusal('This route does not accept the content type of the body.'),
};

function refusal(description: string) {
  return { description, content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } } };
}

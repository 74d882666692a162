import { createMiddleware } from 'hono/factory';
import type { Scope } from '../../contracts/scopes.ts';
import { SCOPES } from '../../contracts/scopes.ts';
import type { Env } from './deps.ts';
import { ApiError, notFound } from './errors.ts';

/** Which scopes open what is below `/v1/…`. A resource that is not here is closed to everybody. */
const AREA: Record<string, string> = {
  videos: 'videos',
  scripts: 'text',
  threads: 'text',
  credits: 'credits',
  prices: 'credits',
  webhook_endpoints: 'webhooks',
};

/** The scope that a request below `/v1` needs; undefined where nothing is, or is for nobody. */
export function scopeOf(method: string, path: string): Scope | undefined {
  const area = AREA[path.split('/')[2] ?? ''];
  const right = /^(GET|HEAD)$/i.test(method) ? 'read' : 'write';
  return SCOPES.find((scope) => scope === `${area}:${right}`);
}

/** Lets only a key of the route's scope pass; `caller` must be set. */
export const requireScope = createMiddleware<Env>(async (c, next) => {
  const scope = scopeOf(c.req.method, c.req.path);
  if (scope === undefined) throw notFound('This route');
  const { scopes } = c.get('caller');
  if (scopes !== null && !scopes.includes(scope)) {
    throw new ApiError(
      'forbidden',
      `This API key lacks the scope ${scope}. Nothing was held or changed; use a key that has it, or ask your administrator for one.`,
    );
  }
  await next();
});

interface Operation {
  description?: string;
  security?: object[];
  responses?: Record<string, unknown>;
}

/** Adds to an OpenAPI document what every route of `/v1` has: the scope that it needs, and the refusals of a key. */
export function describeScopes<Document extends { paths?: object }>(document: Document): Document {
  for (const [path, item] of Object.entries(document.paths ?? {})) {
    if (!path.startsWith('/v1/')) continue;
    for (const [method, operation] of Object.entries(item as Record<string, Operation>)) {
      const scope = scopeOf(method, path);
      operation.description = [operation.description, `Needs a key with the scope \`${scope}\`.`]
        .filter((part) => part !== undefined)
        .join(' ');
      operation.security = [{ bearerAuth: [scope] }];
      operation.responses = {
        403: refusal(`The key lacks the scope \`${scope}\`.`),
        429: refusal('This key sends too many requests, or too much at once; Retry-After says when to try again.'),
        ...(method === 'get' ? {} : BODY_REFUSALS),
        ...operation.responses,
      };
    }
  }
  return document;
}

/** Of every route that changes something: what is sent along is read, or refused, before it is looked at. */
const BODY_REFUSALS = {
  408: refusal('The body came too slowly. Nothing was done.'),
  413: refusal('The body is too large.'),
  415: refusal('The body is of no type that this route takes.'),
};

function refusal(description: string) {
  return { description, content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } } };
}

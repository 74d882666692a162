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
  models: 'credits',
  webhook_endpoints: 'webhooks',
};

/** The scope that a request below `/v1` requires; undefined for an unknown resource. */
export function scopeOf(method: string, path: string): Scope | undefined {
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
    throw lacksScope(scope);
  }
  await next();
});

export function lacksScope(scope: string): ApiError {
  return new ApiError('forbidden', `This API key lacks the scope ${scope}.`, {
    advice: 'Use a key that has it, or ask the operator of this service for one.',
  });
}

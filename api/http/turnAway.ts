import { createMiddleware } from 'hono/factory';
import type { RefusedAtDoor } from '../door/door.ts';
import type { ApiDependencies, Env } from './deps.ts';
import { ApiError } from './errors.ts';
import { kindOfRequest } from './requestKind.ts';

/**
 * Refuses a request for a generation that could not start soon before its body is read: in a crowd, most of a process's time would
 * go into bodies of requests that it refuses. What may be a repeat, or come again as an SDK's retry, or only asks for a price, is never
 * refused here: for the first two it must be known what they ask for. `caller` must be set.
 */
export function turnAway({ door }: Pick<ApiDependencies, 'door'>) {
  return createMiddleware<Env>(async (c, next) => {
    const { method, path } = c.req;
    const isPaying = kindOfRequest(method, path) === 'paying' && c.req.query('dry_run') === undefined;
    const isOfSdk = c.req.header('x-stainless-retry-count') !== undefined;
    const mayRepeat = isOfSdk || c.req.header('idempotency-key') !== undefined;
    const refused = isPaying && !mayRepeat ? door.turnAway(c.get('caller').accountId) : undefined;
    if (refused !== undefined) throw refusalAtDoor(refused);
    await next();
  });
}

/** Nothing of such a request was written (MR-102). */
export function refusalAtDoor({ refused, retryAfterSeconds }: RefusedAtDoor): ApiError {
  const isCrowd = refused === 'crowd' || refused === 'late';
  return new ApiError(
    'temporarily_unavailable',
    isCrowd ? 'More is asked for than can be started at the moment.' : 'Nothing new can be started at the moment.',
    { headers: { 'retry-after': String(retryAfterSeconds) }, advice: `Try again in ${retryAfterSeconds} s.` },
  );
}

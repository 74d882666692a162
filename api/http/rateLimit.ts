import { createMiddleware } from 'hono/factory';
import type { ApiDependencies, Env } from './deps.ts';
import { ApiError } from './errors.ts';
import { RequestRates } from './requestRates.ts';
import { releaseAtEnd, Shares } from './shares.ts';

/**
 * Limits the requests a minute of each key, together with the keys that it was rotated from, to the key's own limit or else
 * the configured one, in all processes together. Raises `rate_limited` with Retry-After. `caller` must be set.
 */
export function limitRate({ store, requestsPerMinute }: Pick<ApiDependencies, 'store' | 'requestsPerMinute'>) {
  const rates = new RequestRates(store);
  return createMiddleware<Env>(async (c, next) => {
    const { rotatedFrom, requestsPerMinute: own } = c.get('caller');
    const limit = own ?? requestsPerMinute;
    if (!rates.takeLeased(rotatedFrom)) {
      const waitMs = await rates.take(rotatedFrom, limit);
      if (waitMs > 0) throw tooFast(limit, waitMs);
    }
    return next();
  });
}

export function tooFast(limit: number, waitMs: number): ApiError {
  const seconds = Math.max(1, Math.ceil(waitMs / 1000));
  return new ApiError('rate_limited', `This API key may send ${limit} requests a minute, and has sent them.`, {
    headers: { 'retry-after': String(seconds) },
    advice: `Try again in ${seconds} s.`,
  });
}

/** Requests in progress, including streams; a connection has one at most. */
const AT_ONCE = { total: 8000, share: 2000 };

/** Limits the concurrent requests of each account and of all accounts in this process. `caller` must be set. */
export function limitAtOnce() {
  const requests = new Shares(AT_ONCE, `${AT_ONCE.share} requests in progress`);
  return createMiddleware<Env>((c, next) => releaseAtEnd(c, requests.take(c.get('caller').accountId, 1), next));
}

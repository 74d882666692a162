import { createMiddleware } from 'hono/factory';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import type { Env } from './deps.ts';
import { ApiError } from './errors.ts';
import { releaseAtEnd, Shares } from './shares.ts';

/**
 * Limits the requests a minute of each key, together with the keys that it was rotated from, to the key's own limit or else
 * this one. Raises `rate_limited` with Retry-After. `caller` must be set.
 */
export function limitRate(requestsPerMinute: number) {
  const limiters = new Map<number, RateLimiterMemory>();
  const limiterOf = (points: number): RateLimiterMemory => {
    const limiter = limiters.get(points) ?? new RateLimiterMemory({ points, duration: 60 });
    limiters.set(points, limiter);
    return limiter;
  };
  return createMiddleware<Env>(async (c, next) => {
    const { rotatedFrom, requestsPerMinute: own } = c.get('caller');
    const limit = own ?? requestsPerMinute;
    await limiterOf(limit)
      .consume(rotatedFrom)
      .catch((refused: unknown) => {
        throw refused instanceof RateLimiterRes ? tooFast(limit, refused.msBeforeNext) : refused;
      });
    await next();
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

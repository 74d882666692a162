import type { Context } from 'hono';
import { isServed } from './connection.ts';
import type { Env } from './deps.ts';
import { ApiError, overloaded } from './errors.ts';

export interface ShareLimits {
  /** Of all owners together, in this process. */
  readonly total: number;
  /** Of one owner. */
  readonly share: number;
}

interface Refusals {
  readonly shareExceeded: () => ApiError;
  readonly totalExceeded: () => ApiError;
}

/** A resource of this process that owners share: bytes of bodies in memory, requests in progress, streams. */
export class Shares {
  private taken = 0;
  private readonly takenBy = new Map<string, number>();
  private readonly refusals: Refusals;

  /** `refusals` may be what the share is, in words. */
  constructor(
    private readonly limits: ShareLimits,
    refusals: Refusals | string,
  ) {
    this.refusals =
      typeof refusals === 'string'
        ? { shareExceeded: () => tooMuchAtOnce(refusals), totalExceeded: overloaded }
        : refusals;
  }

  /** Takes `amount` for `owner`. Raises `ApiError` when the share of `owner` or the total would be exceeded. */
  take(owner: string, amount: number): Taken {
    const own = this.takenBy.get(owner) ?? 0;
    if (own + amount > this.limits.share) throw this.refusals.shareExceeded();
    if (this.taken + amount > this.limits.total) throw this.refusals.totalExceeded();
    this.change(owner, amount);
    let kept = amount;
    return {
      keep: (less) => {
        const released = kept - Math.min(kept, less);
        kept -= released;
        this.change(owner, -released);
      },
    };
  }

  private change(owner: string, by: number): void {
    this.taken += by;
    const own = (this.takenBy.get(owner) ?? 0) + by;
    if (own === 0) this.takenBy.delete(owner);
    else this.takenBy.set(owner, own);
  }
}

export interface Taken {
  /** Releases everything above this amount; `keep(0)` releases all of it. */
  readonly keep: (amount: number) => void;
}

/** Releases everything once the response is sent or the connection is closed. */
export async function releaseAtEnd(c: Context<Env>, taken: Taken, next: () => Promise<void>): Promise<void> {
  if (isServed(c.env)) {
    const { outgoing } = c.env;
    if (outgoing.closed) taken.keep(0);
    else outgoing.once('close', () => taken.keep(0));
    return next();
  }
  try {
    await next();
  } finally {
    taken.keep(0);
  }
}

function tooMuchAtOnce(share: string): ApiError {
  return new ApiError('rate_limited', `This account may have ${share} at once, and would have more.`, {
    headers: { 'retry-after': '1' },
    advice: 'Try again when an earlier request is answered.',
  });
}

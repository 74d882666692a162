import type { Context } from 'hono';
import { isServed } from './connection.ts';
import type { Env } from './deps.ts';
import { ApiError, overloaded } from './errors.ts';

export interface ShareLimits {
  /** Of all together, in this process. */
  readonly total: number;
  /** Of one account. */
  readonly share: number;
}

/** A resource of this process that accounts share: bytes of bodies in memory, requests in progress. */
export class Shares {
  private taken = 0;
  private readonly takenBy = new Map<string, number>();

  constructor(private readonly limits: ShareLimits) {}

  /**
   * Takes `amount` for `who`; call `keep` to give a part back early, and `keep(0)` at the end. Raises 429 with Retry-After
   * when the share of `who` does not suffice, 503 when the total does not.
   */
  take(who: string, amount: number): Taken {
    const own = this.takenBy.get(who) ?? 0;
    if (own + amount > this.limits.share) throw tooMuchAtOnce();
    if (this.taken + amount > this.limits.total) throw overloaded();
    this.change(who, amount);
    let kept = amount;
    return {
      keep: (less) => {
        const given = kept - Math.min(kept, less);
        kept -= given;
        this.change(who, -given);
      },
    };
  }

  private change(who: string, by: number): void {
    this.taken += by;
    const own = (this.takenBy.get(who) ?? 0) + by;
    if (own === 0) this.takenBy.delete(who);
    else this.takenBy.set(who, own);
  }
}

export interface Taken {
  /** Gives back all above this amount. */
  readonly keep: (amount: number) => void;
}

/** Gives everything back once the answer has left, or the connection is closed. */
export async function giveBackAtEnd(c: Context<Env>, taken: Taken, next: () => Promise<void>): Promise<void> {
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

function tooMuchAtOnce(): ApiError {
  return new ApiError(
    'rate_limited',
    'This account sends too much at once. Nothing was held by this request; try again when an earlier one is answered.',
    { headers: { 'retry-after': '1' } },
  );
}

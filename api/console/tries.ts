import type { Context } from 'hono';
import { isServed } from '../http/connection.ts';
import type { Env } from '../http/deps.ts';
import { ApiError } from '../http/errors.ts';

const MINUTE_MS = 60_000;
const OF_ONE_ADDRESS = 20;
const OF_ALL = 300;

/**
 * Limits how often one address, and all of them together, try to sign in to this process in a minute by what is no API key.
 * API keys can't be guessed; an admin key that an operator has made up might be.
 */
export class SignInTries {
  private readonly tries = new Map<string, number>();
  private all = 0;
  private endsAtMs = 0;

  /** Counts a try. Raises `rate_limited`. */
  take(c: Context<Env>): void {
    const now = performance.now();
    if (now >= this.endsAtMs) {
      this.tries.clear();
      this.all = 0;
      this.endsAtMs = now + MINUTE_MS;
    }
    const address = isServed(c.env) ? (c.env.incoming.socket.remoteAddress ?? '') : '';
    const tried = this.tries.get(address) ?? 0;
    if (tried >= OF_ONE_ADDRESS || this.all >= OF_ALL) throw tooMany(this.endsAtMs - now);
    this.tries.set(address, tried + 1);
    this.all += 1;
  }
}

function tooMany(waitMs: number): ApiError {
  const seconds = Math.max(1, Math.ceil(waitMs / 1000));
  return new ApiError('rate_limited', 'There were too many tries to sign in.', {
    headers: { 'retry-after': String(seconds) },
    advice: `Try again in ${seconds} s.`,
  });
}

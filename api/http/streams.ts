import type { Context } from 'hono';
import type { SSEStreamingApi } from 'hono/streaming';
import type { Caller, Store } from '../../store/index.ts';
import { isServed } from './connection.ts';
import type { ApiDependencies, Env, StreamLimits } from './deps.ts';
import { ApiError } from './errors.ts';
import { Feeds } from './feeds.ts';
import { Shares } from './shares.ts';

/** The API's dependencies, and what all streams of this process share. */
export type StreamDependencies = ApiDependencies & {
  readonly streams: { readonly feeds: Feeds; readonly places: StreamPlaces; readonly keys: KeyStandings };
};

export function withStreams(deps: ApiDependencies): StreamDependencies {
  const streams = {
    feeds: new Feeds(deps.changes),
    places: new StreamPlaces(deps.streamLimits),
    keys: new KeyStandings(deps.store),
  };
  return { ...deps, streams };
}

/** Limits how many streams are open at once; a stream without a place is refused and does not wait. */
export class StreamPlaces {
  private readonly places: Shares;

  constructor({ ofOneKey, inAll }: StreamLimits) {
    this.places = new Shares(
      { share: ofOneKey, total: inAll },
      {
        shareExceeded: () => noPlace(`This API key follows ${ofOneKey} generations already, the maximum.`),
        totalExceeded: () => noPlace('This server cannot follow more generations at the moment.'),
      },
    );
  }

  /** Returns how to leave the place. Raises `rate_limited`. */
  take({ rotatedFrom }: Caller): () => void {
    const place = this.places.take(rotatedFrom, 1);
    return () => place.keep(0);
  }
}

const RETRY_AFTER_SECONDS = 10;

function noPlace(why: string): ApiError {
  return new ApiError('rate_limited', why, {
    headers: { 'retry-after': String(RETRY_AFTER_SECONDS) },
    advice: `Close a stream, or try again in ${RETRY_AFTER_SECONDS} s; retrieving a generation needs no stream.`,
  });
}

/** How often a key is checked, once for all of its streams. */
const CHECK_EVERY_MS = 10_000;

/** Checks that the keys of open streams are still valid. */
export class KeyStandings {
  private readonly checks = new Map<string, { readonly atMs: number; readonly inForce: Promise<boolean> }>();

  constructor(private readonly store: Pick<Store, 'isKeyInForce'>) {}

  /** Raises `invalid_api_key` at most ten seconds after the key was revoked or has expired. */
  async require({ apiKeyId }: Caller): Promise<void> {
    const now = performance.now();
    let check = this.checks.get(apiKeyId);
    if (check === undefined || now - check.atMs > CHECK_EVERY_MS) {
      for (const [id, { atMs }] of this.checks) if (now - atMs > CHECK_EVERY_MS) this.checks.delete(id);
      // A database that does not answer proves nothing about the key.
      check = { atMs: now, inForce: this.store.isKeyInForce(apiKeyId).catch(() => true) };
      this.checks.set(apiKeyId, check);
    }
    if (await check.inForce) return;
    throw new ApiError(
      'invalid_api_key',
      'This API key was revoked or has expired since this stream began. The generation continues and settles as usual.',
      { effect: 'in_message', advice: 'Follow it with a valid key.' },
    );
  }
}

const NOT_READ_FOR_MS = 30_000;

/** Sends a message, and disconnects a client that does not read it in time. No other message is buffered meanwhile. */
export async function sendOn(c: Context<Env>, stream: SSEStreamingApi, send: () => Promise<unknown>): Promise<void> {
  const timer = setTimeout(() => {
    stream.abort();
    if (isServed(c.env)) c.env.outgoing.destroy();
  }, NOT_READ_FOR_MS);
  try {
    await send();
  } finally {
    clearTimeout(timer);
  }
}

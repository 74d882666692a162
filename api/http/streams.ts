import type { Context } from 'hono';
import type { SSEStreamingApi } from 'hono/streaming';
import type { Caller, Store } from '../../store/index.ts';
import { isServed } from './connection.ts';
import type { ApiDependencies, Env, StreamLimits } from './deps.ts';
import { ApiError } from './errors.ts';
import { Feeds } from './feeds.ts';

/** What all who follow a generation share in this process. */
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

/** How many may follow a generation at once; nobody waits for a place. */
export class StreamPlaces {
  private taken = 0;
  private readonly takenBy = new Map<string, number>();

  constructor(private readonly limits: StreamLimits) {}

  /** Answers with how to leave. Raises `ApiError` 429 when there is no place. */
  take({ rotatedFrom }: Caller): () => void {
    const mine = this.takenBy.get(rotatedFrom) ?? 0;
    if (mine >= this.limits.ofOneKey)
      throw noPlace(`This API key follows ${mine} generations already, as many as it may.`);
    if (this.taken >= this.limits.inAll) throw noPlace('More generations are being followed than this server can.');
    this.taken += 1;
    this.takenBy.set(rotatedFrom, mine + 1);
    let isIn = true;
    return () => {
      if (!isIn) return;
      isIn = false;
      this.taken -= 1;
      const left = (this.takenBy.get(rotatedFrom) ?? 1) - 1;
      if (left === 0) this.takenBy.delete(rotatedFrom);
      else this.takenBy.set(rotatedFrom, left);
    };
  }
}

const RETRY_AFTER_SECONDS = 10;

function noPlace(why: string): ApiError {
  return new ApiError(
    'rate_limited',
    `${why} Nothing was held by this request. Close some, or try again in ${RETRY_AFTER_SECONDS} s; a retrieve takes no place.`,
    { headers: { 'retry-after': String(RETRY_AFTER_SECONDS) } },
  );
}

/** A key is looked at so often, for all streams that are open with it. */
const LOOKED_AT_EVERY_MS = 10_000;

/** Whether keys are still in force, while streams are open with them. */
export class KeyStandings {
  private readonly looks = new Map<string, { readonly atMs: number; readonly inForce: Promise<boolean> }>();

  constructor(private readonly store: Pick<Store, 'isKeyInForce'>) {}

  /** Raises `ApiError` 401 within ten seconds of its end. */
  async require({ apiKeyId }: Caller): Promise<void> {
    const now = performance.now();
    let look = this.looks.get(apiKeyId);
    if (look === undefined || now - look.atMs > LOOKED_AT_EVERY_MS) {
      for (const [id, { atMs }] of this.looks) if (now - atMs > LOOKED_AT_EVERY_MS) this.looks.delete(id);
      // A database that is away for a moment says nothing about the key.
      look = { atMs: now, inForce: this.store.isKeyInForce(apiKeyId).catch(() => true) };
      this.looks.set(apiKeyId, look);
    }
    if (await look.inForce) return;
    throw new ApiError(
      'invalid_api_key',
      'This API key was revoked, or has expired, since this stream began. What it was about goes on, and settles as ever; follow it with a key that is in force.',
    );
  }
}

const NOT_READ_FOR_MS = 30_000;

/** Sends something, and cuts off a client that does not read it in time. Nothing else is kept for it meanwhile. */
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

import type { Context } from 'hono';
import { v7 as uuidv7 } from 'uuid';
import { videoId } from '../../contracts/ids.ts';
import type { Caller } from '../../store/index.ts';
import type { Order } from '../generations/order.ts';
import { keepAnswer, keepRefusal, readRepeat, type Repeat } from '../generations/repeat.ts';
import { startGeneration } from '../generations/startGeneration.ts';
import type { ApiDependencies, Env } from '../http/deps.ts';
import { ApiError } from '../http/errors.ts';
import { markReplayed } from '../http/idempotencyKey.ts';
import { toVideo, type Video } from './videoObject.ts';

/** Starts the ordered video, or replays the response to the same request, and sends it. */
export async function sendStarted(deps: ApiDependencies, c: Context<Env>, order: Order) {
  const { status, body, replayed } = await startVideo(deps, c.get('caller'), order, readRepeat(c));
  if (replayed) markReplayed(c);
  // A kept body follows the same schema, but its type is only known to be JSON.
  return c.json(body as Video, status as 200);
}

interface Answer {
  readonly status: 200 | 402;
  readonly body: unknown;
  readonly replayed: boolean;
}

/** Keeps a 200 or 402 for the idempotency key. Raises `ApiError` for everything else. */
async function startVideo(deps: ApiDependencies, caller: Caller, order: Order, repeat: Repeat): Promise<Answer> {
  const started = await startGeneration(deps, caller, order, repeat).catch(
    keepRefusal(deps, caller, repeat, order.generationId),
  );
  if ('kept' in started) return { ...started.kept, replayed: true };
  const { generationId, replayed } = started;
  const generation = await deps.store.getGeneration(caller.accountId, generationId).catch((error: unknown) => {
    deps.log.error({ err: error, generationId }, 'an accepted video could not be read');
    throw accepted(generationId);
  });
  if (generation === undefined) throw accepted(generationId);
  const body = toVideo(generation);
  await keepAnswer(deps, caller, repeat, generationId, { status: 200, body });
  return { status: 200, body, replayed };
}

/** The part of an order that is the same for every new video. */
export function newVideo({ store }: ApiDependencies, { accountId }: Caller): Pick<Order, 'generationId' | 'exists'> {
  return {
    generationId: videoId(uuidv7()),
    exists: async (generationId) => (await store.getGeneration(accountId, generationId)) !== undefined,
  };
}

function accepted(generationId: string): ApiError {
  return new ApiError(
    'outcome_unknown',
    `The video ${generationId} was accepted and its price is reserved, but it could not be shown just now. Retrieve it shortly; its outcome settles the credits.`,
    { effect: 'in_message' },
  );
}

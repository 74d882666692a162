import { v7 as uuidv7 } from 'uuid';
import { videoId } from '../../contracts/ids.ts';
import type { Caller, Generation } from '../../store/index.ts';
import type { ApiDependencies } from '../http/deps.ts';
import { ApiError } from '../http/errors.ts';
import { fingerprintOf, hashOfFile } from '../http/fingerprint.ts';
import { keepAnswer, keepRefusal, type Repeat } from '../generations/repeat.ts';
import type { Order } from '../generations/startGeneration.ts';
import { startGeneration } from '../generations/startGeneration.ts';
import { toVideo } from './videoObject.ts';
import type { RemixRequest, VideoRequest } from './videoRequest.ts';
import { readRemix, toMaximum } from './videoRequest.ts';

export interface CreateAnswer {
  readonly status: 200 | 402;
  readonly body: unknown;
  readonly replayed: boolean;
}

/**
 * Starts what is ordered, or replays the answer of the same request; keeps the answers 200 and 402 for an idempotency key.
 * Raises `ApiError` for everything else.
 */
export async function createVideo(
  deps: ApiDependencies,
  caller: Caller,
  order: Order,
  repeat: Repeat,
): Promise<CreateAnswer> {
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

/** A new video of its own. */
export function orderVideo(deps: ApiDependencies, caller: Caller, request: VideoRequest): Order {
  const { model, seconds, size, prompt, maxMicrocredits, inputReference } = request;
  const asked = { model, seconds, size, prompt, max: maxMicrocredits, input_reference: hashOfFile(inputReference) };
  return {
    ...newVideo(deps, caller),
    maxMicrocredits,
    fingerprint: fingerprintOf('/v1/videos', asked),
    admit: (admission) => deps.ledger.admitGeneration({ ...admission, ...request }),
  };
}

/** A video made from another one, which is only asked for when this is no repeat: it may be gone since. */
export function orderRemix(
  deps: ApiDependencies,
  caller: Caller,
  originalId: string,
  asked: RemixRequest,
  findOriginal: () => Promise<Generation>,
): Order {
  const maxMicrocredits = toMaximum(asked.max_credits);
  return {
    ...newVideo(deps, caller),
    maxMicrocredits,
    fingerprint: fingerprintOf(`/v1/videos/${originalId}/remix`, { prompt: asked.prompt, max: maxMicrocredits }),
    admit: async (admission) =>
      deps.ledger.admitGeneration({ ...admission, ...readRemix(asked, await findOriginal()) }),
  };
}

/** What is the same for every video. */
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
  );
}

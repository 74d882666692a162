import { v7 as uuidv7 } from 'uuid';
import { videoId } from '../contracts/ids.ts';
import type { Caller } from '../ledger/index.ts';
import { keepAnswer, keepRefusal } from './answered.ts';
import type { ApiDependencies } from './deps.ts';
import { ApiError } from './errors.ts';
import { fingerprintOf, hashOfFile } from './fingerprint.ts';
import type { Order, Repeat } from './startGeneration.ts';
import { startGeneration } from './startGeneration.ts';
import { toVideo } from './videoObject.ts';
import type { VideoRequest } from './videoRequest.ts';

export interface CreateAnswer {
  readonly status: 200 | 402;
  readonly body: unknown;
  readonly replayed: boolean;
  /** What a 200 is about; null for an answer that was kept. */
  readonly generationId: string | null;
}

/**
 * Starts a video, or replays the answer of the same request; keeps the answers 200 and 402 for an idempotency key.
 * Raises `ApiError` for everything else.
 */
export async function createVideo(
  deps: ApiDependencies,
  caller: Caller,
  request: VideoRequest,
  repeat: Repeat,
): Promise<CreateAnswer> {
  const order = orderVideo(deps, caller, request);
  const started = await startGeneration(deps, caller, order, repeat).catch(
    keepRefusal(deps, caller, repeat, order.generationId),
  );
  if ('kept' in started) return { ...started.kept, replayed: true, generationId: null };
  const { generationId, replayed } = started;
  const generation = await deps.ledger.getGeneration(caller.accountId, generationId).catch((error: unknown) => {
    deps.log.error({ err: error, generationId }, 'an accepted video could not be read');
    throw accepted(generationId);
  });
  if (generation === undefined) throw accepted(generationId);
  const body = toVideo(generation);
  await keepAnswer(deps, caller, repeat, generationId, { status: 200, body });
  return { status: 200, body, replayed, generationId };
}

function orderVideo({ ledger }: ApiDependencies, { accountId }: Caller, request: VideoRequest): Order {
  const { model, seconds, size, prompt, maxMicrocredits, inputReference, remixOf } = request;
  const asked = { model, seconds, size, prompt, max: maxMicrocredits, input_reference: hashOfFile(inputReference) };
  return {
    generationId: videoId(uuidv7()),
    maxMicrocredits,
    fingerprint:
      remixOf === null
        ? fingerprintOf('/v1/videos', asked)
        : fingerprintOf(`/v1/videos/${remixOf}/remix`, { prompt, max: maxMicrocredits }),
    admit: (admission) => ledger.admitGeneration({ ...admission, ...request }),
    exists: async (generationId) => (await ledger.getGeneration(accountId, generationId)) !== undefined,
  };
}

function accepted(generationId: string): ApiError {
  return new ApiError(
    'outcome_unknown',
    `The video ${generationId} was accepted and its price is reserved, but it could not be shown just now. Retrieve it shortly; its outcome settles the credits.`,
  );
}

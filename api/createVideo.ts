import type { Caller } from '../ledger/index.ts';
import type { ApiDependencies } from './deps.ts';
import { ApiError, envelopeOf } from './errors.ts';
import type { Repeat, Started } from './startVideo.ts';
import { startVideo } from './startVideo.ts';
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
  const keep = (status: 200 | 402, body: unknown) => keepAnswer(deps, caller, repeat, status, body);
  let started: Started;
  try {
    started = await startVideo(deps, caller, request, repeat);
  } catch (error) {
    if (error instanceof ApiError && error.status === 402) await keep(402, envelopeOf(error));
    throw error;
  }
  if ('kept' in started) return { ...started.kept, replayed: true, generationId: null };
  const { generationId, replayed } = started;
  const generation = await deps.ledger.getGeneration(caller.accountId, generationId).catch((error: unknown) => {
    deps.log.error({ err: error, generationId }, 'an accepted video could not be read');
    throw accepted(generationId);
  });
  if (generation === undefined) throw accepted(generationId);
  const body = toVideo(generation);
  await keep(200, body);
  return { status: 200, body, replayed, generationId };
}

function accepted(generationId: string): ApiError {
  return new ApiError(
    'outcome_unknown',
    `The video ${generationId} was accepted and its price is reserved, but it could not be shown just now. Retrieve it shortly; its outcome settles the credits.`,
  );
}

async function keepAnswer(
  { ledger, log }: ApiDependencies,
  caller: Caller,
  { idempotencyKey }: Repeat,
  status: 200 | 402,
  body: unknown,
): Promise<void> {
  if (idempotencyKey === null) return;
  // The generation tells the same without it, so the answer at hand is not withheld for this.
  await ledger.keepAnswer(caller.accountId, idempotencyKey, { status, body }).catch((error: unknown) => {
    log.warn({ err: error }, 'an answer could not be kept for its idempotency key');
  });
}

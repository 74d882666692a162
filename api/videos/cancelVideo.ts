import type { ApiDependencies } from '../http/deps.ts';
import { ApiError, NOT_RETRIED } from '../http/errors.ts';

/**
 * Records the request to cancel, once, and signals the workflow. It moves no credits: before the provider has begun, the
 * workflow releases the hold; later it asks a provider that can to end its work, and else the terminal status settles the hold.
 * Raises `already_settled`.
 */
export async function cancelVideo({ store, temporal, log }: ApiDependencies, generationId: string): Promise<void> {
  const { state, first } = await store.requestCancel(generationId, 'client');
  if (state === 'charged' || state === 'released') {
    const what = state === 'charged' ? 'completed and was charged' : 'failed, and its credits have been refunded';
    throw new ApiError('already_settled', `This video has ${what}; there is nothing to cancel.`, NOT_RETRIED);
  }
  // Only the first is signalled, so that repeats cannot grow the workflow's history (MR-87).
  if (!first) return;
  await temporal.generations.requestCancel(generationId).catch((error: unknown) => {
    // It is recorded: the workflow reads it before the next attempt, and with the next look.
    log.warn({ err: error, generationId }, 'a cancel could not be signalled');
  });
}

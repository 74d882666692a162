import type { Generation } from '../../store/index.ts';
import type { ApiDependencies } from '../http/deps.ts';
import { ApiError } from '../http/errors.ts';

/** SDKs retry a 409 by themselves; these will not change by asking again. */
const FINAL = { headers: { 'x-should-retry': 'false' } };

/**
 * Puts the wish on record, once, and tells the workflow. It moves no credits: before the provider has begun the workflow
 * releases the hold, later the provider's last word settles it. Raises `already_settled`.
 */
export async function cancelVideo({ store, temporal, log }: ApiDependencies, generationId: string): Promise<void> {
  const { state, first } = await store.requestCancel(generationId, 'client');
  if (state === 'charged' || state === 'released') {
    const what = state === 'charged' ? 'completed and was charged' : 'failed, and its credits have been refunded';
    throw new ApiError('already_settled', `This video has ${what}; there is nothing to cancel.`, FINAL);
  }
  // Only the first goes to the workflow, so that no number of them grows its history (MR-87).
  if (!first) return;
  await temporal.generations.requestCancel(generationId).catch((error: unknown) => {
    // It is on record: the workflow reads it before the next create.
    log.warn({ err: error, generationId }, 'a cancel could not be signalled');
  });
}

/**
 * Deletes at the provider, where that has a deletion, and in the archive; hides it here and erases what was asked for. Raises
 * `video_not_terminal` while it is open: that is no way to a refund.
 */
export async function deleteVideo(deps: ApiDependencies, generation: Generation): Promise<void> {
  const { store, archive, log } = deps;
  // Before anything is touched: what is open may yet be charged, and must then be there (MR-81).
  if (generation.state === 'held') throw notTerminal();
  // Whatever stops this from here on: a video that its owner has deleted at the provider is not refunded as lost.
  await store.beginOwnersDeletion(generation.accountId, generation.id);
  const providerKeeps = await deleteAtProvider(deps, generation);
  await archive.remove(generation.id).catch((error: unknown) => {
    log.error({ err: error, generationId: generation.id }, 'an archived content could not be deleted');
    throw notDeleted('just now');
  });
  if (!(await store.deleteGeneration(generation.accountId, generation.id, providerKeeps))) throw notTerminal();
  // Once more: a copy may have come to its end just before. One that ends from here on finds the video deleted.
  await archive.remove(generation.id).catch((error: unknown) => {
    log.error({ err: error, generationId: generation.id }, 'the content of a deleted video is still in the archive');
  });
}

/** Why the provider keeps the video, null when it does not. Raises `temporarily_unavailable` when it can't be asked now. */
async function deleteAtProvider(
  { store, provider, log }: ApiDependencies,
  { id: generationId, state }: Generation,
): Promise<string | null> {
  // A video whose hold was released may still be in progress there; the reconciler, which follows it, needs it.
  if (state !== 'charged') return null;
  // Of a claim: the video that it has paid for.
  const { videoId, provider: madeAt, contested } = await store.getArchiving(generationId);
  if (videoId === null) return null;
  if (contested) return 'the provider gave its id to another video as well';
  if (madeAt !== provider.name) return 'it was made at another provider than is configured now';
  const deleted = await provider.deleteVideo(videoId);
  if (deleted.outcome === 'deleted') return null;
  if (deleted.outcome === 'transient') throw notDeleted('at the provider just now; nothing was changed');
  log.warn({ generationId, why: deleted.why }, 'the provider keeps a video that its owner has deleted');
  return deleted.why;
}

function notDeleted(how: string): ApiError {
  return new ApiError('temporarily_unavailable', `The video could not be deleted ${how}. Try again shortly.`, {
    headers: { 'retry-after': '5' },
  });
}

function notTerminal(): ApiError {
  return new ApiError(
    'video_not_terminal',
    'This video is not finished, so it can’t be deleted; its credits stay reserved until its outcome.',
    FINAL,
  );
}

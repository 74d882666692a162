import { NoTurn } from '../../provider/index.ts';
import type { Generation } from '../../store/index.ts';
import type { ApiDependencies } from '../http/deps.ts';
import { ApiError, NOT_RETRIED } from '../http/errors.ts';

/**
 * Deletes the video at the provider, where it supports that, and in the archive; hides it here and erases its request. Raises
 * `video_not_terminal` while its hold is active: deleting is not a way to a refund.
 */
export async function deleteVideo(deps: ApiDependencies, generation: Generation): Promise<void> {
  const { store, archive, log } = deps;
  // Before anything is deleted: a video in progress may still be charged, and must then be there (MR-81).
  if (generation.state === 'held') throw notTerminal();
  // Recorded first, in case this process stops: content that its owner deleted at the provider is not refunded as lost.
  await store.beginOwnersDeletion(generation.accountId, generation.id);
  const providerKeeps = await deleteAtProvider(deps, generation);
  await archive.remove(generation.id).catch((error: unknown) => {
    log.error({ err: error, generationId: generation.id }, 'an archived content could not be deleted');
    throw notDeleted('The content of this video could not be deleted from the archive just now.', 'in_message');
  });
  if (!(await store.deleteGeneration(generation.accountId, generation.id, providerKeeps))) throw notTerminal();
  // Once more: a copy may have finished just before. One that finishes later finds the video deleted.
  await archive.remove(generation.id).catch((error: unknown) => {
    log.error({ err: error, generationId: generation.id }, 'the content of a deleted video is still in the archive');
  });
}

const NOT_NOW = 'The video could not be deleted at the provider just now.';

/** Returns why the provider keeps the video, null when it does not. Raises `temporarily_unavailable` when the provider cannot be reached. */
async function deleteAtProvider(
  { store, providers, log }: ApiDependencies,
  { id: generationId, state }: Generation,
): Promise<string | null> {
  // A video whose hold was released may still be in progress there; the reconciler, which follows it, needs it.
  if (state !== 'charged') return null;
  // For a claim, this is the video that it paid for.
  const { videoId, provider: madeAt, contested } = await store.getArchiving(generationId);
  if (videoId === null) return null;
  if (contested) return 'the provider gave its id to another video as well';
  const provider = providers.bound(madeAt);
  if (provider === undefined) return 'it was made at a provider that is not configured any more';
  const deleted = await provider.deleteVideo(videoId).catch((error: unknown) => {
    throw error instanceof NoTurn ? notDeleted(NOT_NOW) : error;
  });
  if (deleted.outcome === 'deleted') return null;
  if (deleted.outcome === 'transient') throw notDeleted(NOT_NOW);
  log.warn({ generationId, why: deleted.why }, 'the provider keeps a video that its owner has deleted');
  return deleted.why;
}

/** `in_message` once something of it may be deleted. */
function notDeleted(message: string, effect?: 'in_message'): ApiError {
  return new ApiError('temporarily_unavailable', message, {
    headers: { 'retry-after': '5' },
    advice: 'Try again shortly.',
    ...(effect !== undefined && { effect }),
  });
}

function notTerminal(): ApiError {
  return new ApiError(
    'video_not_terminal',
    'This video is not finished, so it can’t be deleted; its credits stay reserved until it ends.',
    NOT_RETRIED,
  );
}

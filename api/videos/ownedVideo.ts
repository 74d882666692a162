import { isVideoId } from '../../contracts/ids.ts';
import type { Caller, Generation } from '../../store/index.ts';
import { noteKnown } from '../generations/repeat.ts';
import type { ApiDependencies } from '../http/deps.ts';
import { notThere } from '../generations/notThere.ts';

/** The account's video with this id, undefined when it has none. Records that the client knows the id. */
export async function findNamed(
  deps: ApiDependencies,
  caller: Caller,
  videoId: string,
): Promise<Generation | undefined> {
  const generation = isVideoId(videoId) ? await deps.store.getGeneration(caller.accountId, videoId) : undefined;
  if (generation !== undefined) await noteKnown(deps, caller, generation);
  return generation;
}

/** Like `findNamed`, but raises `not_found`. */
export async function findOwnedVideo(deps: ApiDependencies, caller: Caller, videoId: string): Promise<Generation> {
  const generation = await findNamed(deps, caller, videoId);
  if (generation === undefined) throw await notThere(deps, caller, 'video', videoId);
  return generation;
}

import type { Context } from 'hono';
import { isVideoId } from '../../contracts/ids.ts';
import type { Caller, Generation } from '../../store/index.ts';
import { noteKnown } from '../generations/repeat.ts';
import type { ApiDependencies, Env } from '../http/deps.ts';
import { notThere } from '../generations/notThere.ts';

/**
 * The account's video that a GET names, as it was read together with the key; undefined when it has none. Records that the
 * client knows the id.
 */
export async function findNamed(
  deps: ApiDependencies,
  c: Context<Env>,
  videoId: string,
): Promise<Generation | undefined> {
  const caller = c.get('caller');
  const named = c.get('namedVideo');
  const video = named?.id === videoId ? named.video : await read(deps, caller, videoId);
  if (video !== undefined) await noteKnown(deps, caller, video);
  return video;
}

/** Like `findNamed`, but raises `not_found`. */
export async function requireNamed(deps: ApiDependencies, c: Context<Env>, videoId: string): Promise<Generation> {
  const video = await findNamed(deps, c, videoId);
  if (video === undefined) throw await notThere(deps, c.get('caller'), 'video', videoId);
  return video;
}

/** The account's video as it is now. Records that the client knows the id. Raises `not_found`. */
export async function findOwnedVideo(deps: ApiDependencies, caller: Caller, videoId: string): Promise<Generation> {
  const video = await read(deps, caller, videoId);
  if (video === undefined) throw await notThere(deps, caller, 'video', videoId);
  await noteKnown(deps, caller, video);
  return video;
}

async function read({ store }: ApiDependencies, { accountId }: Caller, videoId: string) {
  return isVideoId(videoId) ? store.getGeneration(accountId, videoId) : undefined;
}

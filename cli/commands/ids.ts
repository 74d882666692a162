import { isGenerationId, kindOf } from '../../contracts/ids.ts';
import { wrongUse } from '../failure.ts';

/** The path of this video, script or thread. Raises wrong use for what is no such id. */
export function pathOf(id: string): string {
  if (!isGenerationId(id)) throw wrongUse('The id must be that of a video, script or thread, such as video_01a2….');
  return `/v1/${kindOf(id)}s/${id}`;
}

export function videoPath(id: string): string {
  if (!isGenerationId(id) || kindOf(id) !== 'video')
    throw wrongUse('The id must be that of a video, such as video_01a2….');
  return `/v1/videos/${id}`;
}

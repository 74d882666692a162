import { createHash } from 'node:crypto';
import type { Dialect } from './dialects/index.ts';
import { DirectiveError, MODERATION_FAILURE, parseDirectives, type Directives } from './directives.ts';
import { ApiError } from './errors.ts';
import type { VideoRecord } from './lifecycle.ts';
import { isBlocked } from './moderation.ts';
import type { Store } from './store.ts';
import type { Webhooks } from './webhooks.ts';

const MODERATION_MS = 1500;

/** The state that all routes share. */
export interface Simulation {
  store: Store;
  webhooks: Webhooks;
  now: () => number;
  video_ms: number;
  dialect: Dialect;
}

/** The name under which a prompt's requests are counted. */
export function promptKey(prompt: string): string {
  return createHash('sha256').update(prompt).digest('hex');
}

/** Reads the directives of a prompt; an invalid one is refused with 400. */
export function directivesOf(prompt: string): Directives {
  try {
    return parseDirectives(prompt);
  } catch (error) {
    if (error instanceof DirectiveError) throw new ApiError(400, 'invalid_directive', error.message, 'prompt');
    throw error;
  }
}

/** Makes a video and stores it before the answer is sent. */
export function makeVideo(
  simulation: Simulation,
  asked: Pick<VideoRecord, 'prompt' | 'model' | 'seconds' | 'size' | 'remixed_from_video_id' | 'directives'>,
): VideoRecord {
  const { store, webhooks, now, video_ms, dialect } = simulation;
  const usual_ms = asked.directives.after_ms ?? video_ms;
  const blocked = asked.directives.fail === null && isBlocked(asked.prompt);
  const video: VideoRecord = {
    ...asked,
    id: dialect.newId(),
    created_ms: now(),
    duration_ms: blocked ? Math.min(usual_ms, MODERATION_MS) : usual_ms,
    failure: blocked ? MODERATION_FAILURE : asked.directives.fail,
  };
  store.add(video);
  store.increment('videos');
  webhooks.expect(video);
  return video;
}

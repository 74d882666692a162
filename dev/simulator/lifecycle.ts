import type { Directives, Failure } from './directives.ts';

/** A video as it is stored. Nothing in it changes with time; its status is computed from `created_ms`. */
export interface VideoRecord {
  id: string;
  created_ms: number;
  duration_ms: number;
  model: string;
  prompt: string;
  seconds: string;
  size: string;
  remixed_from_video_id: string | null;
  failure: Failure | null;
  directives: Directives;
}

/** What a create or a remix asks for. */
export type Asked = Pick<VideoRecord, 'prompt' | 'model' | 'seconds' | 'size'>;

/** A video's status and progress at one moment. */
export interface Phase {
  status: string;
  progress: number;
  terminal: boolean;
  completed: boolean;
  ended_ms: number;
}

const QUEUED_SHARE = 0.1;
const LONGEST_QUEUED_MS = 500;
const CONTENT_KEPT_SECONDS = 24 * 3600;
const WORDS_FOR_COMPLETED = new Set(['completed', 'succeeded', 'success', 'done']);

/** Whether this video will complete. */
export function willComplete({ failure, directives }: VideoRecord): boolean {
  return failure === null && WORDS_FOR_COMPLETED.has(directives.terminal ?? 'completed');
}

/** The status of a video at `now_ms`, from its creation time alone: a restart changes nothing. */
export function phaseOf(video: VideoRecord, now_ms: number): Phase {
  const { directives, duration_ms, created_ms } = video;
  const elapsed_ms = now_ms - created_ms;
  const terminal = !directives.never && elapsed_ms >= duration_ms;
  const completed = terminal && willComplete(video);
  const queued = elapsed_ms < Math.min(duration_ms * QUEUED_SHARE, LONGEST_QUEUED_MS);
  const share = duration_ms === 0 ? 1 : Math.min(1, elapsed_ms / duration_ms);
  const open = directives.status ?? (queued ? 'queued' : 'in_progress');
  return {
    status: terminal ? endOf(video) : open,
    progress: completed ? 100 : queued ? 0 : Math.max(1, Math.floor(share * 99)),
    terminal,
    completed,
    ended_ms: created_ms + duration_ms,
  };
}

/** The word for this video's end; a failure never calls itself a success. */
function endOf(video: VideoRecord): string {
  const word = video.directives.terminal;
  if (willComplete(video)) return word ?? 'completed';
  return word === null || WORDS_FOR_COMPLETED.has(word) ? 'failed' : word;
}

/** The moment after which a completed video's content is gone, in seconds. */
export function expiresAt(phase: Phase): number {
  return Math.floor(phase.ended_ms / 1000) + CONTENT_KEPT_SECONDS;
}

/** The video object of OpenAI's wire format. */
export function toWire(video: VideoRecord, now_ms: number): Record<string, unknown> {
  const phase = phaseOf(video, now_ms);
  return {
    id: video.id,
    object: 'video',
    model: video.model,
    status: phase.status,
    progress: phase.progress,
    created_at: Math.floor(video.created_ms / 1000),
    completed_at: phase.completed ? Math.floor(phase.ended_ms / 1000) : null,
    expires_at: phase.completed ? expiresAt(phase) : null,
    prompt: video.directives.echo ? video.prompt : null,
    size: video.size,
    seconds: video.seconds,
    remixed_from_video_id: video.remixed_from_video_id,
    error: phase.terminal ? video.failure : null,
  };
}

import type { Video } from '../objects.ts';
import { oneLine } from '../output/clean.ts';
import type { Paint } from '../output/output.ts';
import { fields } from '../output/table.ts';
import { moment } from '../output/time.ts';
import { adviceFor } from './advice.ts';

/** How it ended, or where it stands, in words: state, the provider's message, the credits, what to do next. */
export function outcomeLines(video: Video, paint: Paint): string[] {
  const { id, status, error, credits } = video;
  const words = oneLine(credits.message);
  if (status === 'completed') return [`${paint('green', 'Video completed')} · ${id}`, words];
  if (status !== 'failed') return [`${paint('cyan', `Video ${status.replace('_', ' ')}`)} · ${id}`, words];
  const code = oneLine(error?.code ?? 'unknown').toUpperCase();
  return [
    `${paint('red', 'Video generation failed')} · ${paint('bold', code)} · ${id}`,
    ...(error === null ? [] : [oneLine(error.message)]),
    words,
    `Next: ${adviceFor(video)}`,
  ];
}

/** Everything about a video. */
export function videoLines(video: Video, paint: Paint): string[] {
  const { credits, parameters, metadata, progress, status } = video;
  return [
    ...outcomeLines(video, paint),
    '',
    ...fields([
      ['prompt', video.prompt],
      ['model', `${video.model}, ${video.seconds} s, ${video.size}`],
      ['parameters', pairs(parameters)],
      ['remix of', video.remixed_from_video_id],
      ['claim of', credits.claimed_from],
      ['progress', status === 'in_progress' ? `${progress} %` : null],
      ['created', moment(video.created_at)],
      ['completed', moment(video.completed_at)],
      ['hold ends', credits.state === 'held' ? moment(credits.hold_expires_at) : null],
      ['settled', moment(credits.settled_at)],
      ['user', video.user],
      ['metadata', pairs(metadata)],
    ]),
  ];
}

function pairs(values: Readonly<Record<string, unknown>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}=${String(value)}`)
    .join(', ');
}

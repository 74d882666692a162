import type { Video } from '../videos/videoObject.ts';

/** What a customer is told of a video: its state in words, and after a failure what to try next. */

export type Stage = 'queued' | 'working' | 'cancelling' | 'done' | 'refunded' | 'failed' | 'late';

export function stageOf(video: Video): Stage {
  const { status, credits } = video;
  if (status === 'completed') return credits.refunded_at === undefined ? 'done' : 'refunded';
  if (status === 'failed') return credits.claimable || credits.claimed_as !== null ? 'late' : 'failed';
  if (credits.message.startsWith('Cancel requested')) return 'cancelling';
  return status === 'queued' ? 'queued' : 'working';
}

export const STAGE_WORDS: Record<Stage, string> = {
  queued: 'Waiting for the provider',
  working: 'In progress',
  cancelling: 'Cancel requested',
  done: 'Completed',
  refunded: 'Completed, refunded',
  failed: 'Failed',
  late: 'Finished late',
};

const ADVICE: Readonly<Record<string, string>> = {
  moderation_blocked:
    'Change the prompt and try again: leave out brands, tobacco, weapons, real people, and what could be taken for them.',
  content_policy_violation: 'Change the prompt and try again: this one is against the provider’s content policy.',
  invalid_request: 'The provider did not accept these settings. Change the size, the length or the reference image.',
  invalid_prompt: 'The provider did not accept this prompt. Write it anew, plainly and shorter.',
  generation_timeout: 'It took longer than an hour. Try again later, or ask for a shorter video or another model.',
  provider_unavailable: 'The provider did not take requests. Try again in a few minutes, or with another model.',
  create_failed: 'The provider could not be made to start it. Try again in a few minutes.',
  cancelled: 'You cancelled it before there was a video.',
  settlement_failed:
    'This was not your doing: its outcome could not be recorded, so all of its credits went back to you, and an operator was alerted. You may try again.',
};

/** Of a failure; the advice for a code that is only the provider's says no more than is known. */
export function adviceFor(code: string): string {
  return ADVICE[code] ?? 'Try again; if it fails once more, change the prompt or use another model.';
}

/** The provider says `moderation_blocked` or an integer; a code is shown in capitals, as codes are. */
export function codeShown(code: string): string {
  return code.toUpperCase();
}

/** How long the videos of this model took that are in this list, from the quicker to the slower ones; undefined if none is. */
export function typicalSeconds(videos: readonly Video[], model: string): readonly [number, number] | undefined {
  const took = videos
    .filter((video) => video.model === model && video.completed_at !== null)
    .map((video) => (video.completed_at ?? 0) - video.created_at)
    .sort((a, b) => a - b);
  const [first] = took;
  if (first === undefined) return undefined;
  const at = (part: number) => took[Math.floor((took.length - 1) * part)] ?? first;
  return [at(0.1), at(0.9)];
}

export function typicalInWords(range: readonly [number, number] | undefined): string {
  if (range === undefined) return 'usually 1–4 min';
  const [least, most] = range.map((seconds) => Math.max(1, seconds));
  if (least === undefined || most === undefined) return '';
  if (most < 90) return `usually ${least === most ? least : `${least}–${most}`} s`;
  const [from, to] = [Math.max(1, Math.round(least / 60)), Math.round(most / 60)];
  return `usually ${from === to ? from : `${from}–${to}`} min`;
}

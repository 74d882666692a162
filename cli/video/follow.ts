import { setTimeout as sleep } from 'node:timers/promises';
import type { Api } from '../http/api.ts';
import { NotReachable, Refusal } from '../http/refusal.ts';
import { readEvents } from '../http/serverEvents.ts';
import type { Video } from '../objects.ts';

/** Told of each change while a video is waited for. */
export interface Watcher {
  readonly changed: (video: Video) => void;
  /** Whether the API has stopped answering. */
  readonly cutOff: (isCutOff: boolean) => void;
}

export interface Patience {
  readonly now: () => number;
  readonly pause: (ms: number) => Promise<unknown>;
  /** Without any answer for this long, waiting has no point. */
  readonly limitMs: number;
}

const PATIENCE: Patience = { now: () => performance.now(), pause: sleep, limitMs: 5 * 60_000 };
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 10_000;

/**
 * Waits until the credits of the video are settled: by its stream of events, and by retrieving it whenever that breaks. Raises
 * `NotReachable` after minutes without any answer, and `Refusal` where the API refuses the video itself.
 */
export async function followVideo(api: Api, first: Video, watcher: Watcher, patience = PATIENCE): Promise<Video> {
  const seen = { video: first, eventId: undefined as string | undefined };
  let answeredMs = patience.now();
  for (let pauseMs = FIRST_PAUSE_MS; seen.video.credits.state === 'held';) {
    const before = seen.eventId;
    await readStream(api, seen, watcher).catch(() => undefined);
    if (!isHeld(seen.video)) break;
    if (seen.eventId !== before) pauseMs = FIRST_PAUSE_MS;
    await patience.pause(pauseMs);
    pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
    try {
      seen.video = await api.ask<Video>({ path: `/v1/videos/${first.id}`, isTriedOnce: true });
      answeredMs = patience.now();
      watcher.cutOff(false);
      watcher.changed(seen.video);
    } catch (error) {
      if (!isPassing(error) || patience.now() - answeredMs > patience.limitMs) throw error;
      watcher.cutOff(true);
    }
  }
  return seen.video;
}

async function readStream(
  api: Api,
  seen: { video: Video; eventId: string | undefined },
  watcher: Watcher,
): Promise<void> {
  const ending = new AbortController();
  const headers = { accept: 'text/event-stream', ...(seen.eventId !== undefined && { 'last-event-id': seen.eventId }) };
  const path = `/v1/videos/${seen.video.id}/events`;
  const answer = await api.open({ path, headers, signal: ending.signal, isTriedOnce: true });
  watcher.cutOff(false);
  try {
    for await (const { id, data } of readEvents(answer)) {
      seen.eventId = id ?? seen.eventId;
      seen.video = JSON.parse(data) as Video;
      watcher.changed(seen.video);
    }
  } finally {
    ending.abort();
  }
}

function isHeld({ credits }: Video): boolean {
  return credits.state === 'held';
}

/** Trouble that may pass while the video goes on. */
function isPassing(error: unknown): boolean {
  return error instanceof NotReachable || (error instanceof Refusal && (error.status >= 500 || error.status === 429));
}

import { z } from '@hono/zod-openapi';
import { isVideoId } from '../../contracts/ids.ts';
import type { Caller, GenerationEvent } from '../../store/index.ts';
import { SHOWN_STATES } from '../generations/creditsObject.ts';
import type { ApiDependencies } from '../http/deps.ts';
import { notFound } from '../http/errors.ts';
import { findNamed } from './ownedVideo.ts';
import { WORDS } from './timelineWords.ts';

const TimelineStep = z
  .object({
    object: z.literal('timeline.step'),
    sequence: z.number().int(),
    at: z.iso.datetime(),
    type: z.string(),
    message: z.string(),
  })
  .openapi('TimelineStep');

export const Timeline = z
  .object({
    object: z.literal('list'),
    data: z.array(TimelineStep),
  })
  .openapi('Timeline', {
    example: {
      object: 'list',
      data: [
        {
          object: 'timeline.step',
          sequence: 2,
          at: '2026-11-23T06:45:17.900Z',
          type: 'held',
          message: 'Hold of 0.571429 credits placed',
        },
      ],
    },
  });

/** Raises `not_found`. */
export async function getTimeline(
  deps: ApiDependencies,
  caller: Caller,
  videoId: string,
): Promise<z.infer<typeof Timeline>> {
  await findNamed(deps, caller, videoId);
  // From the events alone, which outlive the video: its owner may ask after deleting it.
  const events = isVideoId(videoId) ? await deps.store.listEvents(caller.accountId, videoId) : [];
  if (events.length === 0) throw notFound('This video');
  return { object: 'list', data: toTimeline(events) };
}

/** The steps of a video in words. */
export function toTimeline(events: readonly GenerationEvent[]): z.infer<typeof Timeline>['data'] {
  return events.flatMap(({ sequence, kind, data, recordedAt }) => {
    const message = WORDS[kind]?.(data);
    if (message === undefined) return [];
    const type = kind === 'released' ? SHOWN_STATES.released : kind;
    return [{ object: 'timeline.step' as const, sequence, at: recordedAt.toISOString(), type, message }];
  });
}

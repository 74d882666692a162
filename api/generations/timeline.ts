import { z } from '@hono/zod-openapi';
import { type GenerationKind, isGenerationId, kindOf } from '../../contracts/ids.ts';
import type { GenerationEvent } from '../../store/index.ts';
import type { ApiDependencies } from '../http/deps.ts';
import { notFound } from '../http/errors.ts';
import { EXAMPLE } from '../http/examples.ts';
import { SHOWN_STATES } from './creditsObject.ts';
import { WORDS } from './timelineWords.ts';

export const Step = z
  .object({
    object: z.literal('timeline.step'),
    sequence: z.number().int(),
    at: z.iso.datetime(),
    type: z.string(),
    message: z.string(),
  })
  .openapi('TimelineStep');

export const Timeline = z.object({ object: z.literal('list'), data: z.array(Step) }).openapi('Timeline', {
  example: { object: 'list', data: [EXAMPLE.timelineStep] },
});

/** The timeline of an account's video, script or thread. Raises `not_found`. */
export async function getTimeline(
  { store }: { readonly store: Pick<ApiDependencies['store'], 'listEvents'> },
  accountId: string,
  kind: GenerationKind,
  id: string,
): Promise<z.infer<typeof Timeline>> {
  // From the events alone, which outlive the generation: its owner may ask after deleting it.
  const events = isGenerationId(id) && kindOf(id) === kind ? await store.listEvents(accountId, id) : [];
  if (events.length === 0) throw notFound(`This ${kind}`);
  return { object: 'list', data: toTimeline(kind, events) };
}

/** The steps of a generation in words. */
export function toTimeline(
  generationKind: GenerationKind,
  events: readonly GenerationEvent[],
): z.infer<typeof Timeline>['data'] {
  return events.flatMap(({ sequence, kind, data, recordedAt, parameters }) => {
    const message = WORDS[kind]?.(data, generationKind, parameters ?? {});
    if (message === undefined) return [];
    const type = kind === 'released' ? SHOWN_STATES.released : kind;
    return [{ object: 'timeline.step' as const, sequence, at: recordedAt.toISOString(), type, message }];
  });
}

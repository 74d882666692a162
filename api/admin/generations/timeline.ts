import { z } from '@hono/zod-openapi';
import type { HoldRefusalCode } from '../../../contracts/activities.ts';
import { type GenerationKind, isGenerationId, kindOf } from '../../../contracts/ids.ts';
import type { GenerationEvent } from '../../../store/index.ts';
import { Step, toTimeline } from '../../generations/timeline.ts';
import type { ApiDependencies } from '../../http/deps.ts';
import { notFound } from '../../http/errors.ts';
import { ADMIN_EXAMPLE } from '../examples.ts';

const AdminStep = Step.extend({ data: z.record(z.string(), z.unknown()) }).openapi('AdminTimelineStep');

/** The events of a generation: those that its owner sees in the same words, those that only concern operators, and their data. */
export const AdminTimeline = z
  .object({
    object: z.literal('list'),
    data: z.array(AdminStep),
  })
  .openapi('AdminTimeline', { example: ADMIN_EXAMPLE.timeline });

/** Why a hold was refused, by its code (contracts/activities.ts). */
const REFUSALS = new Map<unknown, string>(
  Object.entries({
    account_frozen: 'the account is frozen',
    insufficient_credits: 'the account has too few credits',
    too_many_active_generations: 'the account has as many generations in progress as it may',
    key_spend_limit: 'the API key has reached its spend limit',
  } satisfies Record<Exclude<HoldRefusalCode, 'voided'>, string>),
);

const OPERATORS_WORDS: Record<string, (data: GenerationEvent['data']) => string> = {
  refused: ({ code }) => `No hold was placed: ${REFUSALS.get(code) ?? `the reason is “${code}”`}`,
  voided: () => 'Given up before a hold was placed',
  archived: () => 'The content is in the archive',
  text_ended: () => 'The text ended',
  orphan_video: ({ provider_video_id: id }) =>
    `The provider also made the video ${id}, for an attempt that was already ended`,
  follow_ended: () => 'The video is not followed any longer',
  settlement_conflict: () => 'Another settlement was asked for later; the first one stands',
  released_by_hand: ({ by }) => `Released by release_expired_holds, which ${by} ran`,
};

/** The whole timeline of one of these kinds of generations of the account. Raises `not_found`. */
export async function getAdminTimeline(
  { store }: Pick<ApiDependencies, 'store'>,
  accountId: string,
  kinds: readonly GenerationKind[],
  id: string,
): Promise<z.infer<typeof AdminTimeline>> {
  const isOfKind = isGenerationId(id) && kinds.includes(kindOf(id));
  const events = isOfKind ? await store.listEvents(accountId, id) : [];
  if (events.length === 0) throw notFound(kinds.includes('video') ? 'This video' : 'This text');
  const steps = events.map((event) => {
    const { sequence, kind, data, recordedAt } = event;
    const [shown = operatorsStep(kind, data, sequence, recordedAt)] = toTimeline(kindOf(id), [
      { ...event, parameters: null },
    ]);
    return { ...shown, data };
  });
  return { object: 'list', data: steps };
}

function operatorsStep(type: string, data: GenerationEvent['data'], sequence: number, recordedAt: Date) {
  const message = OPERATORS_WORDS[type]?.(data) ?? type;
  return { object: 'timeline.step' as const, sequence, at: recordedAt.toISOString(), type, message };
}

import { z } from '@hono/zod-openapi';
import { formatCredits } from '../../contracts/money.ts';
import type { Generation } from '../../store/index.ts';
import {
  errorInWords,
  GenerationCredits,
  GenerationError,
  refundInWords,
  releaseInWords,
  toCredits,
} from '../generations/creditsObject.ts';
import { shownLabels } from '../generations/labels.ts';
import { orNull, unixSeconds, unixSecondsOrNull } from '../http/schemas.ts';
import { EXAMPLE } from '../http/examples.ts';

const VideoCredits = z
  .object({
    ...GenerationCredits.shape,
    /** Whether the video completed after its hold was released and can be paid for after all, and until when. */
    claimable: z.boolean(),
    claimable_until: z.number().int().nullable(),
    claimed_from: z.string().nullable().openapi({
      description:
        'Of a claim: the id of the video that completed after its credits were refunded, which this one pays for.',
    }),
    claimed_as: z.string().nullable().openapi({
      description: 'Of such a late video: the id of the video that claimed it, and has its content.',
    }),
  })
  .openapi('VideoCredits');

/**
 * OpenAI's video object, with every key, plus `credits`. A new field goes here, into `toVideo`, into `EXAMPLE.video`
 * (api/http/examples.ts) and, if the database has it, into `SELECT_VIDEO` and `VIDEO_COLUMNS` (store/generations.ts), or
 * into `SHOWN` and `SHOWN_COLUMNS` (store/selections.ts) if texts have it too.
 */
export const Video = z
  .object({
    id: z.string(),
    object: z.literal('video'),
    model: z.string(),
    status: z.enum(['queued', 'in_progress', 'completed', 'failed']),
    progress: z.number().int(),
    created_at: z.number().int(),
    completed_at: z.number().int().nullable(),
    expires_at: z.number().int().nullable(),
    prompt: z.string().nullable(),
    size: z.string(),
    seconds: z.string(),
    remixed_from_video_id: z.string().nullable(),
    parameters: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).openapi({
      description: 'What it was ordered with, by the names of GET /v1/models, defaults filled in.',
    }),
    error: orNull(GenerationError),
    ...shownLabels,
    credits: VideoCredits,
  })
  .openapi('Video', { example: EXAMPLE.video });

export type Video = z.infer<typeof Video>;

export const DeletedVideo = z
  .object({ id: z.string(), object: z.literal('video.deleted'), deleted: z.literal(true) })
  .openapi('DeletedVideo', { example: EXAMPLE.deletedVideo });

/** A video that failed has come to nothing, however far the provider had got. Of an open one the provider tells. */
const PROGRESS: Partial<Record<Video['status'], number>> = { completed: 100, failed: 0 };

export function toVideo(generation: Generation): Video {
  const { state, error } = shown(generation);
  return {
    id: generation.id,
    object: 'video',
    model: generation.model,
    status: state,
    progress: PROGRESS[state] ?? Math.min(99, generation.progress ?? 0),
    created_at: unixSeconds(generation.requestedAt),
    completed_at:
      state === 'completed'
        ? unixSeconds(generation.providerCompletedAt ?? generation.settledAt ?? generation.requestedAt)
        : null,
    expires_at: null,
    prompt: generation.prompt,
    size: generation.size,
    seconds: String(generation.seconds),
    remixed_from_video_id: generation.remixOf,
    parameters: { ...generation.parameters },
    error,
    user: generation.user,
    metadata: { ...generation.metadata },
    credits: {
      ...toCredits(
        generation,
        generation.chargedMicrocredits ?? generation.amountMicrocredits,
        creditsInWords(generation),
      ),
      claimable: generation.claimableUntil !== null,
      claimable_until: unixSecondsOrNull(generation.claimableUntil),
      claimed_from: generation.claimOf,
      claimed_as: generation.claimedAs,
    },
  };
}

/** MR-10 to MR-27, "shown as": until its hold is settled, a video is queued or in progress, whatever the provider reported. */
function shown(generation: Generation): { state: Video['status']; error: Video['error'] } {
  switch (generation.state) {
    case 'held':
      return { state: generation.providerVideoId === null ? 'queued' : 'in_progress', error: null };
    case 'charged':
      return { state: 'completed', error: null };
    case 'released':
      return { state: 'failed', error: errorInWords(generation, 'The video failed.') };
  }
}

/** A charge of a part says for what, and what became of the rest. */
function chargeInWords({ amountMicrocredits, madeSeconds, seconds }: Generation, charged: number): string {
  if (charged === amountMicrocredits) return `${formatCredits(charged)} credits were charged for this video.`;
  const why =
    madeSeconds !== null && madeSeconds < seconds
      ? `${madeSeconds} of ${seconds} seconds were made`
      : 'less was made than was ordered';
  const rest = formatCredits(amountMicrocredits - charged);
  return `${formatCredits(charged)} credits were charged: ${why}. The other ${rest} of ${formatCredits(amountMicrocredits)} reserved credits were returned.`;
}

function creditsInWords(generation: Generation): string {
  const { state, amountMicrocredits, chargedMicrocredits, cancelRequested, claimOf } = generation;
  const amount = formatCredits(amountMicrocredits);
  switch (state) {
    case 'held':
      return cancelRequested
        ? `Cancel requested. ${amount} credits stay reserved: they come back if nothing is made or the provider ends the work, and are charged only if the video completes all the same.`
        : claimOf === null
          ? `${amount} credits are reserved for this video; they are charged only when it completes.`
          : `${amount} credits are reserved for this video, a claim of ${claimOf}; they are charged once its content is kept.`;
    case 'charged': {
      const charged = chargedMicrocredits ?? amountMicrocredits;
      return `${chargeInWords(generation, charged)}${refundInWords(generation, charged)}`;
    }
    case 'released':
      return `${releaseInWords(amountMicrocredits)}${lateInWords(generation)}`;
  }
}

type Late = Pick<Generation, 'id' | 'amountMicrocredits' | 'claimableUntil' | 'claimedAs'>;

/** Sentences on a video that completed after its credits were refunded: how it can be had, or where it is. Empty for any other. */
export function lateInWords({ id, amountMicrocredits, claimableUntil, claimedAs }: Late): string {
  if (claimedAs !== null) return ` Its completion was seen later, and it was claimed as ${claimedAs}.`;
  if (claimableUntil === null) return '';
  const amount = formatCredits(amountMicrocredits);
  return ` Its completion was seen later: claim it for ${amount} credits until ${claimableUntil.toISOString()}, by POST /v1/videos/${id}/claim.`;
}

import { z } from 'zod';
import type { Dialect } from './dialects/index.ts';
import { type Problem, readProblem } from './problem.ts';
import { cleanText, type Redact } from './redact.ts';
import { isProviderVideoId } from '../contracts/providerVideoId.ts';
import type { Verdict } from '../contracts/states.ts';
import type { ProviderVideo, VideoPage } from './types.ts';

/**
 * The one table of terminal statuses, as servers and gateways spell them. Every other status is open: it never moves credits,
 * and the video is polled again (MR-14). `code` names a failure for which the provider gives no code.
 */
const TERMINAL = new Map<string, { readonly verdict: Verdict; readonly code: string }>([
  ...['completed', 'complete', 'succeeded', 'succeed', 'success', 'done', 'finished', 'ready'].map((word) =>
    terminal(word, 'completed', ''),
  ),
  ...['failed', 'failure', 'fail', 'error', 'rejected', 'timeout', 'timed_out', 'incomplete'].map((word) =>
    terminal(word, 'failed', 'generation_failed'),
  ),
  ...['moderated', 'blocked', 'content_filtered', 'nsfw'].map((word) => terminal(word, 'failed', 'moderation_blocked')),
  ...['cancelled', 'canceled', 'aborted'].map((word) => terminal(word, 'failed', 'cancelled')),
  terminal('expired', 'failed', 'expired'),
  terminal('deleted', 'failed', 'deleted'),
]);

function terminal(word: string, verdict: Verdict, code: string) {
  return [word, { verdict, code }] as const;
}

const FAILED_MESSAGE = 'The provider reported that the generation failed.';
const LAST_UNIX_SECOND = 253_402_300_799;

const idSchema = z.string().refine(isProviderVideoId);

const text = z.string().nullable().catch(null);
// Milliseconds instead of seconds would be beyond the year 9999.
const unixTime = z
  .number()
  .positive()
  .max(LAST_UNIX_SECOND)
  .transform((seconds) => new Date(seconds * 1000))
  .nullable()
  .catch(null);

/** Is stored and shown: a character that PostgreSQL refuses must not keep the verdict beside it from being recorded (MR-6). */
const label = z
  .string()
  .regex(/^[^\p{C}]{1,200}$/u)
  .nullable()
  .catch(null);

const videoSchema = z.object({
  id: idSchema,
  status: z.string().refine((status) => cleanText(status, 100) !== null),
  progress: z.number().min(0).max(100).transform(Math.floor).nullable().catch(null),
  created_at: unixTime,
  completed_at: unixTime,
  prompt: text,
  model: label,
  seconds: z
    .union([z.number(), z.string().min(1).transform(Number)])
    .pipe(z.number().positive())
    .nullable()
    .catch(null),
  size: label,
  has_audio: z.boolean().nullable().catch(null),
  generate_audio: z.boolean().nullable().catch(null),
  remixed_from_video_id: text,
});

/** Some servers send everything at once. Millions of empty entries fit into a page's bytes and would block this process for a minute. */
const MAX_PAGE_ENTRIES = 10_000;

const pageSchema = z.object({
  data: z.custom<unknown[]>((data) => Array.isArray(data) && data.length <= MAX_PAGE_ENTRIES),
  has_more: z.boolean().nullable().catch(null),
  last_id: idSchema.nullable().catch(null),
});

/** How a provider's answers are read. */
export interface Reading {
  readonly redact: Redact;
  readonly dialect: Dialect;
}

/** Reads a provider's video object leniently; null when it has no usable id or status. Never throws. */
export function parseVideo(body: unknown, { redact, dialect }: Reading): ProviderVideo | null {
  const parsed = videoSchema.safeParse(body);
  if (!parsed.success) return null;
  const video = parsed.data;
  const ending = endingOf(video.status, body);
  const problem = ending?.verdict === 'failed' ? reasonIn(body, dialect.failure, redact) : null;
  return {
    id: video.id,
    verdict: ending?.verdict ?? 'open',
    status: cleanText(redact(video.status), 100) ?? 'unknown',
    progress: video.progress,
    createdAt: video.created_at,
    completedAt: video.completed_at,
    errorCode: problem && (problem.code ?? problem.type ?? ending?.code ?? null),
    errorMessage: problem && (problem.message ?? FAILED_MESSAGE),
    prompt: video.prompt,
    model: video.model,
    seconds: video.seconds,
    size: video.size,
    hasAudio: video.has_audio ?? video.generate_audio,
    remixedFrom: video.remixed_from_video_id,
  };
}

/** Why it failed, from the first of the dialect's fields that says so. */
function reasonIn(body: unknown, { fields, codeIsStatus }: Dialect['failure'], redact: Redact): Problem {
  const told = fields.map((field) => readProblem((body as Record<string, unknown>)[field], redact));
  const problem = told.find(({ code, type, message }) => code !== null || type !== null || message !== null);
  if (problem === undefined) return { code: null, type: null, message: null };
  return codeIsStatus && /^[45]\d\d$/.test(problem.code ?? '') ? { ...problem, code: null } : problem;
}

/** Around another object, `success` may be about the call: only OpenAI's own words are about the video then. */
function endingOf(status: string, body: unknown) {
  const word = status.trim().toLowerCase().replace(/[\s-]/g, '_');
  const { data, result } = body as { data?: unknown; result?: unknown };
  const isEnvelope = [data, result].some((inner) => typeof inner === 'object' && inner !== null);
  return isEnvelope && word !== 'completed' && word !== 'failed' ? undefined : TERMINAL.get(word);
}

type Listed = Omit<VideoPage, 'clockSkewMs' | 'isComplete' | 'dialect'> & {
  /** Whether it said if there is more. A server may put fewer on a page than were asked for. */
  readonly tellsMore: boolean;
};

/**
 * Reads a page of videos; null when it is not one. `limit` is what was requested: without `has_more`, a full page may be
 * followed by another. Never throws.
 */
export function parsePage(body: unknown, limit: number, reading: Reading): Listed | null {
  const parsed = pageSchema.safeParse(body);
  if (!parsed.success) return null;
  const { data, has_more: hasMore, last_id: lastId } = parsed.data;
  const videos = data.map((entry) => parseVideo(entry, reading)).filter((video) => video !== null);
  return {
    outcome: 'listed',
    videos,
    unreadable: data.length - videos.length,
    hasMore: hasMore ?? data.length >= limit,
    tellsMore: hasMore !== null,
    lastId: lastId ?? parseVideo(data.at(-1), reading)?.id ?? null,
  };
}

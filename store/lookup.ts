import type { Database } from './database.ts';
import { row, rows } from './query.ts';
import { defineStatement, t, type RowOf } from './statement.ts';

const OPEN_ATTEMPT = defineStatement({
  name: 'open_attempt',
  text: `SELECT a.number, a.begun_at AS "begunAt", a.sequence, g.model, g.seconds, g.size, i.prompt, i.reference IS NOT NULL AS "hasReference",
      (SELECT made.provider_video_id FROM generations original JOIN generations made ON made.id = COALESCE(original.claim_of, original.id)
        WHERE original.id = g.remix_of) AS "remixedFrom",
      g.provider, (extract(epoch FROM clock_timestamp() - a.begun_at) * 1000)::bigint AS "ageMs"
    FROM provider_attempts a JOIN generations g ON g.id = a.generation_id JOIN inputs i ON i.generation_id = g.id
    WHERE a.generation_id = $1 AND a.outcome IS NULL`,
  row: {
    number: t.integer,
    begunAt: t.timestamptz,
    /** By the database's clock. */
    ageMs: t.bigint,
    model: t.text,
    seconds: t.notNull(t.integer),
    size: t.notNull(t.text),
    prompt: t.text,
    hasReference: t.boolean,
    /** The provider's id of the video that it was made from. */
    remixedFrom: t.nullable(t.text),
    /** Where the attempt went. */
    provider: t.notNull(t.text),
    /** Lower than that of whatever is listed for the first time after it was begun. */
    sequence: t.bigint,
  },
});

/** An attempt whose end nobody knows, with what a provider's list would show of it. */
export type OpenAttempt = RowOf<typeof OPEN_ATTEMPT>;

/** The generation's open attempt, undefined when there is none. */
export async function getOpenAttempt(db: Database, generationId: string): Promise<OpenAttempt | undefined> {
  const [attempt] = await rows(db, OPEN_ATTEMPT, [generationId]);
  return attempt;
}

const OWNED = defineStatement({
  name: 'owned_videos',
  text: `SELECT g.provider_video_id AS id,
      (SELECT a.begun_at FROM provider_attempts a WHERE a.generation_id = g.id AND a.outcome = 'created') AS "begunAt"
    FROM generations g WHERE g.provider = $1 AND g.provider_video_id = ANY($2)`,
  row: { id: t.notNull(t.text), begunAt: t.nullable(t.timestamptz) },
});

/**
 * Which of a provider's videos belong to a generation, of whichever account; each with the begin of the create that was
 * answered with it, null where the answer was lost.
 */
export async function findOwnedVideos(
  db: Database,
  provider: string,
  providerVideoIds: readonly string[],
): Promise<Map<string, Date | null>> {
  const owned = await rows(db, OWNED, [provider, providerVideoIds]);
  return new Map(owned.map(({ id, begunAt }) => [id, begunAt]));
}

const LISTED_BEFORE = defineStatement({
  name: 'listed_before',
  text: `SELECT provider_video_id AS id FROM ownerless_videos WHERE provider = $1 AND sequence < $2 AND provider_video_id = ANY($3)`,
  row: { id: t.text },
});

/** Which of these videos were in a list already before the attempt began: they can't be what it made. */
export async function findListedBefore(
  db: Database,
  { provider, sequence }: Pick<OpenAttempt, 'provider' | 'sequence'>,
  providerVideoIds: readonly string[],
): Promise<Set<string>> {
  return new Set((await rows(db, LISTED_BEFORE, [provider, sequence, providerVideoIds])).map(({ id }) => id));
}

const NOTE_OWNERLESS = defineStatement({
  name: 'note_ownerless_videos',
  text: 'SELECT note_ownerless_videos($1, $2)',
  row: {},
});

/** Keeps, for a day, that these videos without an owner were listed by now. */
export async function noteOwnerlessVideos(
  db: Database,
  provider: string,
  providerVideoIds: readonly string[],
): Promise<void> {
  await row(db, NOTE_OWNERLESS, [provider, providerVideoIds]);
}

const UNMATCHED = defineStatement({
  name: 'unmatched_prompts',
  text: `SELECT left(i.prompt, 1000) AS prompt FROM provider_attempts a JOIN inputs i ON i.generation_id = a.generation_id
    WHERE (a.outcome IS NULL OR a.outcome = 'not_found') AND a.begun_at > clock_timestamp() - interval '26 hours'
      AND a.generation_id <> $1
    ORDER BY a.begun_at DESC LIMIT 500`,
  row: { prompt: t.text },
});

/** The beginnings of what other creates of the last day asked for whose video isn't known. */
export async function listUnmatchedPrompts(db: Database, exceptGenerationId: string): Promise<string[]> {
  return (await rows(db, UNMATCHED, [exceptGenerationId])).map(({ prompt }) => prompt);
}

const ADOPT = defineStatement({
  name: 'adopt_video',
  text: 'SELECT outcome, provider_video_id AS "providerVideoId" FROM adopt_video($1, $2, $3, $4, $5)',
  row: {
    /** `rival`: it may be another open attempt's; `unequal`: not as many videos as attempts that look the same. */
    outcome: t.word<'adopted' | 'rival' | 'unequal' | 'taken' | 'closed'>(),
    providerVideoId: t.nullable(t.text),
  },
});

export type Adoption = RowOf<typeof ADOPT>;

/**
 * Gives one of the found videos, the oldest that has no owner, to the generation, if nothing else can be meant
 * (MR-32, MR-33). `exact`: each of them is equal to what was asked for, not only after changes to the text.
 */
export async function adoptVideo(
  db: Database,
  generationId: string,
  number: number,
  { videos, exact }: { videos: readonly { id: string; createdAt: Date | null }[]; exact: boolean },
): Promise<Adoption> {
  const adoption = await row(db, ADOPT, [
    generationId,
    number,
    videos.map(({ id }) => id),
    videos.map(({ createdAt }) => createdAt),
    exact,
  ]);
  db.changed(generationId);
  return adoption;
}

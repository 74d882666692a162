import { canonicalVideoId } from '../contracts/providerVideoId.ts';
import type { Database } from './database.ts';
import { row, rows } from './query.ts';
import { defineStatement, t, type RowOf } from './statement.ts';

const OPEN_ATTEMPT = defineStatement({
  name: 'open_attempt',
  text: `SELECT a.number, a.begun_at AS "begunAt", a.sequence, sent_model(g) AS model, g.seconds, g.size, i.prompt, i.images IS NOT NULL AS "hasReference",
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
    /** Its name at the provider. */
    model: t.text,
    seconds: t.notNull(t.integer),
    size: t.notNull(t.text),
    prompt: t.text,
    hasReference: t.boolean,
    /** The provider's id of the video to remix. */
    remixedFrom: t.nullable(t.text),
    /** The provider of the attempt. */
    provider: t.notNull(t.text),
    /** Lower than the number of every video that a list first showed after the attempt began (MR-37). */
    sequence: t.bigint,
  },
});

/** An open attempt, with the fields that a provider's list would show of its video. */
export type OpenAttempt = RowOf<typeof OPEN_ATTEMPT>;

/** The generation's open attempt; undefined without one. */
export async function getOpenAttempt(db: Database, generationId: string): Promise<OpenAttempt | undefined> {
  const [attempt] = await rows(db, OPEN_ATTEMPT, [generationId]);
  return attempt;
}

const OWNED = defineStatement({
  name: 'owned_videos',
  text: `SELECT g.provider_canonical_id AS id,
      (SELECT a.begun_at FROM provider_attempts a WHERE a.generation_id = g.id AND a.outcome = 'created') AS "begunAt"
    FROM generations g
    WHERE g.provider_canonical_id = ANY($2) AND split_part(g.provider, '@', 2) = split_part($1, '@', 2)`,
  row: { id: t.notNull(t.text), begunAt: t.nullable(t.timestamptz) },
});

/**
 * The provider's videos among these that belong to a generation of any account, under whatever name the server was configured; each with the time when its attempt began,
 * null if the answer to the attempt was lost.
 */
export async function findOwnedVideos(
  db: Database,
  provider: string,
  providerVideoIds: readonly string[],
): Promise<Map<string, Date | null>> {
  const owned = await rows(db, OWNED, [provider, providerVideoIds.map(canonicalVideoId)]);
  const begunAt = new Map(owned.map((each) => [each.id, each.begunAt]));
  const begun = providerVideoIds.map((id) => [id, begunAt.get(canonicalVideoId(id))] as const);
  return new Map(begun.filter((entry): entry is [string, Date | null] => entry[1] !== undefined));
}

const LISTED_BEFORE = defineStatement({
  name: 'listed_before',
  text: `SELECT provider_canonical_id AS id FROM ownerless_videos
    WHERE provider = $1 AND sequence < $2 AND provider_canonical_id = ANY($3)`,
  row: { id: t.text },
});

/** Those of the videos that a list showed before the attempt began, so it can't have made them (MR-37). */
export async function findListedBefore(
  db: Database,
  { provider, sequence }: Pick<OpenAttempt, 'provider' | 'sequence'>,
  providerVideoIds: readonly string[],
): Promise<Set<string>> {
  const listed = await rows(db, LISTED_BEFORE, [provider, sequence, providerVideoIds.map(canonicalVideoId)]);
  const before = new Set(listed.map(({ id }) => id));
  return new Set(providerVideoIds.filter((id) => before.has(canonicalVideoId(id))));
}

const NOTE_OWNERLESS = defineStatement({
  name: 'note_ownerless_videos',
  text: 'SELECT note_ownerless_videos($1, $2)',
  row: {},
});

/** Records, for a day, that these videos without an owner were in a list. */
export async function noteOwnerlessVideos(
  db: Database,
  provider: string,
  providerVideoIds: readonly string[],
): Promise<void> {
  await row(db, NOTE_OWNERLESS, [provider, providerVideoIds.map(canonicalVideoId)]);
}

const UNMATCHED = defineStatement({
  name: 'unmatched_prompts',
  text: `SELECT left(i.prompt, 1000) AS prompt FROM provider_attempts a
      JOIN inputs i ON i.generation_id = a.generation_id JOIN generations g ON g.id = a.generation_id
    WHERE (a.outcome IS NULL OR a.outcome = 'not_found') AND a.begun_at > clock_timestamp() - interval '26 hours'
      AND a.generation_id <> $1 AND split_part(g.provider, '@', 2) = split_part($2, '@', 2)
    ORDER BY a.begun_at DESC LIMIT 500`,
  row: { prompt: t.text },
});

/** The first part of each prompt of other attempts of the last day at this server whose video isn't known. */
export async function listUnmatchedPrompts(
  db: Database,
  provider: string,
  exceptGenerationId: string,
): Promise<string[]> {
  return (await rows(db, UNMATCHED, [exceptGenerationId, provider])).map(({ prompt }) => prompt);
}

const ADOPT = defineStatement({
  name: 'adopt_video',
  text: 'SELECT outcome, provider_video_id AS "providerVideoId" FROM adopt_video($1, $2, $3, $4, $5, $6)',
  row: {
    /** `rival`: another open attempt may have made it; `unequal`: the numbers of equal attempts and of videos differ. */
    outcome: t.word<'adopted' | 'rival' | 'unequal' | 'taken' | 'closed'>(),
    providerVideoId: t.nullable(t.text),
  },
});

export type Adoption = RowOf<typeof ADOPT>;

/**
 * Adopts the oldest of the found videos that has no owner, if no other generation can own it (MR-32, MR-33). `exact`: the
 * videos equal the request as it is, without changes to the text.
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
    videos.map(({ id }) => canonicalVideoId(id)),
    videos.map(({ createdAt }) => createdAt),
    exact,
  ]);
  db.changed(generationId);
  return adoption;
}

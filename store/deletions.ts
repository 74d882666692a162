import type { Database } from './database.ts';
import { identitiesOf, type Identified } from './identities.ts';
import { row, rows } from './query.ts';
import { defineStatement, t } from './statement.ts';

const BEGIN_OWNERS_DELETION = defineStatement({
  name: 'begin_owners_deletion',
  text: 'SELECT begin_owners_deletion($1, $2)',
  row: {},
});

/** Records that the owner asked for the deletion of a charged video. From then on it is not refunded as gone (MR-22). */
export async function beginOwnersDeletion(db: Database, accountId: string, generationId: string): Promise<void> {
  await row(db, BEGIN_OWNERS_DELETION, [generationId, accountId]);
}

const DELETE = defineStatement({
  name: 'delete_generation',
  text: 'SELECT delete_generation($1, $2, $3) AS deleted',
  row: { deleted: t.boolean },
});

/**
 * Hides a settled generation from its owner and erases its request and its text; false while it is open (MR-96).
 * `providerKeeps`: why the provider still has its copy, for the record.
 */
export async function deleteGeneration(
  db: Database,
  accountId: string,
  generationId: string,
  providerKeeps: string | null = null,
): Promise<boolean> {
  return (await row(db, DELETE, [generationId, accountId, providerKeeps])).deleted;
}

const LIST_UNCLAIMED = defineStatement({
  name: 'list_unclaimed',
  text: `SELECT id FROM generations WHERE claimable_until < clock_timestamp() AND provider_deleted_at IS NULL
      AND provider = ANY($1)
      AND NOT EXISTS (SELECT FROM generations c WHERE c.claim_of = generations.id AND c.state IN ('requested', 'held', 'charged'))
    ORDER BY md5(id || $2) LIMIT $3`,
  row: { id: t.text },
});

/** Late videos that were not claimed in time and are still at one of these providers, shuffled by `seed`. */
export async function listUnclaimed(
  db: Database,
  providers: readonly Identified[],
  seed: string,
  limit: number,
): Promise<string[]> {
  return (await rows(db, LIST_UNCLAIMED, [identitiesOf(providers), seed, limit])).map(({ id }) => id);
}

const BEGIN_DELETION = defineStatement({
  name: 'begin_deletion',
  text: 'SELECT provider_video_id AS "videoId", provider FROM begin_deletion($1)',
  row: { videoId: t.text, provider: t.text },
});

/** Prevents claims from now on, before the deletion; undefined if the video must not be deleted. */
export async function beginDeletion(
  db: Database,
  generationId: string,
): Promise<{ videoId: string; provider: string } | undefined> {
  const [video] = await rows(db, BEGIN_DELETION, [generationId]);
  return video;
}

const END_DELETION = defineStatement({
  name: 'end_deletion',
  text: 'SELECT end_deletion($1, $2) AS lost',
  row: { lost: t.bigint },
});

/**
 * Records that the video was deleted, or why the provider keeps it. Returns what it had cost us in microcredits; 0 for a
 * repeat.
 */
export async function endDeletion(
  db: Database,
  generationId: string,
  providerKeeps: string | null = null,
): Promise<number> {
  return (await row(db, END_DELETION, [generationId, providerKeeps])).lost;
}

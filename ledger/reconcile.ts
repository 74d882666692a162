import type { Followed } from '../contracts/reconcile.ts';
import type { Pool } from '../store/pool.ts';
import { row, rows } from '../store/query.ts';
import { defineStatement, t, type RowOf } from '../store/statement.ts';

/** What the reconciler reads and does; settling is `settleGeneration`, as for everybody. */

const LIST_HELD = defineStatement({
  name: 'list_held',
  text: `SELECT g.id AS "generationId", g.account_id AS "accountId",
      COALESCE(g.provider_video_id, (SELECT o.provider_video_id FROM generations o WHERE o.id = g.claim_of)) AS "providerVideoId",
      g.claim_of IS NOT NULL AS "isClaim",
      (extract(epoch FROM clock_timestamp() - h.expires_at) * 1000)::bigint AS "overdueMs"
    FROM generations g JOIN holds h ON h.generation_id = g.id
    WHERE g.state = 'held' AND g.id > $1 ORDER BY g.id LIMIT $2`,
  row: {
    generationId: t.text,
    accountId: t.text,
    /** Of a claim: the video that it is about. */
    providerVideoId: t.nullable(t.text),
    isClaim: t.boolean,
    /** Past the hold's end, by the database's clock; below zero while there is time left. */
    overdueMs: t.bigint,
  },
});

export type HeldGeneration = RowOf<typeof LIST_HELD>;

/** The held generations after this id, in the order of their ids. */
export async function listHeld(pool: Pool, after: string, limit: number): Promise<HeldGeneration[]> {
  return rows(pool, LIST_HELD, [after, limit]);
}

const LIST_FOLLOWED = defineStatement({
  name: 'list_followed',
  text: `SELECT g.id AS "generationId", g.provider_video_id AS "providerVideoId",
      EXISTS (SELECT FROM provider_attempts a WHERE a.generation_id = g.id AND a.outcome IS NULL) AS "hasOpenAttempt",
      g.settled_at < clock_timestamp() - interval '24 hours' AS "isOver"
    FROM generations g WHERE g.counts_as_active AND g.state = 'released' ORDER BY md5(g.id || $1) OFFSET $2 LIMIT $3`,
  row: { generationId: t.text, providerVideoId: t.nullable(t.text), hasOpenAttempt: t.boolean, isOver: t.boolean },
});

/**
 * The released generations that still count against their account's cap. Shuffled by `seed`, another one in each run: where
 * there are more than a run can look at, none waits behind the same others for ever.
 */
export async function listFollowed(pool: Pool, seed: string, offset: number, limit: number): Promise<Followed[]> {
  return rows(pool, LIST_FOLLOWED, [seed, offset, limit]);
}

const LIST_UNARCHIVED = defineStatement({
  name: 'list_unarchived',
  text: `SELECT g.id AS "generationId", g.account_id AS "accountId", g.provider_video_id AS "providerVideoId"
    FROM generations g
    WHERE g.settled_at BETWEEN clock_timestamp() - interval '7 days' AND clock_timestamp() - interval '1 minute'
      AND g.credits_charged AND g.kind = 'video' AND g.claim_of IS NULL AND g.deleted_at IS NULL
      AND NOT EXISTS (SELECT FROM contents c WHERE c.generation_id = g.id AND c.variant = 'video')
    ORDER BY g.settled_at OFFSET $1 LIMIT $2`,
  row: { generationId: t.text, accountId: t.text, providerVideoId: t.nullable(t.text) },
});

/** Charged within seven days, and neither archived nor known to be gone: what is gone must come to be on record (MR-22). */
export async function listUnarchived(
  pool: Pool,
  offset: number,
  limit: number,
): Promise<RowOf<typeof LIST_UNARCHIVED>[]> {
  return rows(pool, LIST_UNARCHIVED, [offset, limit]);
}

const VOID_LATE = defineStatement({
  name: 'void_late_requests',
  text: 'SELECT void_late_requests($1) AS voided',
  row: { voided: t.integer },
});

/** Voids requests that nobody held in time; answers with how many. */
export async function voidLateRequests(pool: Pool, limit: number): Promise<number> {
  return (await row(pool, VOID_LATE, [limit])).voided;
}

const STOP_FOLLOWING = defineStatement({
  name: 'stop_following',
  text: 'SELECT stop_following($1) AS stopped',
  row: { stopped: t.boolean },
});

/** Lets a released generation count no longer against the cap; false earlier than a day after its release. */
export async function stopFollowing(pool: Pool, generationId: string): Promise<boolean> {
  return (await row(pool, STOP_FOLLOWING, [generationId])).stopped;
}

const LIST_UNCLAIMED = defineStatement({
  name: 'list_unclaimed',
  text: `SELECT id FROM generations WHERE claimable_until < clock_timestamp() AND provider_deleted_at IS NULL
      AND provider = $1
      AND NOT EXISTS (SELECT FROM generations c WHERE c.claim_of = generations.id AND c.state IN ('requested', 'held', 'charged'))
    ORDER BY md5(id || $2) LIMIT $3`,
  row: { id: t.text },
});

/** Late videos that nobody claimed in time and that are still at this provider; shuffled by `seed`. */
export async function listUnclaimed(
  pool: Pool,
  provider: { name: string },
  seed: string,
  limit: number,
): Promise<string[]> {
  return (await rows(pool, LIST_UNCLAIMED, [provider.name, seed, limit])).map(({ id }) => id);
}

const BEGIN_DELETION = defineStatement({
  name: 'begin_deletion',
  text: 'SELECT provider_video_id AS "videoId", provider FROM begin_deletion($1)',
  row: { videoId: t.text, provider: t.text },
});

/** From here on it can't be claimed; undefined when it may not be deleted. */
export async function beginDeletion(
  pool: Pool,
  generationId: string,
): Promise<{ videoId: string; provider: string } | undefined> {
  const [video] = await rows(pool, BEGIN_DELETION, [generationId]);
  return video;
}

const END_DELETION = defineStatement({
  name: 'end_deletion',
  text: 'SELECT end_deletion($1, $2) AS lost',
  row: { lost: t.bigint },
});

/**
 * Records that the video is gone, or why the provider keeps it; answers with what it had cost us in microcredits, 0 for a
 * repeat.
 */
export async function endDeletion(
  pool: Pool,
  generationId: string,
  providerKeeps: string | null = null,
): Promise<number> {
  return (await row(pool, END_DELETION, [generationId, providerKeeps])).lost;
}

const COMPARE = defineStatement({
  name: 'compare_next_accounts',
  text: 'SELECT accounts_compared AS accounts, differences FROM compare_next_accounts($1)',
  row: { accounts: t.integer, differences: t.integer },
});

/** Compares the next accounts with the journal; all of them have their turn. */
export async function compareNextAccounts(
  pool: Pool,
  limit: number,
): Promise<{ accounts: number; differences: number }> {
  return row(pool, COMPARE, [limit]);
}

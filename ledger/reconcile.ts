import type { Followed } from '../contracts/reconcile.ts';
import type { Database } from '../store/database.ts';
import { row, rows } from '../store/query.ts';
import { defineStatement, t, type RowOf } from '../store/statement.ts';

/** The reconciler's operations. It settles by `settleGeneration`, like every other caller. */

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
    /** For a claim: the claimed video. */
    providerVideoId: t.nullable(t.text),
    isClaim: t.boolean,
    /** How long the hold's end has passed, by the database's clock; negative while time is left. */
    overdueMs: t.bigint,
  },
});

export type HeldGeneration = RowOf<typeof LIST_HELD>;

/** The held generations after this id, in the order of their ids. */
export async function listHeld(db: Database, after: string, limit: number): Promise<HeldGeneration[]> {
  return rows(db, LIST_HELD, [after, limit]);
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
 * The released generations that still count against their account's cap (MR-51), shuffled by `seed`. Each run uses another
 * seed, so that none is always behind the same others when there are more than a run can look at.
 */
export async function listFollowed(db: Database, seed: string, offset: number, limit: number): Promise<Followed[]> {
  return rows(db, LIST_FOLLOWED, [seed, offset, limit]);
}

const VOID_LATE = defineStatement({
  name: 'void_late_requests',
  text: 'SELECT void_late_requests($1) AS voided',
  row: { voided: t.integer },
});

/** Voids requests whose hold was not placed in time; returns their number. */
export async function voidLateRequests(db: Database, limit: number): Promise<number> {
  return (await row(db, VOID_LATE, [limit])).voided;
}

const STOP_FOLLOWING = defineStatement({
  name: 'stop_following',
  text: 'SELECT stop_following($1) AS stopped',
  row: { stopped: t.boolean },
});

/** Stops counting a released generation against the cap; false if its release was less than a day ago. */
export async function stopFollowing(db: Database, generationId: string): Promise<boolean> {
  return (await row(db, STOP_FOLLOWING, [generationId])).stopped;
}

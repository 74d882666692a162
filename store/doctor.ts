import type { Database } from './database.ts';
import { identitiesOf, type Identified } from './identities.ts';
import { idsOf } from './pages.ts';
import { row, rows } from './query.ts';
import { defineStatement, t, type RowOf } from './statement.ts';

const MIGRATIONS = defineStatement({
  name: 'list_migrations',
  text: 'SELECT name, sha256 FROM schema_migrations ORDER BY name',
  row: { name: t.text, sha256: t.text },
});

/** A file of `migrations/`, as applied. */
export type AppliedFile = RowOf<typeof MIGRATIONS>;

/** The files of `migrations/` that were applied to this database. */
export async function listMigrations(db: Database): Promise<AppliedFile[]> {
  return rows(db, MIGRATIONS, []);
}

const AT_OTHERS = defineStatement({
  name: 'count_at_others',
  text: `SELECT provider, count(*)::integer AS generations FROM (
      SELECT COALESCE(g.provider, g.provider_name) AS provider FROM generations g
        WHERE g.state = 'held') AS open
    WHERE provider <> ALL($1) AND provider <> ALL($2) GROUP BY provider ORDER BY provider LIMIT 20`,
  row: { provider: t.text, generations: t.integer },
});

/** How many holds are active for videos at providers, or were sold for providers, that are not among these. */
export async function countAtOthers(
  db: Database,
  providers: readonly (Identified & { readonly name: string })[],
): Promise<RowOf<typeof AT_OTHERS>[]> {
  return rows(db, AT_OTHERS, [identitiesOf(providers), providers.map(({ name }) => name)]);
}

const RIGHTS = defineStatement({
  name: 'compare_rights',
  text: `SELECT ARRAY(SELECT line FROM rights EXCEPT SELECT line FROM expected_rights ORDER BY 1) AS beyond,
      ARRAY(SELECT line FROM expected_rights EXCEPT SELECT line FROM rights ORDER BY 1) AS missing`,
  row: { beyond: t.texts(), missing: t.texts() },
});

/** Compares the grants in the database with those of the last migration, as GRANT statements. */
export async function compareRights(db: Database): Promise<RowOf<typeof RIGHTS>> {
  return row(db, RIGHTS, []);
}

const NOW = defineStatement({
  name: 'database_clock',
  text: 'SELECT clock_timestamp() AS now',
  row: { now: t.timestamptz },
});

/** The time on the database's clock. */
export async function readClock(db: Database): Promise<Date> {
  return (await row(db, NOW, [])).now;
}

const PING = defineStatement({ name: 'ping', text: 'SELECT 1 AS one', row: { one: t.integer } });

/** Raises when the database does not answer. */
export async function ping(db: Database): Promise<void> {
  await rows(db, PING, []);
}

const OVERDUE = defineStatement({
  name: 'count_overdue',
  text: `SELECT count(*)::integer AS holds FROM (
    SELECT FROM stuck_holds WHERE overdue > $1 * interval '1 millisecond' LIMIT 1001) AS late`,
  row: { holds: t.integer },
});

/** How many holds are active for longer than this past their end; 1,001 stands for more than 1,000. */
export async function countOverdue(db: Database, moreThanMs: number): Promise<number> {
  return (await row(db, OVERDUE, [moreThanMs])).holds;
}

const UNARCHIVED = defineStatement({
  name: 'count_unarchived',
  text: `SELECT count(*)::integer AS videos FROM (
    SELECT FROM generations g
    WHERE g.settled_at BETWEEN clock_timestamp() - interval '30 days' AND clock_timestamp() - $1 * interval '1 millisecond'
      AND g.credits_charged AND g.kind = 'video' AND g.claim_of IS NULL AND g.deleted_at IS NULL
      AND NOT EXISTS (SELECT FROM contents c WHERE c.generation_id = g.id AND c.variant = 'video') LIMIT 1001) AS without`,
  row: { videos: t.integer },
});

/**
 * How many videos of the last 30 days were charged longer ago than this, and are neither archived nor on record as gone; 1,001 stands
 * for more than 1,000.
 */
export async function countUnarchived(db: Database, moreThanMs: number): Promise<number> {
  return (await row(db, UNARCHIVED, [moreThanMs])).videos;
}

const DEBTS = defineStatement({
  name: 'read_debts',
  text: `WITH refused AS MATERIALIZED (SELECT a.generation_id, a.error_message AS message, a.ended_at, g.provider
      FROM (SELECT * FROM provider_attempts WHERE error_code = 'operators_fault' AND ended_at > clock_timestamp() - interval '1 hour'
        ORDER BY ended_at DESC LIMIT 1001) a JOIN generations g ON g.id = a.generation_id),
    latest AS MATERIALIZED (SELECT made.* FROM unnest($1::text[], $2::text[]) AS ids (first, last) CROSS JOIN LATERAL (
      SELECT a.generation_id, a.ended_at, a.outcome FROM provider_attempts a WHERE a.generation_id > ids.first AND a.generation_id < ids.last
      ORDER BY a.generation_id DESC LIMIT 1000) made WHERE made.outcome = 'created')
    SELECT r.provider, count(*)::integer AS refused, (array_agg(r.generation_id ORDER BY r.ended_at DESC))[1] AS "generationId",
      ARRAY(SELECT told.message FROM refused told WHERE told.provider = r.provider AND told.message IS NOT NULL
        GROUP BY told.message ORDER BY max(told.ended_at) DESC LIMIT 3) AS messages,
      (extract(epoch FROM clock_timestamp() - max(r.ended_at)) * 1000)::bigint AS "agoMs",
      EXISTS (SELECT FROM latest JOIN generations g ON g.id = latest.generation_id
        WHERE g.provider = r.provider AND latest.ended_at > max(r.ended_at)) AS "takenSince"
    FROM refused r GROUP BY r.provider ORDER BY max(r.ended_at) DESC LIMIT 20`,
  row: {
    /** Its identity. */
    provider: t.notNull(t.text),
    /** In the last hour; 1,001 stands for more than 1,000. */
    refused: t.integer,
    /** The one that was refused last, and when. */
    generationId: t.text,
    agoMs: t.bigint,
    /** The provider's words, without our key: the latest three that differ. */
    messages: t.texts(),
    /** Whether it has taken an attempt since, among the 1,000 latest of each kind. */
    takenSince: t.boolean,
  },
});

/** Attempts that a provider refused for what the operator owes it. */
export type Debts = RowOf<typeof DEBTS>;

const KINDS = ['video', 'script', 'thread'].map(idsOf);

/** By provider, the attempts of the last hour that were refused for what the operator owes it: key, rights, quota, bill. */
export async function readDebts(db: Database): Promise<Debts[]> {
  return rows(db, DEBTS, [KINDS.map(({ first }) => first), KINDS.map(({ last }) => last)]);
}

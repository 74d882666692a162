import type { Database } from './database.ts';
import { identitiesOf, type Identified } from './identities.ts';
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

const DEBTS = defineStatement({
  name: 'read_debts',
  text: `SELECT count(*)::integer AS refused, (array_agg(generation_id ORDER BY ended_at DESC))[1] AS "generationId",
      (array_agg(error_message ORDER BY ended_at DESC))[1] AS message,
      (extract(epoch FROM clock_timestamp() - max(ended_at)) * 1000)::bigint AS "agoMs"
    FROM (SELECT generation_id, error_message, ended_at FROM provider_attempts
      WHERE error_code = 'operators_fault' AND ended_at > clock_timestamp() - interval '1 hour'
      ORDER BY ended_at DESC LIMIT 1001) latest`,
  row: {
    refused: t.integer,
    generationId: t.nullable(t.text),
    message: t.nullable(t.text),
    agoMs: t.nullable(t.bigint),
  },
});

/** Attempts that the provider refused for what the operator owes it. */
export interface Debts {
  /** In the last hour; 1,001 stands for more than 1,000. */
  readonly refused: number;
  /** The latest of them; null without any. The message is the provider's, without our key. */
  readonly last: { readonly generationId: string; readonly message: string | null; readonly agoMs: number } | null;
}

/** The attempts of the last hour that the provider refused for what the operator owes it: key, rights, quota, bill. */
export async function readDebts(db: Database): Promise<Debts> {
  const { refused, generationId, message, agoMs } = await row(db, DEBTS, []);
  return { refused, last: generationId === null || agoMs === null ? null : { generationId, message, agoMs } };
}

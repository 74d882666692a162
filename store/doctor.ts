import type { Database } from './database.ts';
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

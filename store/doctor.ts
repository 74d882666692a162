import type { Database } from './database.ts';
import { row, rows } from './query.ts';

const MIGRATIONS = { name: 'list_migrations', text: 'SELECT name, sha256 FROM schema_migrations ORDER BY name' };

/** A file of `migrations/` as it was applied. */
export interface AppliedFile {
  readonly name: string;
  readonly sha256: string;
}

/** The files of `migrations/` that this database has. */
export async function listMigrations(db: Database): Promise<AppliedFile[]> {
  return rows<AppliedFile>(db, MIGRATIONS, []);
}

const RIGHTS = {
  name: 'compare_rights',
  text: `SELECT ARRAY(SELECT line FROM rights EXCEPT SELECT line FROM expected_rights ORDER BY 1) AS beyond,
      ARRAY(SELECT line FROM expected_rights EXCEPT SELECT line FROM rights ORDER BY 1) AS missing`,
};

/** The rights in the database against those that the last migration gave, as the statements that give them. */
export async function compareRights(db: Database): Promise<{ beyond: string[]; missing: string[] }> {
  return row(db, RIGHTS, []);
}

const NOW = { name: 'database_clock', text: 'SELECT clock_timestamp() AS now' };

/** What the database's clock says. */
export async function readClock(db: Database): Promise<Date> {
  return (await row<{ now: Date }>(db, NOW, [])).now;
}

const PING = { name: 'ping', text: 'SELECT 1' };

/** Raises when the database does not answer. */
export async function ping(db: Database): Promise<void> {
  await rows(db, PING, []);
}

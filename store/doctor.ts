import type { Pool } from './pool.ts';
import { row, rows } from './query.ts';

const MIGRATIONS = { name: 'list_migrations', text: 'SELECT name, sha256 FROM schema_migrations ORDER BY name' };

/** A file of `migrations/` as it was applied. */
export interface AppliedFile {
  readonly name: string;
  readonly sha256: string;
}

/** The files of `migrations/` that this database has. */
export async function listMigrations(pool: Pool): Promise<AppliedFile[]> {
  return rows<AppliedFile>(pool, MIGRATIONS, []);
}

const RIGHTS = {
  name: 'compare_rights',
  text: `SELECT ARRAY(SELECT line FROM rights EXCEPT SELECT line FROM expected_rights ORDER BY 1) AS beyond,
      ARRAY(SELECT line FROM expected_rights EXCEPT SELECT line FROM rights ORDER BY 1) AS missing`,
};

/** The rights in the database against those that the last migration gave, as the statements that give them. */
export async function compareRights(pool: Pool): Promise<{ beyond: string[]; missing: string[] }> {
  return row(pool, RIGHTS, []);
}

const NOW = { name: 'database_clock', text: 'SELECT clock_timestamp() AS now' };

/** What the database's clock says. */
export async function readClock(pool: Pool): Promise<Date> {
  return (await row<{ now: Date }>(pool, NOW, [])).now;
}

const EMERGENCIES = {
  name: 'count_emergency_releases',
  text: `SELECT count(*) AS emergencies FROM generations
    WHERE settlement_reason = 'emergency' AND settled_at > now() - interval '24 hours'`,
};

/** Holds of the last 24 hours that were released because their outcome could not be recorded. */
export async function countEmergencyReleases(pool: Pool): Promise<number> {
  return (await row<{ emergencies: number }>(pool, EMERGENCIES, [])).emergencies;
}

// The accounts that moved last: what goes wrong now goes wrong there.
const SAMPLE = {
  name: 'compare_latest_accounts',
  text: `WITH sample AS MATERIALIZED (SELECT DISTINCT account_id FROM
      (SELECT account_id FROM journal_transactions ORDER BY id DESC LIMIT $1) AS latest)
    SELECT (SELECT count(*) FROM sample) AS accounts,
      (SELECT count(*) FROM ledger_drift WHERE account_id = ANY(ARRAY(SELECT account_id FROM sample))) AS differences`,
};

/** Compares the accounts of the latest movements with the journal. Changes nothing. */
export async function compareLatestAccounts(
  pool: Pool,
  movements: number,
): Promise<{ accounts: number; differences: number }> {
  return row(pool, SAMPLE, [movements]);
}

import type { Database } from '../store/database.ts';
import { row } from '../store/query.ts';
import { defineStatement, t } from '../store/statement.ts';

const COMPARE = defineStatement({
  name: 'compare_next_accounts',
  text: 'SELECT accounts_compared AS accounts, differences FROM compare_next_accounts($1)',
  row: { accounts: t.integer, differences: t.integer },
});

/** Compares the next accounts with the journal. Successive calls reach every account. */
export async function compareNextAccounts(
  db: Database,
  limit: number,
): Promise<{ accounts: number; differences: number }> {
  return row(db, COMPARE, [limit]);
}

const EMERGENCIES = defineStatement({
  name: 'count_emergency_releases',
  text: `SELECT count(*) AS emergencies FROM generations
    WHERE settlement_reason = 'emergency' AND settled_at > now() - interval '24 hours'`,
  row: { emergencies: t.bigint },
});

/** Holds of the last 24 hours that were released because their outcome could not be recorded. */
export async function countEmergencyReleases(db: Database): Promise<number> {
  return (await row(db, EMERGENCIES, [])).emergencies;
}

// The accounts that moved last, because a new fault shows there first.
const SAMPLE = defineStatement({
  name: 'compare_latest_accounts',
  text: `WITH sample AS MATERIALIZED (SELECT DISTINCT account_id FROM
      (SELECT account_id FROM journal_transactions ORDER BY id DESC LIMIT $1) AS latest)
    SELECT (SELECT count(*) FROM sample) AS accounts,
      (SELECT count(*) FROM ledger_drift WHERE account_id = ANY(ARRAY(SELECT account_id FROM sample))) AS differences`,
  row: { accounts: t.bigint, differences: t.bigint },
});

/** Compares the accounts of the latest movements with the journal. Changes nothing. */
export async function compareLatestAccounts(
  db: Database,
  movements: number,
): Promise<{ accounts: number; differences: number }> {
  return row(db, SAMPLE, [movements]);
}

import type { Database } from '../store/database.ts';
import { row, rows } from '../store/query.ts';
import { defineStatement, t, type RowOfShape, type Statement } from '../store/statement.ts';

const DIFFERENCE = { accountId: t.nullable(t.text), what: t.text, kept: t.text, recomputed: t.text };

/** A stored figure that differs from the journal. */
export type Difference = RowOfShape<typeof DIFFERENCE>;

interface Check {
  readonly says: string;
  /** Returns the first difference, or no row. */
  readonly statement: Statement<Difference>;
}

const check = (name: string, says: string, text: string): Check => ({
  says,
  statement: defineStatement({ name, text, row: DIFFERENCE }),
});

/** Ordered so that a difference is found before those that it causes. */
const CHECKS: readonly Check[] = [
  check(
    'verify_sums',
    'each journal transaction sums to zero',
    `SELECT account_id AS "accountId", 'sum of journal transaction ' || transaction_id AS what, '0' AS kept,
        sum(amount_microcredits)::text AS recomputed
      FROM (SELECT e.transaction_id, t.account_id, e.amount_microcredits
            FROM journal_entries e JOIN journal_transactions t ON t.id = e.transaction_id) AS entries
      GROUP BY transaction_id, account_id HAVING sum(amount_microcredits) <> 0 ORDER BY transaction_id LIMIT 1`,
  ),
  check(
    'verify_standings',
    'each transaction left what the entries up to it make',
    `SELECT account_id AS "accountId", 'what journal transaction ' || id || ' left (available, held)' AS what,
        available_after_microcredits || ', ' || held_after_microcredits AS kept, available || ', ' || held AS recomputed
      FROM (SELECT t.*, sum(available_microcredits) OVER upto AS available, sum(held_microcredits) OVER upto AS held
            FROM journal_transactions t WINDOW upto AS (PARTITION BY account_id ORDER BY id)) AS running
      WHERE (available_after_microcredits, held_after_microcredits) IS DISTINCT FROM (available, held) ORDER BY id LIMIT 1`,
  ),
  check(
    'verify_drift',
    'balances, holds, charges, refunds and grants are what the journal says',
    `SELECT account_id AS "accountId", what, kept::text, COALESCE(recomputed::text, 'nothing') AS recomputed
      FROM ledger_drift ORDER BY account_id, what LIMIT 1`,
  ),
  check(
    'verify_issued',
    'customers have what was issued and not charged',
    `SELECT NULL AS "accountId", 'credits of all customers' AS what, kept::text, recomputed::text
      FROM (SELECT COALESCE(sum(available_microcredits + held_microcredits), 0) AS kept FROM accounts) AS a,
        (SELECT COALESCE(-sum(issued_microcredits + revenue_microcredits), 0) AS recomputed FROM journal_transactions) AS j
      WHERE kept <> recomputed`,
  ),
];

const COUNTS = defineStatement({
  name: 'count_transactions_and_accounts',
  text: `SELECT (SELECT count(*) FROM journal_transactions) AS transactions, (SELECT count(*) FROM accounts) AS accounts`,
  row: { transactions: t.bigint, accounts: t.bigint },
});

export interface Verification {
  readonly transactions: number;
  readonly accounts: number;
  readonly difference: Difference | null;
}

/**
 * Recomputes all stored figures from the journal's entries, in one snapshot, and returns the first difference. Reads every
 * row, so the connection must allow long statements. Calls `onCheck` with the name of each check.
 */
export async function verifyLedger(
  db: Pick<Database, 'connect'>,
  onCheck: (name: string) => void,
): Promise<Verification> {
  const client = await db.connect();
  try {
    await client.query('BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const verification = await verify(client, onCheck);
    await client.query('COMMIT');
    return verification;
  } finally {
    // Closes the connection, because its transaction may still be open.
    client.release(true);
  }
}

async function verify(db: Pick<Database, 'query'>, onCheck: (name: string) => void): Promise<Verification> {
  const counts = await row(db, COUNTS, []);
  for (const { says, statement } of CHECKS) {
    onCheck(says);
    const [difference] = await rows(db, statement, []);
    if (difference !== undefined) return { ...counts, difference };
  }
  return { ...counts, difference: null };
}

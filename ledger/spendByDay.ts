import type { Database } from '../store/database.ts';
import { rows } from '../store/query.ts';
import { defineStatement, t, type RowOf } from '../store/statement.ts';

const SPEND = defineStatement({
  name: 'spend_by_day',
  text: `SELECT to_char(recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day, sum(revenue_microcredits)::bigint AS "chargedMicrocredits"
    FROM journal_transactions WHERE account_id = $1 AND recorded_at >= $2 AND revenue_microcredits <> 0 GROUP BY 1 ORDER BY 1`,
  row: {
    /** By UTC, as YYYY-MM-DD. */
    day: t.text,
    /** Less what was refunded on that day. */
    chargedMicrocredits: t.bigint,
  },
});

export type DaysSpend = RowOf<typeof SPEND>;

/** What an account was charged on each day since a moment, in order; a day without a charge or a refund is missing. */
export async function getSpendByDay(db: Database, accountId: string, since: Date): Promise<DaysSpend[]> {
  return rows(db, SPEND, [accountId, since]);
}

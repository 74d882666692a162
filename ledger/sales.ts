import type { Database } from '../store/database.ts';
import { row, rows } from '../store/query.ts';
import { cases, defineStatement, t, type RowOf } from '../store/statement.ts';

/** The operators' switch: closed, nothing new is admitted, and what was admitted goes on as ever. */
export interface Sales {
  readonly open: boolean;
  /** In words, for those who are refused; null while nobody ever changed it. */
  readonly reason: string | null;
  readonly changedAt: Date | null;
}

const GET = defineStatement({
  name: 'get_sales',
  text: 'SELECT is_open AS open, reason, changed_at AS "changedAt" FROM sales_changes ORDER BY id DESC LIMIT 1',
  row: { open: t.boolean, reason: t.text, changedAt: t.timestamptz },
});

/** As the switch stands; open until somebody closes it. */
export async function getSales(db: Database): Promise<Sales> {
  const [newest] = await rows(db, GET, []);
  return newest ?? { open: true, reason: null, changedAt: null };
}

const SET = defineStatement({
  name: 'set_sales',
  text: 'SELECT outcome, is_open AS open, reason, changed_at AS "changedAt", replayed FROM set_sales($1, $2, $3)',
  row: cases('outcome', {
    set: { open: t.boolean, reason: t.text, changedAt: t.timestamptz, replayed: t.boolean },
    key_reused: {},
  }),
});

export type SalesChange = RowOf<typeof SET>;

/** Opens or closes sales for every process at once; once a key, whose repeat answers with the first change. */
export async function setSales(
  db: Database,
  change: { readonly open: boolean; readonly reason: string; readonly idempotencyKey: string },
): Promise<SalesChange> {
  return row(db, SET, [change.open, change.reason, change.idempotencyKey]);
}

import type { Database } from '../store/database.ts';
import { row, rows } from '../store/query.ts';
import { cases, defineStatement, t, type RowOf } from '../store/statement.ts';

/** The operators' switch for sales. While it is closed nothing is admitted; admitted generations go on (MR-26). */
export interface Sales {
  readonly open: boolean;
  /** The reason that refused clients read; null until the switch is first changed. */
  readonly reason: string | null;
  readonly changedAt: Date | null;
}

const GET = defineStatement({
  name: 'get_sales',
  text: 'SELECT is_open AS open, reason, changed_at AS "changedAt" FROM sales_changes ORDER BY id DESC LIMIT 1',
  row: { open: t.boolean, reason: t.text, changedAt: t.timestamptz },
});

/** The state of the switch. Sales are open until an operator closes them. */
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

/** Opens or closes sales for all processes. Idempotent by key: a repeat returns the first change. */
export async function setSales(
  db: Database,
  change: { readonly open: boolean; readonly reason: string; readonly idempotencyKey: string },
): Promise<SalesChange> {
  return row(db, SET, [change.open, change.reason, change.idempotencyKey]);
}

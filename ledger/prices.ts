import type { Database } from '../store/database.ts';
import { row, rows } from '../store/query.ts';
import { defineStatement, t, type RowOf } from '../store/statement.ts';
import { PRICE_CHANGE, type PriceChange } from './priceChange.ts';

const LIST = defineStatement({
  name: 'list_prices',
  text: `SELECT p.model, p.size, s.seconds,
      price_microcredits(p.provider_cost_microcredits_per_second, p.margin_basis_points, s.seconds) AS "amountMicrocredits"
    FROM current_prices p CROSS JOIN unnest($1::integer[]) AS s (seconds)
    ORDER BY p.model, "amountMicrocredits", p.size`,
  row: { model: t.text, size: t.text, seconds: t.integer, amountMicrocredits: t.bigint },
});

export type Price = RowOf<typeof LIST>;

/** The current price of every model and size, for each of these lengths. */
export async function listPrices(db: Database, seconds: readonly number[]): Promise<Price[]> {
  return rows(db, LIST, [seconds]);
}

const SET = defineStatement({
  name: 'set_price',
  text: `SELECT outcome, price_id AS "priceId", effective_from AS "effectiveFrom", replayed
    FROM set_price($1, $2, $3, $4, $5, $6)`,
  row: PRICE_CHANGE,
});

/**
 * Sets the price of a model and size from a moment on (null: from now on). Idempotent by key. Admitted generations keep
 * their price (MR-47). The margin is in hundredths of a percent of the price. Raises `LedgerError` `constraint` for a price that
 * is out of range.
 */
export async function setPrice(
  db: Database,
  price: {
    model: string;
    size: string;
    costPerSecondMicrocredits: number;
    marginBasisPoints: number;
    effectiveFrom: Date | null;
    idempotencyKey: string;
  },
): Promise<PriceChange> {
  const { model, size, costPerSecondMicrocredits, marginBasisPoints, effectiveFrom, idempotencyKey } = price;
  return row(db, SET, [model, size, costPerSecondMicrocredits, marginBasisPoints, effectiveFrom, idempotencyKey]);
}

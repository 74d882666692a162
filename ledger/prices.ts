import type { Database } from '../store/database.ts';
import { row, rows } from '../store/query.ts';
import { defineStatement, t, type RowOf } from '../store/statement.ts';
import { PRICE_CHANGE, type PriceChange } from './priceChange.ts';

const LIST = defineStatement({
  name: 'list_prices',
  // A request without parameters has their defaults, with what those add to its price.
  text: `SELECT p.model, p.size, s.seconds, price_microcredits(p.provider_cost_microcredits_per_second, p.margin_basis_points, s.seconds,
        o.effects)::bigint AS "amountMicrocredits"
    FROM (SELECT model, lengths, sizes, default_effects(parameters) AS effects FROM current_offers
        WHERE for_sale AND (provider <> ALL ($1::text[])) IS NOT TRUE OFFSET 0) AS o
      JOIN current_prices p ON p.model = o.model AND p.size = ANY (COALESCE(o.sizes, ARRAY[p.size])) CROSS JOIN unnest(o.lengths) AS s (seconds)
    ORDER BY p.model, "amountMicrocredits", p.size`,
  row: { model: t.text, size: t.text, seconds: t.integer, amountMicrocredits: t.bigint },
});

export type Price = RowOf<typeof LIST>;

/** The current price of every model, size and length that is sold and whose provider is one of these; unset: whichever it is. */
export async function listPrices(db: Database, providers?: readonly string[]): Promise<Price[]> {
  return rows(db, LIST, [providers]);
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

import type { Database } from '../store/database.ts';
import { row, rows } from '../store/query.ts';

export interface Price {
  readonly model: string;
  readonly size: string;
  readonly seconds: number;
  readonly amountMicrocredits: number;
}

const LIST = {
  name: 'list_prices',
  text: `SELECT p.model, p.size, s.seconds,
      price_microcredits(p.provider_cost_microcredits_per_second, p.margin_basis_points, s.seconds) AS "amountMicrocredits"
    FROM current_prices p CROSS JOIN unnest($1::integer[]) AS s (seconds)
    ORDER BY p.model, "amountMicrocredits", p.size`,
};

/** The price of every model and size for each of these lengths, as a create at this moment would be charged. */
export async function listPrices(db: Database, seconds: readonly number[]): Promise<Price[]> {
  return rows(db, LIST, [seconds]);
}

const SET = {
  name: 'set_price',
  text: `SELECT outcome, price_id AS "priceId", effective_from AS "effectiveFrom", replayed
    FROM set_price($1, $2, $3, $4, $5, $6)`,
};

export type PriceChange =
  | {
      readonly outcome: 'set';
      readonly priceId: number;
      readonly effectiveFrom: Date;
      readonly replayed: boolean;
    }
  /** `already_set`: another version begins at that very moment. */
  | { readonly outcome: 'key_reused' | 'in_the_past' | 'already_set' };

/**
 * Sets the price of a model and size from a moment on, from now on when that is null; once a key. What was admitted before
 * keeps its price. The margin is in hundredths of a percent of the price. Raises `LedgerError` `constraint` for a price that
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

import type { Pool } from './pool.ts';
import { rows } from './query.ts';

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
export async function listPrices(pool: Pool, seconds: readonly number[]): Promise<Price[]> {
  return rows(pool, LIST, [seconds]);
}

import type { Database } from '../store/database.ts';
import { row, rows } from '../store/query.ts';
import { defineStatement, t, type RowOf } from '../store/statement.ts';
import { PRICE_CHANGE, type PriceChange } from './priceChange.ts';

const PRICES = defineStatement({
  name: 'list_text_prices',
  text: `SELECT model, text_price_microcredits(input_cost_microcredits_per_million_tokens, 0, margin_basis_points, 1000000, 0)::bigint
        AS "inputMicrocredits",
      text_price_microcredits(0, output_cost_microcredits_per_million_tokens, margin_basis_points, 0, 1000000)::bigint AS "outputMicrocredits"
    FROM current_text_prices ORDER BY model`,
  /** The prices are per million tokens. */
  row: { model: t.text, inputMicrocredits: t.bigint, outputMicrocredits: t.bigint },
});

export type TextPrice = RowOf<typeof PRICES>;

/** The current prices of each model, per million tokens. */
export async function listTextPrices(db: Database): Promise<TextPrice[]> {
  return rows(db, PRICES, []);
}

const BOUND = defineStatement({
  name: 'bound_text_price',
  text: `SELECT text_price_microcredits(input_cost_microcredits_per_million_tokens, output_cost_microcredits_per_million_tokens,
      margin_basis_points, $2, $3)::bigint AS "amountMicrocredits" FROM current_text_prices WHERE model = $1`,
  row: { amountMicrocredits: t.bigint },
});

/** The highest price of a text with these numbers of tokens, which is the amount of its hold; undefined for an unknown model. */
export async function getTextPrice(
  db: Database,
  text: { readonly model: string; readonly inputBoundTokens: number; readonly maxOutputTokens: number },
): Promise<number | undefined> {
  const values = [text.model, text.inputBoundTokens, text.maxOutputTokens];
  const [price] = await rows(db, BOUND, values);
  return price?.amountMicrocredits;
}

const SET = defineStatement({
  name: 'set_text_price',
  text: `SELECT outcome, price_id AS "priceId", effective_from AS "effectiveFrom", replayed
    FROM set_text_price($1, $2, $3, $4, $5, $6)`,
  row: PRICE_CHANGE,
});

/** Like `setPrice`, for the tokens of a model. The costs are the provider's, per million tokens, without the margin. */
export async function setTextPrice(
  db: Database,
  price: {
    model: string;
    inputCostMicrocredits: number;
    outputCostMicrocredits: number;
    marginBasisPoints: number;
    effectiveFrom: Date | null;
    idempotencyKey: string;
  },
): Promise<PriceChange> {
  const { model, inputCostMicrocredits, outputCostMicrocredits, marginBasisPoints, effectiveFrom, idempotencyKey } =
    price;
  const values = [
    model,
    inputCostMicrocredits,
    outputCostMicrocredits,
    marginBasisPoints,
    effectiveFrom,
    idempotencyKey,
  ];
  return row(db, SET, values);
}

import type { Database } from '../store/database.ts';
import { row, rows } from '../store/query.ts';
import type { TextAdmissionRequest } from './admission.ts';
import { defineStatement, t, type RowOf } from '../store/statement.ts';
import { PRICE_CHANGE, type PriceChange } from './priceChange.ts';

const PRICES = defineStatement({
  name: 'list_text_prices',
  text: `SELECT model, text_price_microcredits(input_cost_microcredits_per_million_tokens, 0, margin_basis_points, 1000000, 0)::bigint
        AS "inputMicrocredits",
      text_price_microcredits(0, output_cost_microcredits_per_million_tokens, margin_basis_points, 0, 1000000)::bigint AS "outputMicrocredits"
    FROM current_text_prices WHERE (provider <> ALL ($1::text[])) IS NOT TRUE ORDER BY model`,
  /** The prices are per million tokens. */
  row: { model: t.text, inputMicrocredits: t.bigint, outputMicrocredits: t.bigint },
});

export type TextPrice = RowOf<typeof PRICES>;

/** The current prices of each model whose provider is one of these, per million tokens; unset: of each model. */
export async function listTextPrices(db: Database, providers?: readonly string[]): Promise<TextPrice[]> {
  return rows(db, PRICES, [providers]);
}

const BOUND = defineStatement({
  name: 'bound_text_price',
  text: `SELECT text_price_microcredits(input_cost_microcredits_per_million_tokens, output_cost_microcredits_per_million_tokens,
      margin_basis_points, $2, $3)::bigint AS "amountMicrocredits", (provider <> ALL ($4::text[])) IS NOT TRUE AS "isAvailable",
      provider_is_down(provider) AS "isProviderDown"
    FROM current_text_prices WHERE model = $1`,
  /** `isAvailable`: its provider is one of those that were given. */
  row: { amountMicrocredits: t.bigint, isAvailable: t.boolean, isProviderDown: t.boolean },
});

/** The highest price of a text with these numbers of tokens, which is the amount of its hold; undefined for an unknown model. */
export async function getTextPrice(
  db: Database,
  text: Pick<TextAdmissionRequest, 'model' | 'inputBoundTokens' | 'maxOutputTokens' | 'providers'>,
): Promise<RowOf<typeof BOUND> | undefined> {
  const { model, inputBoundTokens, maxOutputTokens, providers } = text;
  const [price] = await rows(db, BOUND, [model, inputBoundTokens, maxOutputTokens, providers]);
  return price;
}

const SET = defineStatement({
  name: 'set_text_price',
  text: `SELECT outcome, price_id AS "priceId", effective_from AS "effectiveFrom", replayed
    FROM set_text_price($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
  row: PRICE_CHANGE,
});

/** Like `setPrice`, for the tokens of a model, which `provider` writes as `providerModel`; unset: the default one, the same. The costs are the provider's, per million tokens, without the margin. */
export async function setTextPrice(
  db: Database,
  price: {
    model: string;
    inputCostMicrocredits: number;
    outputCostMicrocredits: number;
    marginBasisPoints: number;
    effectiveFrom: Date | null;
    idempotencyKey: string;
    provider?: string | undefined;
    providerModel?: string | undefined;
    /** False withdraws the model; unset: true. */
    forSale?: boolean | undefined;
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
    price.provider,
    price.providerModel,
    price.forSale ?? true,
  ];
  return row(db, SET, values);
}

import type { OfferedParameter } from '../contracts/offers.ts';
import type { Database } from '../store/database.ts';
import { row, rows } from '../store/query.ts';
import { defineStatement, t, type RowOf } from '../store/statement.ts';
import { inTransaction } from '../store/transaction.ts';

const OFFERS = defineStatement({
  name: 'current_offers',
  text: `SELECT model, for_sale, provider, provider_model, lengths, sizes, length_field, size_field, parameters, prompt_flags, charge_rule
    FROM current_offers ORDER BY model`,
  /** By the names of their columns, as `setOffer` takes them. */
  row: {
    model: t.text,
    for_sale: t.boolean,
    provider: t.nullable(t.text),
    provider_model: t.nullable(t.text),
    lengths: t.integers,
    sizes: t.nullable(t.texts()),
    length_field: t.word<'seconds' | 'duration'>(),
    size_field: t.word<'size' | 'resolution'>(),
    parameters: t.jsonb<readonly OfferedParameter[]>(),
    prompt_flags: t.word<'allow' | 'refuse'>(),
    charge_rule: t.word<'as_made' | 'as_sold'>(),
  },
});

const PRICES = defineStatement({
  name: 'current_prices',
  text: `SELECT model, size, provider_cost_microcredits_per_second AS cost, margin_basis_points AS margin FROM current_prices ORDER BY model, size`,
  row: { model: t.text, size: t.text, cost: t.bigint, margin: t.integer },
});

const TEXT_PRICES = defineStatement({
  name: 'current_text_prices',
  text: `SELECT model, provider, provider_model AS "providerModel", input_cost_microcredits_per_million_tokens AS "inputCost",
      output_cost_microcredits_per_million_tokens AS "outputCost", margin_basis_points AS margin FROM current_text_prices ORDER BY model`,
  row: {
    model: t.text,
    provider: t.nullable(t.text),
    providerModel: t.nullable(t.text),
    inputCost: t.bigint,
    outputCost: t.bigint,
    margin: t.integer,
  },
});

/** Everything that is in force now, also of models that are withdrawn. */
export interface PriceBook {
  readonly offers: readonly RowOf<typeof OFFERS>[];
  readonly prices: readonly RowOf<typeof PRICES>[];
  readonly textPrices: readonly RowOf<typeof TEXT_PRICES>[];
}

export async function readPriceBook(db: Database): Promise<PriceBook> {
  return {
    offers: await rows(db, OFFERS, []),
    prices: await rows(db, PRICES, []),
    textPrices: await rows(db, TEXT_PRICES, []),
  };
}

const AMOUNT = defineStatement({
  name: 'price_microcredits',
  text: 'SELECT price_microcredits($1, $2, $3, default_effects($4))::bigint AS amount',
  row: { amount: t.bigint },
});

/** What a request for so many seconds costs at this price when it sends none of the parameters, as `listPrices` shows it. */
export async function priceOf(
  db: Database,
  { cost, margin }: { readonly cost: number; readonly margin: number },
  seconds: number,
  parameters: readonly OfferedParameter[],
): Promise<number> {
  return (await row(db, AMOUNT, [cost, margin, seconds, JSON.stringify(parameters)])).amount;
}

/** Work on the whole price book: all of it or nothing, one after the other. */
export async function withPriceBook<Result>(
  db: Database,
  work: (inside: Database) => Promise<Result>,
): Promise<Result> {
  const lock = "SELECT pg_advisory_xact_lock(hashtextextended('price book', 0))";
  return inTransaction(db, ['BEGIN', lock], () => undefined, work);
}

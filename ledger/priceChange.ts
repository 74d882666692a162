import { cases, t, type RowOf } from '../store/statement.ts';

/** What the functions that set a price answer with. */
export const PRICE_CHANGE = cases('outcome', {
  set: { priceId: t.bigint, effectiveFrom: t.timestamptz, replayed: t.boolean },
  key_reused: {},
  in_the_past: {},
  /** Another version begins at that very moment. */
  already_set: {},
});

export type PriceChange = RowOf<typeof PRICE_CHANGE>;

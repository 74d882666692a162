import { cases, t, type RowOf } from '../store/statement.ts';

/** The results of the functions that set a price. */
export const PRICE_CHANGE = cases('outcome', {
  set: { priceId: t.bigint, effectiveFrom: t.timestamptz, replayed: t.boolean },
  key_reused: {},
  in_the_past: {},
  /** Another version begins at the same moment. */
  already_set: {},
});

export type PriceChange = RowOf<typeof PRICE_CHANGE>;

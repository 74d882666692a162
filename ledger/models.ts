import type { Database } from '../store/database.ts';
import { rows } from '../store/query.ts';
import { defineStatement, t, type RowOf } from '../store/statement.ts';

const LIST = defineStatement({
  name: 'list_models',
  text: `SELECT model AS id, kind, min(effective_from) AS "soldSince" FROM (
      SELECT model, prices.effective_from, 'video' AS kind FROM prices JOIN current_offers o USING (model)
        WHERE prices.effective_from <= now() AND o.for_sale AND (o.provider <> ALL ($1::text[])) IS NOT TRUE
      UNION ALL SELECT model, effective_from, 'text' FROM text_prices
        WHERE effective_from <= now() AND EXISTS (SELECT FROM current_text_prices c WHERE c.model = text_prices.model
          AND (c.provider <> ALL ($1::text[])) IS NOT TRUE)) AS sold
    GROUP BY model, kind ORDER BY kind DESC, model`,
  row: { id: t.text, kind: t.word<'video' | 'text'>(), soldSince: t.timestamptz },
});

/** A model that is sold now. */
export type Model = RowOf<typeof LIST>;

/** Those whose provider is one of these; unset: all. */
export async function listModels(db: Database, providers?: readonly string[]): Promise<Model[]> {
  return rows(db, LIST, [providers]);
}

import type { Database } from '../store/database.ts';
import { rows } from '../store/query.ts';
import { defineStatement, t, type RowOf } from '../store/statement.ts';

const LIST = defineStatement({
  name: 'list_models',
  text: `SELECT model AS id, kind, min(effective_from) AS "soldSince" FROM (
      SELECT model, effective_from, 'video' AS kind FROM prices WHERE effective_from <= now()
      UNION ALL SELECT model, effective_from, 'text' FROM text_prices WHERE effective_from <= now()) AS sold
    GROUP BY model, kind ORDER BY kind DESC, model`,
  row: { id: t.text, kind: t.word<'video' | 'text'>(), soldSince: t.timestamptz },
});

/** A model that has a price now. */
export type Model = RowOf<typeof LIST>;

export async function listModels(db: Database): Promise<Model[]> {
  return rows(db, LIST, []);
}

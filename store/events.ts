import type { Database } from './database.ts';
import { rows } from './query.ts';
import { defineStatement, t, type RowOf } from './statement.ts';

const LIST_EVENTS = defineStatement({
  name: 'list_events',
  text: `SELECT e.sequence, e.kind, e.data, e.recorded_at AS "recordedAt"
    FROM generation_events e JOIN generations g ON g.id = e.generation_id
    WHERE g.id = $1 AND g.account_id = $2 ORDER BY e.sequence`,
  row: {
    sequence: t.integer,
    kind: t.text,
    data: t.jsonb<Record<string, string | number | null>>(),
    recordedAt: t.timestamptz,
  },
});

/** What happened to a generation, as the functions of the database recorded it; `data` is what they wrote, by kind. */
export type GenerationEvent = RowOf<typeof LIST_EVENTS>;

/** Every event of a generation of this very account, in the order it was learned. */
export async function listEvents(db: Database, accountId: string, generationId: string): Promise<GenerationEvent[]> {
  return rows(db, LIST_EVENTS, [generationId, accountId]);
}

import type { ParameterValue } from '../contracts/offers.ts';
import type { Database } from './database.ts';
import { rows } from './query.ts';
import { defineStatement, t, type RowOf } from './statement.ts';

const LIST_EVENTS = defineStatement({
  name: 'list_events',
  text: `SELECT e.sequence, e.kind, e.data, e.recorded_at AS "recordedAt", CASE WHEN e.kind = 'requested' THEN i.parameters END AS parameters
    FROM generation_events e JOIN generations g ON g.id = e.generation_id LEFT JOIN inputs i ON i.generation_id = g.id
    WHERE g.id = $1 AND g.account_id = $2 ORDER BY e.sequence`,
  row: {
    sequence: t.integer,
    kind: t.text,
    data: t.jsonb<Record<string, string | number | boolean | null>>(),
    recordedAt: t.timestamptz,
    parameters: t.nullable(t.jsonb<Readonly<Record<string, ParameterValue>>>()),
  },
});

type Event = RowOf<typeof LIST_EVENTS>;

/**
 * An event of a generation, as recorded by the database's functions; `data` depends on the kind. `parameters` are those of the
 * request of a video. No event keeps them, because they are erased with the prompt.
 */
export type GenerationEvent = Omit<Event, 'parameters'> & Partial<Pick<Event, 'parameters'>>;

/** All events of a generation of this account, in the order in which they were recorded. */
export async function listEvents(db: Database, accountId: string, generationId: string): Promise<GenerationEvent[]> {
  return rows(db, LIST_EVENTS, [generationId, accountId]);
}

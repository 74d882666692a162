import type { Database } from './database.ts';
import { row } from './query.ts';
import { cases, defineStatement, t, type RowOf } from './statement.ts';

const RECORD = defineStatement({
  name: 'record_provider_event',
  text: `SELECT outcome, generation_id AS "generationId" FROM record_provider_event($1, $2, $3, $4)`,
  row: cases('outcome', {
    /** Its generation is open: tell the workflow, once. */
    nudge: { generationId: t.text },
    /** Its generation was told as often as is good for a history; its timers look on. */
    enough: { generationId: t.text },
    settled: { generationId: t.text },
    replayed: {},
    unknown: {},
  }),
});

export type RecordedEvent = RowOf<typeof RECORD>;

export interface ProviderEvent {
  /** Signed by the provider; the same again is a replay. */
  readonly webhookId: string;
  readonly type: string;
  readonly providerVideoId: string;
}

/** Keeps a verified event of the provider of that name, once. Moves no credits, whatever the event says. */
export async function recordProviderEvent(
  db: Database,
  provider: string,
  { webhookId, type, providerVideoId }: ProviderEvent,
): Promise<RecordedEvent> {
  return row(db, RECORD, [webhookId, type, provider, providerVideoId]);
}

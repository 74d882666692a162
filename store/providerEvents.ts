import { canonicalVideoId } from '../contracts/providerVideoId.ts';
import type { Database } from './database.ts';
import { row } from './query.ts';
import { cases, defineStatement, t, type RowOf } from './statement.ts';

const RECORD = defineStatement({
  name: 'record_provider_event',
  text: `SELECT outcome, generation_id AS "generationId" FROM record_provider_event($1, $2, $3, $4, $5)`,
  row: cases('outcome', {
    /** Its generation is open: signal the workflow once. */
    nudge: { generationId: t.text },
    /** Its workflow got as many signals as its history should have; its timers go on looking (MR-87). */
    enough: { generationId: t.text },
    settled: { generationId: t.text },
    replayed: {},
    unknown: {},
  }),
});

export type RecordedEvent = RowOf<typeof RECORD>;

export interface ProviderEvent {
  /** The signed id of the event; a second event with it is a replay. */
  readonly webhookId: string;
  readonly type: string;
  readonly providerVideoId: string;
}

/** Records a verified event of this provider, once. Moves no credits, whatever the event says (MR-4). */
export async function recordProviderEvent(
  db: Database,
  provider: string,
  { webhookId, type, providerVideoId }: ProviderEvent,
): Promise<RecordedEvent> {
  return row(db, RECORD, [webhookId, type, provider, providerVideoId, canonicalVideoId(providerVideoId)]);
}

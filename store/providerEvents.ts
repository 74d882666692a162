import type { Database } from './database.ts';
import { row } from './query.ts';

const RECORD = {
  name: 'record_provider_event',
  text: `SELECT outcome, generation_id AS "generationId" FROM record_provider_event($1, $2, $3, $4)`,
};

export interface ProviderEvent {
  /** Signed by the provider; the same again is a replay. */
  readonly webhookId: string;
  readonly type: string;
  readonly providerVideoId: string;
}

export type RecordedEvent =
  /** Its generation is open: tell the workflow, once. */
  | { readonly outcome: 'nudge'; readonly generationId: string }
  /** Its generation was told as often as is good for a history; its timers look on. */
  | { readonly outcome: 'enough' | 'settled'; readonly generationId: string }
  | { readonly outcome: 'replayed' | 'unknown'; readonly generationId: null };

/** Keeps a verified event of the provider of that name, once. Moves no credits, whatever the event says. */
export async function recordProviderEvent(
  db: Database,
  provider: string,
  { webhookId, type, providerVideoId }: ProviderEvent,
): Promise<RecordedEvent> {
  return row(db, RECORD, [webhookId, type, provider, providerVideoId]);
}

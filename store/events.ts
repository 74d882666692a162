import type { Database } from './database.ts';
import { rows } from './query.ts';

/** What happened to a generation, as the functions of the ledger recorded it; `data` is what they wrote, by kind. */
export interface GenerationEvent {
  readonly sequence: number;
  readonly kind: string;
  readonly data: Record<string, string | number | null>;
  readonly recordedAt: Date;
}

const LIST_EVENTS = {
  name: 'list_events',
  text: `SELECT e.sequence, e.kind, e.data, e.recorded_at AS "recordedAt"
    FROM generation_events e JOIN generations g ON g.id = e.generation_id
    WHERE g.id = $1 AND g.account_id = $2 ORDER BY e.sequence`,
};

/** Every event of a generation of this very account, in the order it was learned. */
export async function listEvents(db: Database, accountId: string, generationId: string): Promise<GenerationEvent[]> {
  return rows(db, LIST_EVENTS, [generationId, accountId]);
}

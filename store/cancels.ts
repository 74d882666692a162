import { canonicalVideoId } from '../contracts/providerVideoId.ts';
import type { Database } from './database.ts';
import { row } from './query.ts';
import { cases, defineStatement, t, type RowOf } from './statement.ts';

const BEGIN = defineStatement({
  name: 'begin_cancel',
  text: 'SELECT outcome, provider_video_id AS "providerVideoId" FROM begin_cancel($1)',
  row: cases('outcome', { begun: { providerVideoId: t.text }, sent: {}, ended: {}, refused: {} }),
});

/** `begun`: the cancel must be sent now. `sent`, `ended`: that has been done before. `refused`: there is nothing to cancel. */
export type CancelStart = RowOf<typeof BEGIN>;

/** Commits, before the call, that the provider is asked to end its work: once in a generation's life (MR-9). */
export async function beginCancel(db: Database, generationId: string): Promise<CancelStart> {
  const begun = await row(db, BEGIN, [generationId]);
  db.changed(generationId);
  return begun;
}

const RECORD_ENDED = defineStatement({
  name: 'record_cancel_ended',
  text: 'SELECT record_cancel_ended($1, $2) AS ended',
  row: { ended: t.boolean },
});

/** Records that the provider ended its work on this video, given in any spelling; whether that is on record now. */
export async function recordCancelEnded(db: Database, generationId: string, providerVideoId: string): Promise<boolean> {
  const { ended } = await row(db, RECORD_ENDED, [generationId, canonicalVideoId(providerVideoId)]);
  db.changed(generationId);
  return ended;
}

const NOTE_UNCLEAR = defineStatement({
  name: 'note_cancel_unclear',
  text: 'SELECT note_cancel_unclear($1, $2)',
  row: {},
});

/** Records that the answer to the cancel, or the lack of one, proves nothing. */
export async function noteCancelUnclear(db: Database, generationId: string, why: string): Promise<void> {
  await row(db, NOTE_UNCLEAR, [generationId, why]);
}

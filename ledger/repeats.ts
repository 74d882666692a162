import type { Database } from '../store/database.ts';
import { row, rows } from '../store/query.ts';
import { cases, defineStatement, type RowOf } from '../store/statement.ts';
import type { KeptAnswer, RepeatableRequest } from './admission.ts';
import { ADMISSION_COLUMNS, REPEATS } from './admissions.ts';

const KEEP = defineStatement({ name: 'keep_answer', text: 'SELECT keep_answer($1, $2, $3, $4, $5)', row: {} });

/** Keeps the answer for an idempotency key. The first answer stands; a key that belongs to another generation is left alone. */
export async function keepAnswer(
  db: Database,
  accountId: string,
  key: string,
  answer: KeptAnswer,
  generationId?: string,
): Promise<void> {
  await row(db, KEEP, [accountId, key, answer.status, JSON.stringify(answer.body), generationId]);
}

const FIND_REPEAT = defineStatement({
  name: 'find_repeat',
  text: `SELECT ${ADMISSION_COLUMNS} FROM find_repeat($1, $2, $3, $4, $5)`,
  row: cases('outcome', REPEATS),
});

export type Repeated = RowOf<typeof FIND_REPEAT>;

/**
 * Returns the answer for a repeated request, whatever has changed since the first one (MR-90); undefined for a new request.
 * Equal retries of an SDK each get a different generation while there is one that no retry has been given, and this is
 * recorded together with the answer.
 */
export async function findRepeat(db: Database, request: RepeatableRequest): Promise<Repeated | undefined> {
  const { accountId, apiKeyId, fingerprint, idempotencyKey, retryWithinMs } = request;
  const values = [accountId, apiKeyId, fingerprint, idempotencyKey, retryWithinMs];
  const [found] = await rows(db, FIND_REPEAT, values);
  return found;
}

const MARK_KNOWN = defineStatement({ name: 'mark_known', text: 'SELECT mark_known($1, $2)', row: {} });

/** Records that this API key has named the generation; does nothing if another key requested it. */
export async function markKnown(db: Database, generationId: string, apiKeyId: string): Promise<void> {
  await row(db, MARK_KNOWN, [generationId, apiKeyId]);
}

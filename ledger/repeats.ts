import type { Database } from '../store/database.ts';
import { row, rows } from '../store/query.ts';
import { cases, defineStatement, type RowOf } from '../store/statement.ts';
import type { KeptAnswer, RepeatableRequest } from './admission.ts';
import { ADMISSION_COLUMNS, REPEATS } from './admissions.ts';

const KEEP = defineStatement({ name: 'keep_answer', text: 'SELECT keep_answer($1, $2, $3, $4, $5)', row: {} });

/** Keeps the answer to a request that came with an idempotency key; the first one stands, and another generation's is left alone. */
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
 * What a repeat is answered with, whatever has changed since the first request; undefined for what is new. Each retry of an
 * SDK is handed another generation while one is left that no other retry was handed, and that is recorded with the answer.
 */
export async function findRepeat(db: Database, request: RepeatableRequest): Promise<Repeated | undefined> {
  const { accountId, apiKeyId, fingerprint, idempotencyKey, retryWithinMs } = request;
  const values = [accountId, apiKeyId, fingerprint, idempotencyKey, retryWithinMs];
  const [found] = await rows(db, FIND_REPEAT, values);
  return found;
}

const MARK_KNOWN = defineStatement({ name: 'mark_known', text: 'SELECT mark_known($1, $2)', row: {} });

/** Notes that this API key has named the generation; nothing if another key asked for it. */
export async function markKnown(db: Database, generationId: string, apiKeyId: string): Promise<void> {
  await row(db, MARK_KNOWN, [generationId, apiKeyId]);
}

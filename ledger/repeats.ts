import type { Database } from '../store/database.ts';
import { row, rows } from '../store/query.ts';
import type { AdmissionRow, KeptAnswer, RepeatableRequest, Repeated } from './admission.ts';
import { toAdmission } from './admission.ts';

const KEEP = { name: 'keep_answer', text: 'SELECT keep_answer($1, $2, $3, $4, $5)' };

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

const FIND_REPEAT = { name: 'find_repeat', text: 'SELECT * FROM find_repeat($1, $2, $3, $4, $5)' };

/**
 * What a repeat is answered with, whatever has changed since the first request; undefined for what is new. Each retry of an
 * SDK is handed another generation while one is left that no other retry was handed, and that is recorded with the answer.
 */
export async function findRepeat(db: Database, request: RepeatableRequest): Promise<Repeated | undefined> {
  const { accountId, apiKeyId, fingerprint, idempotencyKey, retryWithinMs } = request;
  const values = [accountId, apiKeyId, fingerprint, idempotencyKey, retryWithinMs];
  const [found] = await rows<AdmissionRow>(db, FIND_REPEAT, values);
  return found === undefined ? undefined : (toAdmission(found) as Repeated);
}

const MARK_KNOWN = { name: 'mark_known', text: 'SELECT mark_known($1, $2)' };

/** Notes that this API key has named the generation; nothing if another key asked for it. */
export async function markKnown(db: Database, generationId: string, apiKeyId: string): Promise<void> {
  await row(db, MARK_KNOWN, [generationId, apiKeyId]);
}

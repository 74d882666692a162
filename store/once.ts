import type { Database } from './database.ts';
import { row, rows } from './query.ts';
import { defineStatement, t } from './statement.ts';
import { inTransaction } from './transaction.ts';

/** Idempotency for operations that move no credits and have no key of their own: each key is carried out once. */

export interface KeptOperation {
  /** The owner of the keys: an account's id, or `admin`. */
  readonly scope: string;
  readonly key: string;
  /** SHA-256 of route and canonical body. */
  readonly fingerprint: Buffer;
}

/** `key_reused`: the key was used with another route or body. */
export type Once<Answer> =
  { readonly outcome: 'done' | 'replayed'; readonly answer: Answer } | { readonly outcome: 'key_reused' };

const FIND = defineStatement({
  name: 'find_operation',
  text: 'SELECT fingerprint, answer FROM find_operation($1, $2)',
  row: { fingerprint: t.bytea, answer: t.jsonb<unknown>() },
});
const KEEP = defineStatement({ name: 'keep_operation', text: 'SELECT keep_operation($1, $2, $3, $4)', row: {} });

/**
 * Does the work and keeps its answer in one transaction, so that a repeat finds both or neither. Concurrent calls with one
 * key run one after another. An error in the work rolls everything back and is raised again. The work must call nothing but
 * the database (MR-98). `toKeep` removes from the answer what must not be stored.
 */
export async function once<Answer extends object>(
  db: Database,
  { scope, key, fingerprint }: KeptOperation,
  work: (inside: Database) => Promise<Answer>,
  toKeep: (answer: Answer) => Answer = (answer) => answer,
): Promise<Once<Answer>> {
  const changed: string[] = [];
  const result = await inTransaction(
    db,
    ['BEGIN'],
    (id) => changed.push(id),
    async (inside): Promise<Once<Answer>> => {
      const [kept] = await rows(inside, FIND, [scope, key]);
      if (kept !== undefined) {
        if (!kept.fingerprint.equals(fingerprint)) return { outcome: 'key_reused' };
        return { outcome: 'replayed', answer: kept.answer as Answer };
      }
      const answer = await work(inside);
      await row(inside, KEEP, [scope, key, fingerprint, JSON.stringify(toKeep(answer))]);
      return { outcome: 'done', answer };
    },
  );
  // Announced after the commit: before it, a watcher would read the old state.
  changed.forEach(db.changed);
  return result;
}

import { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { createLedger } from '../../ledger/index.ts';
import type { Database } from '../../store/index.ts';
import { createStore, once } from '../../store/index.ts';
import type { ApiDependencies, Env } from './deps.ts';
import { fingerprintOf } from './fingerprint.ts';
import { keyReused, markReplayed, readIdempotencyKey } from './idempotencyKey.ts';

/** POSTs that take effect once for each Idempotency-Key, if they come with one. */

const SHOWN_ONCE =
  'Shown once, in the response to the first request with this Idempotency-Key. If you did not receive that response, rotate it or create another one under a new key.';

/** A secret in a response, beside `note`: in the response to a repeat the secret is null, and `note` says why. */
export const shownOnce = {
  note: z.string().optional().openapi({ description: 'In the response to a repeat: that the secret was shown once.' }),
};

/** What the work may call: all of it in one transaction. */
export type Inside = Pick<ApiDependencies, 'ledger' | 'store'>;

/** What `answerOnce` needs. */
export type OnceDependencies = Pick<ApiDependencies, 'database' | 'ledger' | 'store'>;

/**
 * Does the work and keeps its answer in one transaction; a repeat gets that answer with `Idempotency-Replayed`. `secret` names
 * the field that is never kept. Without a key the work is done each time. Everything that may refuse the request belongs in
 * the work, because a repeat is answered before it. Raises `idempotency_key_reused` for a key of another route or body.
 */
export async function answerOnce<Answer extends object>(
  { database, ledger, store }: OnceDependencies,
  c: Context<Env>,
  body: Record<string, unknown>,
  work: (inside: Inside) => Promise<Answer>,
  secret?: keyof Answer & string,
): Promise<Answer> {
  const key = readIdempotencyKey(c.req.header('idempotency-key'));
  if (key === null) return work({ ledger, store });
  const { caller } = c.var as Partial<Env['Variables']>;
  const operation = { scope: caller?.accountId ?? 'admin', key, fingerprint: fingerprintOf(c.req.path, body) };
  const toKeep = (answer: Answer): Answer =>
    secret === undefined ? answer : { ...answer, [secret]: null, note: SHOWN_ONCE };
  const inTransaction = (inside: Database) => work({ ledger: createLedger(inside), store: createStore(inside) });
  const done = await once(database, operation, inTransaction, toKeep);
  if (done.outcome === 'key_reused') throw keyReused();
  if (done.outcome === 'replayed') markReplayed(c);
  return done.answer;
}

import { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { createLedger } from '../../ledger/index.ts';
import type { Database } from '../../store/index.ts';
import { createStore, once } from '../../store/index.ts';
import type { ApiDependencies, Env } from './deps.ts';
import { fingerprintOf } from './fingerprint.ts';
import { keyReused, readIdempotencyKey } from './idempotencyKey.ts';

/** POSTs that are carried out once for their idempotency key, if they come with one. */

const SHOWN_ONCE =
  'Shown once, in the answer to the first request with this Idempotency-Key. If that never arrived, rotate it or make another one under a new key.';

/** A secret in an answer, beside `note`: null in the answer to a repeat, which says why. */
export const shownOnce = {
  note: z.string().optional().openapi({ description: 'Of a repeat: that the secret was shown once.' }),
};

/** What the work may call: all of it in one transaction. */
export type Inside = Pick<ApiDependencies, 'ledger' | 'store'>;

/**
 * Does the work in one transaction with its answer, which a repeat gets with `Idempotency-Replayed`; `secret` names what is
 * never kept of it. Without a key it is done each time. Everything that may refuse the request belongs into the work: a
 * repeat is answered before all that. Raises `idempotency_key_reused` for the key of another route or body.
 */
export async function answerOnce<Answer extends object>(
  { database, ledger, store }: Pick<ApiDependencies, 'database' | 'ledger' | 'store'>,
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
  if (done.outcome === 'replayed') c.header('idempotency-replayed', 'true');
  return done.answer;
}

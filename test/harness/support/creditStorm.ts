import { type Books } from './database.ts';
import { randomUUID } from 'node:crypto';
import { videoId } from '../../../contracts/ids.ts';
import type { TestDatabase, Tenant } from './database.ts';
import { PRICE } from './database.ts';
import { BLOCKED, FINISHED, PROVIDER, ledgerSteps } from './ledgerSteps.ts';

/** Concurrent movements of credits by several clients, and a reader that adds them up meanwhile. */

/** Brings one generation to an end, each of its steps from two connections at once, while grants come and go. */
export async function liveThrough(db: TestDatabase, ledger: Books, tenant: Tenant, round: number): Promise<void> {
  const { accountId } = tenant;
  const id = videoId(randomUUID());
  const request = { model: 'sora-2', seconds: 4, size: '720x1280', prompt: id };
  const rest = { admitWithinMs: 60_000, fingerprint: Buffer.alloc(32), idempotencyKey: null };
  const admitted = await ledger.admitGeneration({ ...tenant, generationId: id, ...request, ...rest });
  if (admitted.outcome !== 'admitted') return;
  const grant = (amountMicrocredits: number, key: string) =>
    ledger.grantCredits({ accountId, amountMicrocredits, reason: 'storm', idempotencyKey: `${key} ${id}` });
  const twice = (move: () => Promise<unknown>) => Promise.all([move(), move()]);
  const placing = Promise.all([ledger.placeHold(id, 3600), ledger.placeHold(id, 3600)]);
  const [[placed]] = await Promise.all([placing, twice(() => grant(PRICE, 'more'))]);
  if (placed.outcome !== 'held') return;
  if (round % 5 === 0) {
    await ledger.requestCancel(id, 'client');
    await Promise.all([twice(() => ledger.settleGeneration(id, 'cancelled')), grant(-100_000, 'back')]);
    return;
  }
  await ledger.beginAttempt(id, [PROVIDER]);
  await ledger.endAttempt(id, 1, { outcome: 'created', providerVideoId: `of ${id}`, providerCreatedAt: null });
  if (round % 5 === 1) {
    await ledgerSteps(() => db).outlive(id);
    await twice(() => ledger.settleGeneration(id, 'expired'));
    await ledger.recordLook(id, `of ${id}`, FINISHED);
    return;
  }
  await ledger.recordLook(id, `of ${id}`, round % 5 === 2 ? BLOCKED : FINISHED);
  if (round % 5 === 2) {
    await Promise.all([twice(() => ledger.settleGeneration(id, 'provider_failed')), grant(-PRICE, 'back')]);
    return;
  }
  const part = round % 5 === 3 ? { chargeMicrocredits: 75 } : {};
  await twice(() => ledger.settleGeneration(id, 'completed', part));
  const refund = { generationId: id, amountMicrocredits: null, reason: 'storm' };
  await Promise.all([
    twice(() => ledger.refundGeneration({ ...refund, idempotencyKey: 'all' })),
    ledger.refundGeneration({ ...refund, amountMicrocredits: 25, idempotencyKey: 'a part' }),
    grant(1, 'one more'),
  ]);
}

export interface Sight {
  readonly customers: string;
  readonly outside: string;
  readonly apart: number;
  readonly movements: number;
}

/** The sums of one snapshot, read by several statements while credits move. */
export async function readBooks(db: TestDatabase): Promise<Sight> {
  const reader = await db.pool.connect();
  try {
    await reader.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const kept = await reader.query<{ customers: string }>(
      'SELECT sum(available_microcredits + held_microcredits)::text AS customers FROM accounts',
    );
    const journal = await reader.query<{ outside: string; movements: number }>(
      `SELECT (-sum(issued_microcredits + revenue_microcredits))::text AS outside, count(*)::integer AS movements
       FROM journal_transactions`,
    );
    const apart = await reader.query<{ apart: number }>(
      `SELECT count(*)::integer AS apart FROM accounts a
       LEFT JOIN LATERAL (SELECT sum(available_microcredits) AS available, sum(held_microcredits) AS held
         FROM journal_transactions t WHERE t.account_id = a.id) entries ON true
       LEFT JOIN LATERAL (SELECT available_after_microcredits AS available, held_after_microcredits AS held
         FROM journal_transactions t WHERE t.account_id = a.id ORDER BY t.id DESC LIMIT 1) newest ON true
       WHERE (a.available_microcredits, a.held_microcredits) IS DISTINCT FROM (entries.available, entries.held)
         OR (a.available_microcredits, a.held_microcredits) IS DISTINCT FROM (newest.available, newest.held)
         OR EXISTS (SELECT FROM ledger_drift d WHERE d.account_id = a.id)`,
    );
    await reader.query('COMMIT');
    return { ...(kept.rows[0] as Sight), ...(journal.rows[0] as Sight), ...(apart.rows[0] as Sight) };
  } finally {
    reader.release();
  }
}

import { isDeepStrictEqual } from 'node:util';
import type { PoolClient } from 'pg';
import { expect } from 'vitest';
import type { Pool } from '../../../store/index.ts';
import type { Account, Generation, Model } from './state.ts';

/** Everything that may be wrong in the books of these accounts, whatever they should hold: a name for each fault found. */
const BROKEN = `
  SELECT 'entries of ' || t.key || ' do not sum to zero' FROM journal_transactions t
    WHERE t.account_id = ANY($1)
      AND t.available_microcredits + t.held_microcredits + t.issued_microcredits + t.revenue_microcredits <> 0
  UNION ALL
  SELECT fault FROM accounts a
    CROSS JOIN LATERAL (SELECT COALESCE(sum(t.available_microcredits), 0) AS available, COALESCE(sum(t.held_microcredits), 0) AS held,
        COALESCE(sum(t.issued_microcredits + t.revenue_microcredits), 0) AS outside
      FROM journal_transactions t WHERE t.account_id = a.id) books
    LEFT JOIN LATERAL (SELECT available_after_microcredits AS available, held_after_microcredits AS held
      FROM journal_transactions t WHERE t.account_id = a.id ORDER BY t.id DESC LIMIT 1) newest ON true
    CROSS JOIN LATERAL (VALUES
      ('a balance is below zero', a.available_microcredits < 0 OR a.held_microcredits < 0),
      ('available differs from its entries', a.available_microcredits <> books.available),
      ('held differs from its entries', a.held_microcredits <> books.held),
      ('credits appeared or vanished', a.available_microcredits + a.held_microcredits + books.outside <> 0),
      ('held differs from the active holds', a.held_microcredits <>
        COALESCE((SELECT sum(h.amount_microcredits) FROM holds h WHERE h.account_id = a.id AND h.state = 'active'), 0)),
      ('the newest transaction says other balances', (newest.available, newest.held)
        IS DISTINCT FROM (a.available_microcredits, a.held_microcredits) AND newest.available IS NOT NULL)
    ) AS faults (fault, found) WHERE a.id = ANY($1) AND found
  UNION ALL
  SELECT 'hold ' || h.id || ' is ' || h.state || ' after ' || ends.kinds::text FROM holds h
    CROSS JOIN LATERAL (SELECT COALESCE(array_agg(t.kind), '{}') AS kinds FROM journal_transactions t
      WHERE t.account_id = ANY($1) AND t.generation_id = h.generation_id AND t.kind IN ('capture', 'release')) ends
    WHERE h.account_id = ANY($1) AND ends.kinds <> CASE h.state
      WHEN 'active' THEN '{}' WHEN 'captured' THEN '{capture}'::text[] ELSE '{release}' END
  UNION ALL
  SELECT 'more refunded than captured of ' || t.generation_id FROM journal_transactions t
    WHERE t.account_id = ANY($1) AND t.generation_id IS NOT NULL GROUP BY t.generation_id HAVING sum(t.revenue_microcredits) < 0
  UNION ALL
  SELECT concat_ws(' ', 'drift of', d.what, d.kept, d.recomputed) FROM ledger_drift d WHERE d.account_id = ANY($1)`;

const AUDIT = {
  name: 'model_audit',
  text: `SELECT
    (SELECT COALESCE(json_object_agg(a.id, json_build_object(
        'available', a.available_microcredits, 'held', a.held_microcredits, 'active', a.active_generations,
        'frozen', a.frozen_at IS NOT NULL,
        'operations', (SELECT count(*) FROM account_operations o WHERE o.account_id = a.id),
        'journal', (SELECT COALESCE(json_agg(json_build_array(t.kind, t.generation_id, t.available_microcredits,
            t.held_microcredits, t.issued_microcredits, t.revenue_microcredits) ORDER BY t.id), '[]')
          FROM journal_transactions t WHERE t.account_id = a.id))), '{}')
      FROM accounts a WHERE a.id = ANY($1)) AS accounts,
    (SELECT COALESCE(json_object_agg(g.id, json_build_object(
        'state', g.state, 'refusal', g.refusal_code, 'amount', g.amount_microcredits, 'hold', h.state, 'heldAmount', h.amount_microcredits,
        'chargedState', g.credits_charged, 'charged', g.charged_amount_microcredits, 'reason', g.settlement_reason, 'error', g.error_code,
        'video', g.provider_video_id, 'verdict', g.provider_verdict, 'counts', g.counts_as_active,
        'cancel', g.cancel_requested_at IS NOT NULL, 'deleted', g.deleted_at IS NOT NULL, 'claimOf', g.claim_of, 'late', g.claimable_until IS NOT NULL,
        'deletion', CASE WHEN g.provider_deleted_at IS NOT NULL THEN 'done' WHEN g.deletion_begun_at IS NOT NULL THEN 'begun' ELSE 'none' END,
        'content', (SELECT c.state FROM contents c WHERE c.generation_id = g.id AND c.variant = 'video'),
        'refunds', (SELECT COALESCE(json_agg(r.amount_microcredits ORDER BY r.transaction_id), '[]') FROM refunds r WHERE r.generation_id = g.id),
        'attempts', (SELECT COALESCE(json_agg(c.outcome ORDER BY c.number), '[]') FROM provider_attempts c WHERE c.generation_id = g.id))), '{}')
      FROM generations g LEFT JOIN holds h ON h.generation_id = g.id WHERE g.account_id = ANY($1)) AS generations,
    (SELECT COALESCE(json_agg(broken.fault), '[]') FROM (${BROKEN}) AS broken (fault)) AS broken`,
};

interface AuditedAccount {
  readonly available: number;
  readonly held: number;
  readonly journal: unknown[];
}

/** The books of a run as the database has them. */
export interface Books {
  readonly accounts: Record<string, AuditedAccount>;
  readonly generations: Record<string, { readonly hold: string | null; readonly [field: string]: unknown }>;
}

/** A connection that plans the query once: planning takes longer than reading. */
export async function openAuditor(pool: Pool): Promise<PoolClient> {
  const auditor = await pool.connect();
  await auditor.query('SET plan_cache_mode = force_generic_plan');
  return auditor;
}

/** Reads the books in one query, and fails when anything in them is wrong in itself or is not as the model has it. */
export async function audit(auditor: PoolClient, model: Model): Promise<Books> {
  const { rows } = await auditor.query<Books & { broken: string[] }>({
    ...AUDIT,
    values: [[...model.accounts.keys()]],
  });
  const { accounts, generations, broken } = rows[0] ?? { accounts: {}, generations: {}, broken: ['no answer'] };
  expect(broken).toEqual([]);
  const actual = { accounts, generations };
  const expected = { accounts: mapOf(model.accounts, booksOf), generations: mapOf(model.generations, factsOf) };
  // Vitest's comparison explains, and takes its time for it.
  if (!isDeepStrictEqual(actual, expected)) expect(actual).toEqual(expected);
  return actual;
}

function booksOf({ available, held, active, frozen, operations, journal }: Account) {
  const movements = journal.map((movement) => [
    ...[movement.kind, movement.generationId, movement.available, movement.held, movement.issued, movement.revenue],
  ]);
  return { available, held, active, frozen, operations: operations.size, journal: movements };
}

function factsOf(generation: Generation) {
  const { state, refusal, amount, settlement, charged, video, verdict, attempts, refunds } = generation;
  const hold = { held: 'active', charged: 'captured', released: 'released' }[state as string] ?? null;
  return {
    ...{ state, refusal, amount, hold, heldAmount: hold === null ? null : amount },
    chargedState: settlement?.charged ?? null,
    charged,
    reason: settlement?.reason ?? null,
    error: settlement?.errorCode ?? null,
    ...{ video, verdict, counts: generation.countsAsActive },
    cancel: generation.cancelRequested,
    deleted: generation.deleted,
    claimOf: generation.claimOf,
    late: generation.claimable !== 'never',
    deletion: generation.deletion,
    content: generation.content,
    refunds: [...refunds.values()].map((refund) => refund.amount),
    attempts: attempts.map(({ outcome }) => outcome),
  };
}

function mapOf<Value, Shown>(map: Map<string, Value>, show: (value: Value) => Shown): Record<string, Shown> {
  return Object.fromEntries([...map].map(([id, value]) => [id, show(value)]));
}

/** What only a movement of credits changes: balances, holds, and how many journal transactions there are. */
export function moneyOf({ accounts, generations }: Books) {
  // An account that never had credits is nowhere in the books.
  const used = Object.entries(accounts).filter(
    ([, { journal, held, available }]) => journal.length + held + available > 0,
  );
  const balances = used.map(([id, { available, held, journal }]) => [id, available, held, journal.length]);
  const holds = Object.entries(generations).map(([id, { hold }]) => [id, hold]);
  return { balances: balances.sort(), holds: holds.filter(([, hold]) => hold !== null).sort() };
}

/** Faults of the whole database: conservation over all accounts, and the view that must be empty. */
export async function auditEverything(pool: Pool): Promise<void> {
  const { rows } = await pool.query(`SELECT
    (SELECT COALESCE(sum(available_microcredits::numeric + held_microcredits), 0) FROM accounts)
      + (SELECT COALESCE(sum(issued_microcredits::numeric + revenue_microcredits), 0) FROM journal_transactions) AS difference,
    (SELECT count(*) FROM ledger_drift) AS drift`);
  expect(rows).toEqual([{ difference: '0', drift: 0 }]);
}

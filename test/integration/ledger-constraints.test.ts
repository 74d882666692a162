import type { PoolClient } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { TestDatabase, Tenant } from '../harness/support/database.ts';
import { PRICE, admit, createTestDatabase, openTenant } from '../harness/support/database.ts';

/** What the database refuses whoever asks; and what its views show. */

let db: TestDatabase;
let tenant: Tenant;
/** One generation of each state. */
let ids: Record<'requested' | 'held' | 'charged' | 'released' | 'voided', string>;

beforeAll(async () => {
  db = await createTestDatabase(5);
  tenant = await openTenant(db, 10 * PRICE);
  const make = () => admit(db, tenant);
  ids = {
    requested: await make(),
    held: await make(),
    charged: await make(),
    released: await make(),
    voided: await make(),
  };
  await db.ledger.voidGeneration(ids.voided);
  for (const id of [ids.held, ids.charged, ids.released]) {
    await db.ledger.placeHold(id, 3600);
    await db.ledger.beginAttempt(id, [{ identity: 'openai@http://provider' }]);
    await db.ledger.endAttempt(id, 1, {
      outcome: 'created',
      providerVideoId: `at_provider_${id}`,
      providerCreatedAt: null,
    });
  }
  const look = { status: 'x', progress: 100, completedAt: null };
  await db.ledger.recordLook(ids.charged, `at_provider_${ids.charged}`, {
    ...look,
    verdict: 'completed',
    errorCode: null,
    errorMessage: null,
  });
  await db.ledger.recordLook(ids.released, `at_provider_${ids.released}`, {
    ...look,
    verdict: 'failed',
    errorCode: 'moderation_blocked',
    errorMessage: 'Blocked.',
  });
  await db.ledger.settleGeneration(ids.charged, 'completed');
  await db.ledger.settleGeneration(ids.released, 'provider_failed');
});
afterAll(async () => {
  await db.drop();
});
afterEach(async () => {
  expect((await db.pool.query('SELECT * FROM ledger_drift')).rows).toEqual([]);
});

/** The SQLSTATE that a statement is refused with; 'accepted' otherwise. Whatever it did is rolled back. */
async function refusal(sql: string, values: unknown[] = []): Promise<string | undefined> {
  const client = await db.admin.connect();
  try {
    await client.query('BEGIN');
    await client.query(sql, values);
    return 'accepted';
  } catch (error) {
    return (error as { code?: string }).code;
  } finally {
    await client.query('ROLLBACK');
    client.release();
  }
}

// MR-41, MR-42
describe('three states, also for a superuser', () => {
  const charged = [null, true, false];
  const amounts = [null, 0, -1, 1, PRICE, PRICE + 1];
  const moments = [null, '2026-01-01T00:00:00Z'];
  const combinations = charged.flatMap((flag) =>
    amounts.flatMap((amount) => moments.map((moment) => [flag, amount, moment] as const)),
  );

  it.each(combinations)('credits_charged %s, amount %s, at %s', async (flag, amount, moment) => {
    const state = flag === null ? 'held' : flag ? 'charged' : 'released';
    const legal =
      (flag === null && amount === null && moment === null) ||
      (flag === false && amount === null && moment !== null) ||
      (flag === true && amount !== null && amount > 0 && amount <= PRICE && moment !== null);
    const sql = `UPDATE generations SET credits_charged = $2, charged_amount_microcredits = $3, settled_at = $4, state = $5,
      settlement_reason = CASE $2::boolean WHEN true THEN 'completed' WHEN false THEN 'expired' END, error_code = CASE WHEN $2 IS FALSE THEN 'x' END WHERE id = $1`;
    expect(await refusal(sql, [ids.held, flag, amount, moment, state])).toBe(legal ? 'accepted' : '23514');
  });

  it.each([
    "state = 'charged'",
    "state = 'released'",
    "state = 'refused'",
    "state = 'voided'",
    "state = 'lost'",
    'state = NULL',
    "refusal_code = 'x'",
    "error_code = 'x'",
    "settlement_reason = 'expired'",
    'amount_microcredits = amount_microcredits + 1',
    "provider_verdict = 'maybe'",
    'provider_progress = 101',
    'provider_video_id = NULL',
    "provider_video_id = 'another'",
    "provider_canonical_id = 'another'",
    "provider = 'another'",
    "id = 'video_00000000000000000000000000000000'",
  ])('a held generation refuses %s', async (assignment) => {
    expect(await refusal(`UPDATE generations SET ${assignment} WHERE id = $1`, [ids.held])).toMatch(
      /^(23514|23502|HF004)$/,
    );
  });

  it.each([
    "state = 'held', credits_charged = NULL, charged_amount_microcredits = NULL, settled_at = NULL, settlement_reason = NULL, error_code = NULL, error_message = NULL",
    "state = 'requested', credits_charged = NULL, charged_amount_microcredits = NULL, settled_at = NULL, settlement_reason = NULL, error_code = NULL",
    "settled_at = settled_at + interval '1 s'",
    "settlement_reason = 'expired'",
    "error_message = 'another'",
    'charged_amount_microcredits = 1',
    "state = 'released', credits_charged = false, charged_amount_microcredits = NULL, error_code = 'x'",
    "state = 'charged', credits_charged = true, charged_amount_microcredits = 1, error_code = NULL",
  ])('a settled generation refuses %s', async (assignment) => {
    for (const id of [ids.charged, ids.released]) {
      const code = await refusal(`UPDATE generations SET ${assignment} WHERE id = $1`, [id]);
      expect(['HF004', '23514'], `${id}: ${code}`).toContain(code);
    }
  });

  it('a voided generation never comes back', async () => {
    expect(
      await refusal("UPDATE generations SET state = 'requested', refusal_code = NULL WHERE id = $1", [ids.voided]),
    ).toBe('HF004');
  });

  // MR-45
  it.each([
    "state = 'active', settled_at = NULL",
    "state = 'released'",
    "state = 'captured', settled_at = now()",
    'amount_microcredits = 1',
    "expires_at = expires_at + interval '1 h'",
    "settled_at = settled_at + interval '1 s'",
  ])('a settled hold refuses %s', async (assignment) => {
    for (const id of [ids.charged, ids.released]) {
      expect(await refusal(`UPDATE holds SET ${assignment} WHERE generation_id = $1`, [id])).toBe('HF004');
    }
  });

  it.each([
    'amount_microcredits = 1',
    "expires_at = expires_at - interval '1 h'",
    "state = 'released'",
    'settled_at = now()',
    "account_id = 'acct_0'",
  ])('an active hold refuses %s alone', async (assignment) => {
    expect(await refusal(`UPDATE holds SET ${assignment} WHERE generation_id = $1`, [ids.held])).toMatch(
      /^(HF004|23514)$/,
    );
  });
});

describe('what is written stays written, also for a superuser', () => {
  it.each([
    'generations',
    'holds',
    'journal_transactions',
    'generation_events',
    'prices',
    'account_operations',
    'refunds',
  ])('%s: no delete, no truncate', async (table) => {
    expect(await refusal(`DELETE FROM ${table}`)).toBe('HF004');
    expect(await refusal(`TRUNCATE ${table} CASCADE`)).toBe('HF004');
  });

  it('journal_entries only shows: nothing is written through it', async () => {
    for (const sql of [
      'DELETE FROM journal_entries',
      "INSERT INTO journal_entries VALUES (1, NULL, 'issued', 5)",
      'UPDATE journal_entries SET amount_microcredits = 1',
    ]) {
      expect(await refusal(sql), sql).toBe('HF004');
    }
  });

  it.each([
    'journal_transactions SET reason = NULL',
    'journal_transactions SET available_microcredits = 1',
    'account_operations SET moved_microcredits = 1',
    "generation_events SET kind = 'x'",
    'prices SET margin_basis_points = 1',
  ])('no UPDATE %s', async (update) => {
    expect(await refusal(`UPDATE ${update}`)).toBe('HF004');
  });

  it('an account with a history can be neither deleted nor truncated away', async () => {
    expect(await refusal('DELETE FROM accounts')).toBe('23503');
    expect(await refusal('TRUNCATE accounts CASCADE')).toBe('HF004');
  });

  /** A journal transaction that nobody's function wrote. */
  const forge = (kind: string, available: number, held: number, issued: number, revenue: number, after = 0) =>
    refusal(
      `INSERT INTO journal_transactions (key, kind, account_id, requested_microcredits, available_microcredits, held_microcredits,
         issued_microcredits, revenue_microcredits, available_after_microcredits, held_after_microcredits)
       VALUES ('forged', $1, $2, 1, $3, $4, $5, $6, $7, 0)`,
      [kind, tenant.accountId, available, held, issued, revenue, after],
    );

  // MR-70
  it('a journal transaction that does not sum to zero can not be written', async () => {
    expect(await forge('grant', 5, 0, -5, 0)).toBe('accepted');
    expect(await forge('grant', 6, 0, -5, 0)).toBe('23514');
    expect(await forge('grant', 5, 0, 0, 0)).toBe('23514');
    expect(await forge('capture', 0, -5, 0, 6)).toBe('23514');
  });

  it('a kind of journal transaction moves its own books, in its own direction', async () => {
    const movements: Record<string, [number, number, number, number]> = {
      grant: [5, 0, -5, 0],
      claw_back: [-5, 0, 5, 0],
      hold: [-5, 5, 0, 0],
      capture: [2, -5, 0, 3],
      release: [5, -5, 0, 0],
      refund: [5, 0, 0, -5],
    };
    for (const kind of [...Object.keys(movements), 'gift']) {
      for (const [moved, [available, held, issued, revenue]] of Object.entries(movements)) {
        const expected = kind === moved ? 'accepted' : '23514';
        expect(await forge(kind, available, held, issued, revenue), `${kind} ${moved}`).toBe(expected);
      }
    }
  });

  it('what an account has after a journal transaction is within the range of a balance', async () => {
    expect(await forge('grant', 5, 0, -5, 0, -1)).toBe('23514');
    expect(await forge('grant', 5, 0, -5, 0, 2 ** 53)).toBe('23514');
  });

  // MR-72
  it.each([-1, 2 ** 53])("a balance of %d can't be", async (amount) => {
    for (const column of ['available_microcredits', 'held_microcredits']) {
      expect(await refusal(`UPDATE accounts SET ${column} = $1`, [amount])).toBe('23514');
    }
  });
});

describe('the views', () => {
  const shown = async (sql: string) => (await db.pool.query(`SELECT * FROM ${sql}`)).rows;

  it('active_generations shows what holds credits, and stuck_holds only holds past their end', async () => {
    expect(await shown('active_generations')).toMatchObject([
      { id: ids.held, account_id: tenant.accountId, account_name: 'a tenant', amount_microcredits: PRICE },
    ]);
    expect(await shown('stuck_holds')).toEqual([]);
    const client = await db.admin.connect();
    await client.query(`BEGIN; SET LOCAL session_replication_role = replica;
      UPDATE holds SET placed_at = now() - interval '2 hours', expires_at = now() - interval '1 hour' WHERE generation_id IN ('${ids.held}', '${ids.charged}')`);
    const { rows } = await client.query(
      'SELECT generation_id, extract(epoch FROM overdue)::integer AS overdue FROM stuck_holds',
    );
    await client.query('ROLLBACK');
    client.release();
    expect(rows).toEqual([{ generation_id: ids.held, overdue: 3600 }]);
  });

  it('recent_failures: by code', async () => {
    expect(await shown('recent_failures')).toMatchObject([
      { error_code: 'moderation_blocked', generations: 1, returned_microcredits: PRICE },
    ]);
  });

  it('credit_usage_today: what each account was charged, and what was released unspent', async () => {
    expect(await shown('credit_usage_today')).toEqual([
      {
        account_id: tenant.accountId,
        account_name: 'a tenant',
        charged_generations: 1,
        charged_microcredits: PRICE,
        released_generations: 1,
        released_microcredits: PRICE,
      },
    ]);
  });

  // MR-70
  it('ledger_drift shows every tampering with a balance, a counter or a hold', async () => {
    const drift = async (sql: string) => {
      const client = await db.admin.connect();
      // Its connection is closed with whatever a failure left open on it.
      try {
        return await drifted(client, sql);
      } finally {
        client.release(true);
      }
    };
    const drifted = async (client: PoolClient, sql: string) => {
      await client.query(`BEGIN; SET LOCAL session_replication_role = replica; ${sql}`);
      const { rows } = await client.query<{ what: string }>('SELECT what FROM ledger_drift ORDER BY what');
      return rows.map(({ what }) => what);
    };
    expect(await drift('UPDATE accounts SET available_microcredits = available_microcredits + 1')).toEqual([
      'available',
    ]);
    expect(await drift('UPDATE accounts SET held_microcredits = held_microcredits + 1')).toEqual([
      'active holds',
      'held',
    ]);
    expect(await drift('UPDATE accounts SET active_generations = 7')).toEqual(['active generations']);
    expect(
      await drift(`UPDATE holds SET state = 'released', settled_at = now() WHERE generation_id = '${ids.held}'`),
    ).toEqual(['active holds', `hold of ${ids.held}`]);
    const uncharged = await drift("DELETE FROM journal_transactions WHERE kind = 'capture'");
    expect(uncharged).toEqual([`charge of ${ids.charged}`, 'held']);
    expect(await drift("DELETE FROM journal_transactions WHERE kind = 'hold'")).toContain(
      `journal of hold_${ids.held.slice(6)}`,
    );
    expect(await drift('UPDATE account_operations SET moved_microcredits = moved_microcredits + 1')).toEqual([
      `operation grant:${tenant.accountId}:first`,
    ]);
    expect(await drift("UPDATE generations SET charged_amount_microcredits = 1 WHERE state = 'charged'")).toEqual([
      `charge of ${ids.charged}`,
    ]);
    expect(
      await drift(`UPDATE generations SET state = 'voided', refusal_code = 'voided' WHERE id = '${ids.held}'`),
    ).toContain(`hold of ${ids.held}`);
  });
});

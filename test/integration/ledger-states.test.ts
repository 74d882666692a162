import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PoolClient } from 'pg';
import {
  ATTEMPT_STEPS,
  GENERATION_STEPS,
  HOLD_STEPS,
  SETTLEMENTS,
  VERDICT_STEPS,
  type GenerationState,
  type HoldState,
} from '../../contracts/states.ts';
import type { Tenant, TestDatabase } from '../harness/support/database.ts';
import { PRICE, admit, createTestDatabase, openTenant } from '../harness/support/database.ts';

/** The states in `contracts/states.ts` and those in PostgreSQL are the same, and so are the steps between them. */

let db: TestDatabase;
let tenant: Tenant;
beforeAll(async () => {
  db = await createTestDatabase(5);
  tenant = await openTenant(db, 1000 * PRICE);
});
afterAll(async () => {
  await db.drop();
});

/** The words that the CHECK constraints of this one column allow. */
async function allowedWords(table: string, column: string): Promise<string[]> {
  const { rows } = await db.admin.query<{ definition: string }>(
    `SELECT pg_get_constraintdef(c.oid) AS definition FROM pg_constraint c
      JOIN pg_attribute a ON a.attrelid = c.conrelid AND c.conkey = ARRAY[a.attnum]
      WHERE c.conrelid = $1::regclass AND c.contype = 'c' AND a.attname = $2`,
    [table, column],
  );
  return rows.flatMap(({ definition }) => [...definition.matchAll(/'([a-z_]+)'::text/g)].map(([, word = '']) => word));
}

describe('the CHECK of', () => {
  it.each([
    ['generations', 'state', Object.keys(GENERATION_STEPS)],
    ['holds', 'state', Object.keys(HOLD_STEPS)],
    ['provider_attempts', 'outcome', ATTEMPT_STEPS.open],
    ['generations', 'provider_verdict', Object.keys(VERDICT_STEPS)],
    ['generations', 'settlement_reason', Object.keys(SETTLEMENTS)],
  ])('%s.%s allows exactly the words of contracts/states.ts', async (table, column, words) => {
    expect((await allowedWords(table, column)).sort()).toEqual([...words].sort());
  });
});

/** Runs it as the database's owner and takes it back. */
async function inRolledBack<Result>(work: (client: PoolClient) => Promise<Result>): Promise<Result> {
  const client = await db.admin.connect();
  try {
    await client.query('BEGIN');
    return await work(client);
  } finally {
    await client.query('ROLLBACK');
    client.release();
  }
}

/** Each pair of two different states, and whether the second may follow the first. */
function pairs<State extends string>(
  steps: Record<State, readonly string[]>,
): [from: State, to: State, allowed: boolean][] {
  const states = Object.keys(steps) as State[];
  return states.flatMap((from) =>
    states.filter((to) => to !== from).map((to) => [from, to, steps[from].includes(to)] as [State, State, boolean]),
  );
}

describe('a generation', () => {
  const OPEN = `credits_charged = NULL, charged_amount_microcredits = NULL, settled_at = NULL, settlement_reason = NULL, error_code = NULL`;
  /** What else must stand in the row for its CHECKs to accept the state. */
  const COLUMNS: Record<GenerationState, string> = {
    requested: `${OPEN}, refusal_code = NULL`,
    held: `${OPEN}, refusal_code = NULL`,
    charged: `credits_charged = true, charged_amount_microcredits = 1, settled_at = now(), settlement_reason = 'completed', error_code = NULL, refusal_code = NULL`,
    released: `credits_charged = false, charged_amount_microcredits = NULL, settled_at = now(), settlement_reason = 'expired', error_code = 'x', refusal_code = NULL`,
    refused: `${OPEN}, refusal_code = 'x'`,
    voided: `${OPEN}, refusal_code = 'x'`,
  };

  it.each(pairs(GENERATION_STEPS))('goes from %s to %s: %s', async (from, to, allowed) => {
    const id = await admit(db, tenant);
    const moved = await inRolledBack(async (client) => {
      // Where it comes from is set past the trigger.
      await client.query('ALTER TABLE generations DISABLE TRIGGER generations_guard');
      await client.query(`UPDATE generations SET state = $2, ${COLUMNS[from]} WHERE id = $1`, [id, from]);
      await client.query('SET CONSTRAINTS ALL IMMEDIATE');
      await client.query('ALTER TABLE generations ENABLE TRIGGER generations_guard');
      return client.query(`UPDATE generations SET state = $2, ${COLUMNS[to]} WHERE id = $1`, [id, to]).then(
        () => true,
        (error: { code?: string }) => error.code,
      );
    });
    expect(moved).toBe(allowed ? true : 'HF004');
  });
});

describe('a hold', () => {
  const settledAt = (state: HoldState) => (state === 'active' ? 'NULL' : 'now()');

  it.each(pairs(HOLD_STEPS))('goes from %s to %s: %s', async (from, to, allowed) => {
    const id = await admit(db, tenant);
    await db.ledger.placeHold(id, 3600);
    const move = (client: PoolClient, state: HoldState) =>
      client.query(`UPDATE holds SET state = $2, settled_at = ${settledAt(state)} WHERE generation_id = $1`, [
        id,
        state,
      ]);
    const moved = await inRolledBack(async (client) => {
      if (from !== 'active') await move(client, from);
      return move(client, to).then(
        () => true,
        (error: { code?: string }) => error.code,
      );
    });
    expect(moved).toBe(allowed ? true : 'HF004');
  });
});

describe('an attempt', () => {
  it.each(pairs(ATTEMPT_STEPS))('goes from %s to %s: %s', async (from, to, allowed) => {
    const id = await admit(db, tenant);
    await db.ledger.placeHold(id, 3600);
    await db.ledger.beginAttempt(id, [{ identity: 'openai@http://provider' }]);
    const move = (client: PoolClient, state: string) => {
      const [outcome, endedAt] = state === 'open' ? [null, null] : [state, new Date()];
      return client.query('UPDATE provider_attempts SET outcome = $2, ended_at = $3 WHERE generation_id = $1', [
        id,
        outcome,
        endedAt,
      ]);
    };
    const moved = await inRolledBack(async (client) => {
      if (from !== 'open') await move(client, from);
      return move(client, to).then(
        () => true,
        (error: { code?: string }) => error.code,
      );
    });
    expect(moved).toBe(allowed ? true : 'HF004');
  });
});

describe('a verdict', () => {
  it.each(pairs(VERDICT_STEPS))('goes from %s to %s: %s', async (from, to, allowed) => {
    const id = await admit(db, tenant);
    await db.ledger.placeHold(id, 3600);
    await db.ledger.beginAttempt(id, [{ identity: 'openai@http://provider' }]);
    const providerVideoId = `at_provider_${id}`;
    await db.ledger.endAttempt(id, 1, { outcome: 'created', providerVideoId, providerCreatedAt: null });
    const look = (verdict: typeof from) =>
      db.ledger.recordLook(id, providerVideoId, {
        verdict,
        status: 'x',
        progress: null,
        completedAt: null,
        errorCode: null,
        errorMessage: null,
      });
    await look(from);
    expect((await look(to)).verdict).toBe(allowed ? to : from);
  });
});

import type { Pool } from '../../../store/index.ts';

/** The same tables in a schema of their own: the same columns, checks and indexes; no triggers, no foreign keys. */
export const RAW_SCHEMA = `CREATE SCHEMA raw;
  ${['accounts', 'generations', 'holds', 'journal_transactions', 'generation_events']
    .map((table) => `CREATE TABLE raw.${table} (LIKE holdfast.${table} INCLUDING ALL);`)
    .join('\n')}`;

const AMOUNT = 571_429;

const HOLD = {
  account: `UPDATE raw.accounts SET available_microcredits = available_microcredits - $2, held_microcredits = held_microcredits + $2,
    active_generations = active_generations + 1
    WHERE id = $1 AND available_microcredits >= $2 AND frozen_at IS NULL AND active_generations < max_active_generations
    RETURNING available_microcredits AS available, held_microcredits AS held`,
  hold: `INSERT INTO raw.holds (id, generation_id, account_id, amount_microcredits, placed_at, expires_at)
    VALUES ($1, $2, $3, $4, clock_timestamp(), clock_timestamp() + interval '1 hour')`,
  transaction: `INSERT INTO raw.journal_transactions (key, kind, account_id, generation_id, requested_microcredits, reason,
      available_microcredits, held_microcredits, revenue_microcredits, available_after_microcredits, held_after_microcredits)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
  generation: `UPDATE raw.generations SET state = 'held', counts_as_active = true, event_sequence = event_sequence + 1 WHERE id = $1`,
  event: `INSERT INTO raw.generation_events (generation_id, sequence, kind, data) VALUES ($1, $2, $3, $4)`,
};
const CAPTURE = {
  hold: `UPDATE raw.holds SET state = 'captured', settled_at = clock_timestamp() WHERE id = $1 AND state = 'active'`,
  account: `UPDATE raw.accounts SET held_microcredits = held_microcredits - $2, active_generations = active_generations - 1 WHERE id = $1
    RETURNING available_microcredits AS available, held_microcredits AS held`,
  generation: `UPDATE raw.generations SET state = 'charged', credits_charged = true, charged_amount_microcredits = $2,
    settled_at = clock_timestamp(), settlement_reason = 'completed', duration_ms = 1000, counts_as_active = false,
    event_sequence = event_sequence + 1 WHERE id = $1`,
};

interface Returned {
  readonly available: number;
  readonly held: number;
}

/** Two transactions, each statement by itself, prepared once a connection. */
export async function rawHoldAndCapture(pool: Pool, id: string, accountId: string): Promise<void> {
  const client = await pool.connect();
  const run = (name: string, text: string, values: unknown[]) => client.query<Returned>({ name, text, values });
  const journal = (kind: string, after: Returned | undefined, available: number, held: number, revenue: number) =>
    run('t', HOLD.transaction, [
      ...[`${id}:${kind}`, kind, accountId, id, AMOUNT, null],
      ...[available, held, revenue, after?.available, after?.held],
    ]);
  try {
    const holdId = id.replace('video', 'hold');
    await client.query('BEGIN');
    const paid = await run('ha', HOLD.account, [accountId, AMOUNT]);
    if (paid.rowCount !== 1) throw new Error('no funds');
    await run('hh', HOLD.hold, [holdId, id, accountId, AMOUNT]);
    await journal('hold', paid.rows[0], -AMOUNT, AMOUNT, 0);
    await run('hg', HOLD.generation, [id]);
    await run('ev', HOLD.event, [id, 1, 'held', { amount_microcredits: AMOUNT }]);
    await client.query('COMMIT');
    await client.query('BEGIN');
    const captured = await run('ch', CAPTURE.hold, [holdId]);
    if (captured.rowCount !== 1) throw new Error('not active');
    const freed = await run('ca', CAPTURE.account, [accountId, AMOUNT]);
    await journal('capture', freed.rows[0], 0, -AMOUNT, AMOUNT);
    await run('cg', CAPTURE.generation, [id, AMOUNT]);
    await run('ev', HOLD.event, [id, 2, 'charged', { reason: 'completed', code: null, amount_microcredits: AMOUNT }]);
    await client.query('COMMIT');
  } finally {
    client.release();
  }
}

const ONE_HOLD = {
  name: 'one_hold',
  text: `WITH paid AS (
      UPDATE raw.accounts SET available_microcredits = available_microcredits - $3, held_microcredits = held_microcredits + $3,
        active_generations = active_generations + 1
      WHERE id = $2 AND available_microcredits >= $3 AND frozen_at IS NULL AND active_generations < max_active_generations
      RETURNING id, available_microcredits, held_microcredits
    ), hold AS (
      INSERT INTO raw.holds (id, generation_id, account_id, amount_microcredits, placed_at, expires_at)
      SELECT $4, $1, id, $3, clock_timestamp(), clock_timestamp() + interval '1 hour' FROM paid
    ), tx AS (
      INSERT INTO raw.journal_transactions (key, kind, account_id, generation_id, requested_microcredits,
        available_microcredits, held_microcredits, available_after_microcredits, held_after_microcredits)
      SELECT $1 || ':hold', 'hold', id, $1, $3, -$3, $3, available_microcredits, held_microcredits FROM paid
    ), event AS (
      INSERT INTO raw.generation_events (generation_id, sequence, kind, data)
      SELECT $1, 1, 'held', jsonb_build_object('amount_microcredits', $3::bigint) FROM paid
    )
    UPDATE raw.generations SET state = 'held', counts_as_active = true, event_sequence = event_sequence + 1 FROM paid WHERE generations.id = $1`,
};
const ONE_CAPTURE = {
  name: 'one_capture',
  text: `WITH hold AS (
      UPDATE raw.holds SET state = 'captured', settled_at = clock_timestamp() WHERE id = $4 AND state = 'active' RETURNING id
    ), paid AS (
      UPDATE raw.accounts SET held_microcredits = held_microcredits - $3, active_generations = active_generations - 1
      FROM hold WHERE accounts.id = $2 RETURNING accounts.id, available_microcredits, held_microcredits
    ), tx AS (
      INSERT INTO raw.journal_transactions (key, kind, account_id, generation_id, requested_microcredits, reason,
        held_microcredits, revenue_microcredits, available_after_microcredits, held_after_microcredits)
      SELECT $1 || ':settle', 'capture', id, $1, $3, 'completed', -$3, $3, available_microcredits, held_microcredits FROM paid
    ), event AS (
      INSERT INTO raw.generation_events (generation_id, sequence, kind, data)
      SELECT $1, 2, 'charged', jsonb_build_object('reason', 'completed', 'code', NULL, 'amount_microcredits', $3::bigint) FROM paid
    )
    UPDATE raw.generations SET state = 'charged', credits_charged = true, charged_amount_microcredits = $3,
      settled_at = clock_timestamp(), settlement_reason = 'completed', duration_ms = 1000, counts_as_active = false,
      event_sequence = event_sequence + 1 FROM paid WHERE generations.id = $1`,
};

/** The fastest that raw SQL can be: each transaction one prepared statement, one round trip. */
export async function rawHoldAndCaptureInOneStatement(pool: Pool, id: string, accountId: string): Promise<void> {
  const values = [id, accountId, AMOUNT, id.replace('video', 'hold')];
  for (const statement of [ONE_HOLD, ONE_CAPTURE]) {
    const { rowCount } = await pool.query({ ...statement, values });
    if (rowCount !== 1) throw new Error(`${statement.name} changed nothing`);
  }
}

import { LedgerError } from './errors.ts';
import type { Pool } from './pool.ts';
import { row, rows } from './query.ts';
import { STATEMENT_LINE } from './selections.ts';

export interface StatementLine {
  readonly transactionId: number;
  readonly recordedAt: Date;
  readonly kind: 'grant' | 'claw_back' | 'hold' | 'capture' | 'release' | 'refund';
  readonly generationId: string | null;
  readonly reason: string | null;
  /** What it moved. */
  readonly availableMicrocredits: number;
  readonly heldMicrocredits: number;
  /** What the account had afterwards. */
  readonly availableAfterMicrocredits: number;
  readonly heldAfterMicrocredits: number;
}

export interface StandingBalance {
  readonly availableMicrocredits: number;
  readonly heldMicrocredits: number;
}

export interface Statement {
  readonly opening: StandingBalance;
  readonly lines: readonly StatementLine[];
  readonly closing: StandingBalance;
}

const STANDING = {
  name: 'standing_before',
  text: `SELECT COALESCE(t.available_after_microcredits, 0) AS "availableMicrocredits",
      COALESCE(t.held_after_microcredits, 0) AS "heldMicrocredits"
    FROM (SELECT) AS one LEFT JOIN LATERAL (
      SELECT available_after_microcredits, held_after_microcredits FROM journal_transactions
      WHERE account_id = $1 AND recorded_at < $2 ORDER BY recorded_at DESC, id DESC LIMIT 1) t ON true`,
};

const LINES = {
  name: 'statement_lines',
  text: `${STATEMENT_LINE} WHERE account_id = $1 AND recorded_at >= $2 AND recorded_at < $3 ORDER BY recorded_at, id`,
};

/**
 * What happened to an account from `from` up to, not including, `to`. The opening and the closing are what was kept at that
 * time, the lines are the journal's; raises `LedgerError` `unbalanced` unless opening + lines = closing.
 */
export async function getStatement(pool: Pool, accountId: string, from: Date, to: Date): Promise<Statement> {
  const [opening, lines, closing] = await Promise.all([
    row<StandingBalance>(pool, STANDING, [accountId, from]),
    rows<StatementLine>(pool, LINES, [accountId, from, to]),
    row<StandingBalance>(pool, STANDING, [accountId, to]),
  ]);
  for (const book of ['availableMicrocredits', 'heldMicrocredits'] as const) {
    const moved = lines.reduce((sum, line) => sum + line[book], 0);
    if (opening[book] + moved !== closing[book]) {
      throw new LedgerError('unbalanced', new Error(`the statement of ${accountId} does not reconcile: ${book}`));
    }
  }
  return { opening, lines, closing };
}

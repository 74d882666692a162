import { LedgerError } from '../store/errors.ts';
import { boundedSearch } from '../store/boundedSearch.ts';
import type { Database } from '../store/database.ts';
import { row, rows } from '../store/query.ts';
import { cases, defineStatement, t, type RowOf } from '../store/statement.ts';
import { between, hasTraits, type MovementFilter, movementsOf, TRAITS_TIMEOUT_MS, traitsOf } from './movements.ts';
import { AFTERWARDS, LINES, STATEMENT_LINE, type StatementLine } from './statementLine.ts';

export interface StandingBalance {
  readonly availableMicrocredits: number;
  readonly heldMicrocredits: number;
}

/** Totals in microcredits: granted − clawed back − charged + refunded = available + held. */
export type StatementTotals = RowOf<typeof TOTALS>;

export interface Statement {
  readonly opening: StandingBalance;
  readonly lines: readonly StatementLine[];
  readonly totals: StatementTotals;
  readonly closing: StandingBalance;
}

/** An account's balances just before a moment. */
const STANDING = (
  kind: string,
  before: string,
) => `SELECT NULL::bigint AS "transactionId", ${before}::timestamptz AS "recordedAt",
      '${kind}' AS kind, NULL AS "generationId", NULL AS reason, 0::bigint AS "availableMicrocredits", 0::bigint AS "heldMicrocredits",
      0::bigint AS "chargedMicrocredits",
      COALESCE(t.available_after_microcredits, 0) AS "availableAfterMicrocredits",
      COALESCE(t.held_after_microcredits, 0) AS "heldAfterMicrocredits", NULL AS "user", '{}'::jsonb AS metadata
    FROM accounts a LEFT JOIN LATERAL (
      SELECT available_after_microcredits, held_after_microcredits FROM journal_transactions
      WHERE account_id = a.id AND recorded_at < ${before} ORDER BY recorded_at DESC, id DESC LIMIT 1) t ON true
    WHERE a.id = $1`;

/** One SQL statement, so that all parts are of one snapshot. */
const STATEMENT = defineStatement({
  name: 'statement',
  text: `(${STANDING('opening', '$2')}) UNION ALL (${STANDING('closing', '$3')}) UNION ALL
    (${STATEMENT_LINE} WHERE account_id = $1 AND recorded_at >= $2 AND recorded_at < $3 ORDER BY recorded_at, id)`,
  row: cases('kind', { opening: AFTERWARDS, closing: AFTERWARDS, ...LINES }),
});

/**
 * An account's statement from `from` up to, but not including, `to`. Opening and closing are the balances recorded at those
 * times; the lines come from the journal. Raises `LedgerError` `unbalanced` unless opening + lines = closing, and
 * `unknown_account`.
 */
export async function getStatement(db: Database, accountId: string, from: Date, to: Date): Promise<Statement> {
  if (from > to) throw new RangeError('a statement ends after it begins');
  const [first, last, ...others] = await rows(db, STATEMENT, [accountId, from, to]);
  if (first === undefined || last === undefined) {
    throw new LedgerError('unknown_account', new Error(`there is no account ${accountId}`));
  }
  const lines = others.filter((line) => line.kind !== 'opening' && line.kind !== 'closing');
  const [opening, closing] = [standing(first), standing(last)];
  for (const book of ['availableMicrocredits', 'heldMicrocredits'] as const) {
    const moved = lines.reduce((sum, line) => sum + line[book], 0);
    if (opening[book] + moved !== closing[book]) {
      throw new LedgerError('unbalanced', new Error(`the statement of ${accountId} does not reconcile: ${book}`));
    }
  }
  return { opening, lines, totals: totalsOf(lines), closing };
}

function totalsOf(lines: readonly StatementLine[]): StatementTotals {
  const moved = (kind: StatementLine['kind']) =>
    lines
      .filter((line) => line.kind === kind)
      .reduce((sum, line) => sum + line.availableMicrocredits + line.heldMicrocredits, 0);
  return {
    grantedMicrocredits: moved('grant'),
    clawedBackMicrocredits: 0 - moved('claw_back'),
    chargedMicrocredits: 0 - moved('capture'),
    refundedMicrocredits: moved('refund'),
  };
}

const totalsOfLines = (name: string, which: string) =>
  defineStatement({
    name,
    text: `SELECT COALESCE(sum(available_microcredits) FILTER (WHERE kind = 'grant'), 0)::bigint AS "grantedMicrocredits",
      COALESCE(-sum(available_microcredits) FILTER (WHERE kind = 'claw_back'), 0)::bigint AS "clawedBackMicrocredits",
      COALESCE(sum(revenue_microcredits) FILTER (WHERE kind = 'capture'), 0)::bigint AS "chargedMicrocredits",
      COALESCE(sum(available_microcredits) FILTER (WHERE kind = 'refund'), 0)::bigint AS "refundedMicrocredits"
    FROM ${which}`,
    row: {
      grantedMicrocredits: t.bigint,
      clawedBackMicrocredits: t.bigint,
      chargedMicrocredits: t.bigint,
      refundedMicrocredits: t.bigint,
    },
  });

const TOTALS = totalsOfLines('statement_totals', `journal_transactions WHERE ${between('$2', '$3')}`);
const MATCHING = `${between('$2', '$3')} AND ${hasTraits('$4', '$5', '$6')}`;
const TOTALS_WITH_TRAITS = totalsOfLines('totals_with_traits', `journal_transactions WHERE ${MATCHING}`);
const TOTALS_OF_GENERATION = totalsOfLines('generation_totals', `${movementsOf('$7')} WHERE ${MATCHING}`);

/** The totals of the movements of an account that match. Raises `SearchTooBroad` for a kind, a model or a state. */
export async function getTotals(
  db: Database,
  accountId: string,
  filter: MovementFilter = {},
): Promise<StatementTotals> {
  const { generationId, createdAfter, createdBefore } = filter;
  const range = [accountId, createdAfter ?? null, createdBefore ?? null];
  const traits = traitsOf(filter);
  if (generationId !== undefined) return row(db, TOTALS_OF_GENERATION, [...range, ...traits, generationId]);
  if (traits.every((trait) => trait === null)) return row(db, TOTALS, range);
  const search = (inside: Database) => row(inside, TOTALS_WITH_TRAITS, [...range, ...traits]);
  return boundedSearch(db, TRAITS_TIMEOUT_MS, search);
}

function standing({ availableAfterMicrocredits, heldAfterMicrocredits }: RowOf<typeof STATEMENT>): StandingBalance {
  return { availableMicrocredits: availableAfterMicrocredits, heldMicrocredits: heldAfterMicrocredits };
}

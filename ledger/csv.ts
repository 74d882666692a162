import { stringify } from 'csv-stringify/sync';
import { formatCredits } from '../contracts/money.ts';
import type { Statement, StandingBalance } from './statement.ts';
import type { StatementLine } from './statementLine.ts';

/** The fields of the API's list of transactions, and their names. Amounts are in credits and in microcredits. */
const COLUMNS = [
  ...['created_at', 'id', 'kind', 'generation_id', 'reason'],
  ...['available_change', 'available_change_microcredits', 'held_change', 'held_change_microcredits'],
  ...['available', 'available_microcredits', 'held', 'held_microcredits'],
  ...['charged', 'charged_microcredits', 'user', 'metadata'],
];

/** A total has columns of its own, so that a spreadsheet does not add it to the movements. */
const STATEMENT_COLUMNS = [...COLUMNS, 'total', 'total_microcredits'];

type Cells = Readonly<Record<string, string | number | null>>;

/** The names of the columns of `toCsv`, as its first line. */
export const CSV_HEADER = toText(COLUMNS, []);

/** Movements as lines of CSV. */
export function toCsv(lines: readonly StatementLine[]): string {
  return stringify(lines.map(movement), { columns: COLUMNS });
}

/** A statement as CSV: the opening balance, each movement, the closing balance, and each total in a row of its own. */
export function toStatementCsv({ opening, lines, totals, closing }: Statement, from: Date, to: Date): string {
  const total = (kind: string, microcredits: number): Cells => ({
    created_at: to.toISOString(),
    kind,
    ...amounts('total', microcredits),
  });
  return toText(STATEMENT_COLUMNS, [
    { created_at: from.toISOString(), kind: 'opening', ...standing(opening) },
    ...lines.map(movement),
    { created_at: to.toISOString(), kind: 'closing', ...standing(closing) },
    total('total_granted', totals.grantedMicrocredits),
    total('total_clawed_back', totals.clawedBackMicrocredits),
    total('total_charged', totals.chargedMicrocredits),
    total('total_refunded', totals.refundedMicrocredits),
  ]);
}

function movement(line: StatementLine): Cells {
  return {
    created_at: line.recordedAt.toISOString(),
    id: line.transactionId,
    kind: line.kind,
    generation_id: line.generationId,
    reason: line.reason === null ? null : harmless(line.reason),
    ...amounts('available_change', line.availableMicrocredits),
    ...amounts('held_change', line.heldMicrocredits),
    ...standing({
      availableMicrocredits: line.availableAfterMicrocredits,
      heldMicrocredits: line.heldAfterMicrocredits,
    }),
    ...amounts('charged', line.chargedMicrocredits),
    user: line.user === null ? null : harmless(line.user),
    metadata: Object.keys(line.metadata).length === 0 ? null : harmless(JSON.stringify(line.metadata)),
  };
}

function standing({ availableMicrocredits, heldMicrocredits }: StandingBalance): Cells {
  return { ...amounts('available', availableMicrocredits), ...amounts('held', heldMicrocredits) };
}

function amounts(name: string, microcredits: number): Cells {
  return { [name]: formatCredits(microcredits), [`${name}_microcredits`]: microcredits };
}

/**
 * Text from people and providers that a spreadsheet would run as a formula, behind an apostrophe. Spreadsheets take the
 * full-width and small forms of the signs for the signs themselves, as NFKC does, and may skip white space before them.
 */
function harmless(text: string): string {
  const [first = ''] = text.trimStart();
  return /^[\t\r\n]/.test(text) || /^[=+\-@]/.test(first.normalize('NFKC')) ? `'${text}` : text;
}

function toText(columns: string[], rows: readonly Cells[]): string {
  return stringify([...rows], { header: true, columns });
}

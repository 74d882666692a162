import { stringify } from 'csv-stringify/sync';
import type { StatementLine } from './statementLine.ts';

const COLUMNS = {
  recordedAt: 'recorded_at',
  transactionId: 'transaction_id',
  kind: 'kind',
  generationId: 'generation_id',
  reason: 'reason',
  availableMicrocredits: 'available_change_microcredits',
  heldMicrocredits: 'held_change_microcredits',
  availableAfterMicrocredits: 'available_microcredits',
  heldAfterMicrocredits: 'held_microcredits',
};

/** Movements as CSV, with a header. Text that people wrote is escaped, so that a spreadsheet doesn't run it as a formula. */
export function toCsv(lines: readonly (Partial<Omit<StatementLine, 'kind'>> & { readonly kind: string })[]): string {
  return stringify([...lines], {
    header: true,
    columns: COLUMNS,
    cast: {
      date: (date) => date.toISOString(),
      string: (text, { column }) => (column === 'reason' && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text),
    },
  });
}

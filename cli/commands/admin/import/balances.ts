import { MAX_MICROCREDITS, parseCredits } from '../../../../contracts/money.ts';
import { wrongUse } from '../../../failure.ts';
import { clean } from '../../../output/clean.ts';
import { cellsOf } from './cells.ts';

/** A balance of another system, as a line of the file has it. */
export interface Balance {
  readonly line: number;
  readonly userId: string;
  readonly microcredits: number;
}

const MOST_ROWS = 100_000;
const MOST_CHARACTERS = 200;

/**
 * Reads a CSV file with the columns `user_id` and `balance` (credits) or `balance_microcredits`; others are ignored. Raises
 * wrong use, with the line, for the first row that can't be imported: then nothing of the file is.
 */
export function readBalances(text: string): Balance[] {
  const [head = '', ...lines] = text.replace(/^\ufeff/, '').split(/\r?\n/);
  const columns = columnsOf(cellsOf(head) ?? []);
  const balances: Balance[] = [];
  const seen = new Map<string, number>();
  for (const [index, row] of lines.entries()) {
    if (row.trim() === '') continue;
    const balance = balanceOf(row, index + 2, columns);
    const earlier = seen.get(balance.userId);
    if (earlier !== undefined) throw malformed(balance.line, `the user of line ${earlier} stands here again`);
    if (balances.length === MOST_ROWS) throw malformed(balance.line, `a file may have ${MOST_ROWS} rows; split it`);
    seen.set(balance.userId, balance.line);
    balances.push(balance);
  }
  if (balances.length === 0) throw malformed(2, 'there is no row');
  if (sumOf(balances) > MAX_MICROCREDITS) throw malformed(lines.length, 'the sum is too large to be exact');
  return balances;
}

/** The sum of the balances in microcredits. */
export function sumOf(balances: readonly Balance[]): number {
  return balances.reduce((sum, { microcredits }) => sum + microcredits, 0);
}

interface Columns {
  readonly count: number;
  readonly user: number;
  readonly amount: number;
  readonly isMicrocredits: boolean;
}

function columnsOf(names: readonly string[]): Columns {
  const user = names.indexOf('user_id');
  const [credits, microcredits] = [names.indexOf('balance'), names.indexOf('balance_microcredits')];
  if (user < 0 || credits < 0 === microcredits < 0) {
    throw malformed(1, 'it must name the column user_id and one of balance and balance_microcredits');
  }
  const isMicrocredits = credits < 0;
  return { count: names.length, user, amount: isMicrocredits ? microcredits : credits, isMicrocredits };
}

function balanceOf(row: string, line: number, columns: Columns): Balance {
  const cells = cellsOf(row);
  if (cells === undefined) throw malformed(line, 'a quotation mark is open or in the wrong place');
  if (cells.length !== columns.count) throw malformed(line, `it has ${cells.length} columns and not ${columns.count}`);
  const [userId = '', amount = ''] = [cells[columns.user], cells[columns.amount]];
  if (userId.trim() !== userId || userId === '' || userId.length > MOST_CHARACTERS || clean(userId) !== userId) {
    throw malformed(line, `user_id must have 1 to ${MOST_CHARACTERS} characters, without spaces around them`);
  }
  const microcredits = columns.isMicrocredits ? wholeOf(amount) : creditsOf(amount);
  if (microcredits === undefined) {
    const like = columns.isMicrocredits ? 'a whole number of microcredits' : 'a number of credits like 12.5';
    throw malformed(line, `"${clean(amount.slice(0, 40))}" is not ${like}, 0 or more`);
  }
  return { line, userId, microcredits };
}

/** Zeros beyond the sixth place, as a column `numeric(20,8)` prints them, say nothing. */
function creditsOf(text: string): number | undefined {
  const [, amount] = /^(\d{1,9}(?:\.\d{1,6})?)0*$/.exec(text) ?? [];
  return amount === undefined || /^\d{10,}$/.test(text) ? undefined : parseCredits(amount);
}

function wholeOf(text: string): number | undefined {
  return /^\d{1,16}$/.test(text) && Number(text) <= MAX_MICROCREDITS ? Number(text) : undefined;
}

function malformed(line: number, why: string) {
  return wrongUse(`Line ${line}: ${why}. Nothing was imported.`);
}

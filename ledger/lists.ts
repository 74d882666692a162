import type { HoldState } from '../contracts/states.ts';
import { defineList, idsOf, listPage, type Listed, NUMBERS, type Page } from '../store/pages.ts';
import type { Database } from '../store/database.ts';
import { t } from '../store/statement.ts';
import { ANY_LINE, STATEMENT_LINE, type StatementLine } from './statementLine.ts';

/** A hold, active or settled. */
export interface ListedHold {
  readonly id: string;
  readonly generationId: string;
  readonly state: HoldState;
  readonly amountMicrocredits: number;
  readonly createdAt: Date;
  readonly expiresAt: Date;
}

const TRANSACTIONS = defineList({
  name: 'transactions',
  select: `${STATEMENT_LINE} WHERE account_id = $1`,
  row: ANY_LINE,
  key: 'id',
  keys: NUMBERS,
});

/** Every movement of this account's credits. */
export async function listTransactions(
  db: Database,
  accountId: string,
  page: Page<number>,
): Promise<Listed<StatementLine>> {
  return listPage(db, TRANSACTIONS, accountId, page);
}

const HOLDS = defineList({
  name: 'holds',
  select: `SELECT id, generation_id AS "generationId", state, amount_microcredits AS "amountMicrocredits",
       placed_at AS "createdAt", expires_at AS "expiresAt" FROM holds WHERE account_id = $1`,
  row: {
    id: t.text,
    generationId: t.text,
    state: t.word<HoldState>(),
    amountMicrocredits: t.bigint,
    createdAt: t.timestamptz,
    expiresAt: t.timestamptz,
  },
  key: 'id',
  keys: idsOf('hold'),
});

/** Every hold of this account. */
export async function listHolds(db: Database, accountId: string, page: Page<string>): Promise<Listed<ListedHold>> {
  return listPage(db, HOLDS, accountId, page);
}

import type { HoldState } from '../contracts/states.ts';
import type { Listed, Page } from '../store/pages.ts';
import { AFTER_ALL_IDS, AFTER_ALL_NUMBERS, listPage } from '../store/pages.ts';
import type { Database } from '../store/database.ts';
import type { StatementLine } from './statement.ts';
import { STATEMENT_LINE } from './statementLine.ts';

/** A hold that is in force, or was. */
export interface ListedHold {
  readonly id: string;
  readonly generationId: string;
  readonly state: HoldState;
  readonly amountMicrocredits: number;
  readonly createdAt: Date;
  readonly expiresAt: Date;
}

/** Every movement of this account's credits. */
export async function listTransactions(
  db: Database,
  accountId: string,
  page: Page<number>,
): Promise<Listed<StatementLine>> {
  return listPage(
    db,
    'transactions',
    `${STATEMENT_LINE} WHERE account_id = $1`,
    'id',
    accountId,
    page,
    AFTER_ALL_NUMBERS,
  );
}

/** Every hold of this account. */
export async function listHolds(db: Database, accountId: string, page: Page<string>): Promise<Listed<ListedHold>> {
  return listPage(
    db,
    'holds',
    `SELECT id, generation_id AS "generationId", state, amount_microcredits AS "amountMicrocredits",
       placed_at AS "createdAt", expires_at AS "expiresAt" FROM holds WHERE account_id = $1`,
    'id',
    accountId,
    page,
    AFTER_ALL_IDS,
  );
}

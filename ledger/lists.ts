import type { HoldState } from '../contracts/states.ts';
import { defineList, idsOf, type List, listPage, type Listed, NUMBERS, type Page } from '../store/pages.ts';
import type { Database } from '../store/database.ts';
import { defineStatement, t } from '../store/statement.ts';
import { between, type MovementFilter, movementsOf } from './movements.ts';
import { ANY_LINE, LINE_COLUMNS, STATEMENT_LINE, type StatementLine } from './statementLine.ts';

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

const OF_GENERATION = defineList({
  name: 'generation_transactions',
  select: `SELECT ${LINE_COLUMNS} FROM ${movementsOf('$6')} WHERE ${between('$4', '$5')}`,
  row: ANY_LINE,
  key: 'id',
  keys: NUMBERS,
});

/**
 * Between two moments the index by time answers. A clock that was set back may have recorded a later movement at an earlier
 * time, so the order is by time and then by id; the page goes on behind the moment of its cursor.
 */
const listBetween = (order: 'asc' | 'desc') => {
  const [beyond, nearest, back, end] =
    order === 'asc' ? (['>', '<=', 'desc', '-infinity'] as const) : (['<', '>=', 'asc', 'infinity'] as const);
  return defineStatement({
    name: `list_transactions_between_${order}`,
    text: `${STATEMENT_LINE} WHERE ${between('$4', '$5')} AND (recorded_at, id) ${beyond} (COALESCE((
        SELECT c.recorded_at FROM journal_transactions c WHERE c.account_id = $1 AND c.id ${nearest} $2 ORDER BY c.id ${back} LIMIT 1), '${end}'), $2)
      ORDER BY recorded_at ${order}, id ${order} LIMIT $3`,
    row: ANY_LINE,
  });
};
const BETWEEN: List<StatementLine, number> = { asc: listBetween('asc'), desc: listBetween('desc'), ...NUMBERS };

/** The movements of this account's credits that match. */
export async function listTransactions(
  db: Database,
  accountId: string,
  page: Page<number>,
  { generationId, createdAfter, createdBefore }: MovementFilter = {},
): Promise<Listed<StatementLine>> {
  const range = [createdAfter ?? null, createdBefore ?? null];
  if (generationId !== undefined) return listPage(db, OF_GENERATION, accountId, page, [...range, generationId]);
  const isBetween = createdAfter !== undefined || createdBefore !== undefined;
  return isBetween ? listPage(db, BETWEEN, accountId, page, range) : listPage(db, TRANSACTIONS, accountId, page);
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

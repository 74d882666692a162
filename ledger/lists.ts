import type { HoldState } from '../contracts/states.ts';
import { boundedSearch } from '../store/boundedSearch.ts';
import { defineList, idsOf, type List, listPage, type Listed, NUMBERS, type Page } from '../store/pages.ts';
import type { Database } from '../store/database.ts';
import { defineStatement, t } from '../store/statement.ts';
import { between, hasTraits, type MovementFilter, movementsOf, TRAITS_TIMEOUT_MS, traitsOf } from './movements.ts';
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
  select: `SELECT ${LINE_COLUMNS} FROM ${movementsOf('$9')} WHERE ${between('$4', '$5')} AND ${hasTraits('$6', '$7', '$8')}`,
  row: ANY_LINE,
  key: 'id',
  keys: NUMBERS,
});

const WITH_TRAITS = defineList({
  name: 'transactions_with_traits',
  select: `${STATEMENT_LINE} WHERE ${between('$4', '$5')} AND ${hasTraits('$6', '$7', '$8')}`,
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

/** The movements of this account's credits that match. Raises `SearchTooBroad` for a kind, a model or a state. */
export async function listTransactions(
  db: Database,
  accountId: string,
  page: Page<number>,
  filter: MovementFilter = {},
): Promise<Listed<StatementLine>> {
  const { generationId, createdAfter, createdBefore } = filter;
  const range = [createdAfter ?? null, createdBefore ?? null];
  const traits = traitsOf(filter);
  const all = [...range, ...traits];
  if (generationId !== undefined) return listPage(db, OF_GENERATION, accountId, page, [...all, generationId]);
  if (traits.some((trait) => trait !== null)) {
    const search = (inside: Database) => listPage(inside, WITH_TRAITS, accountId, page, all);
    return boundedSearch(db, TRAITS_TIMEOUT_MS, search);
  }
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

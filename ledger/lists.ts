import type { Generation } from './generations.ts';
import type { Pool } from './pool.ts';
import { rows } from './query.ts';
import { SHOWN_GENERATION, STATEMENT_LINE } from './selections.ts';
import type { StatementLine } from './statement.ts';

/** A part of a list: what comes after that one, in this order. The lists are by id, and ids are by time. */
export interface Page<After extends string | number> {
  readonly limit: number;
  readonly order: 'asc' | 'desc';
  /** The last one of the page before; null: from the beginning. */
  readonly after: After | null;
}

export interface Listed<Item> {
  readonly items: readonly Item[];
  readonly hasMore: boolean;
}

/** A hold that is in force, or was. */
export interface ListedHold {
  readonly id: string;
  readonly generationId: string;
  readonly state: 'active' | 'captured' | 'released';
  readonly amountMicrocredits: number;
  readonly createdAt: Date;
  readonly expiresAt: Date;
}

/** An id of UUIDs sorts before this, whatever its time. */
const AFTER_ALL_IDS = '~';
const AFTER_ALL_NUMBERS = Number.MAX_SAFE_INTEGER;

/** The generations of this account that hold, or held, credits and were not deleted. */
export async function listGenerations(pool: Pool, accountId: string, page: Page<string>): Promise<Listed<Generation>> {
  const condition =
    "g.account_id = $1 AND g.kind = 'video' AND g.deleted_at IS NULL AND g.state IN ('held', 'charged', 'refunded')";
  return list(pool, 'generations', `${SHOWN_GENERATION} WHERE ${condition}`, 'g.id', accountId, page, AFTER_ALL_IDS);
}

/** Every movement of this account's credits. */
export async function listTransactions(
  pool: Pool,
  accountId: string,
  page: Page<number>,
): Promise<Listed<StatementLine>> {
  return list(
    pool,
    'transactions',
    `${STATEMENT_LINE} WHERE account_id = $1`,
    'id',
    accountId,
    page,
    AFTER_ALL_NUMBERS,
  );
}

/** Every hold of this account. */
export async function listHolds(pool: Pool, accountId: string, page: Page<string>): Promise<Listed<ListedHold>> {
  return list(
    pool,
    'holds',
    `SELECT id, generation_id AS "generationId", state, amount_microcredits AS "amountMicrocredits",
       placed_at AS "createdAt", expires_at AS "expiresAt" FROM holds WHERE account_id = $1`,
    'id',
    accountId,
    page,
    AFTER_ALL_IDS,
  );
}

/** One more than asked for is read, to know whether there is more. */
async function list<Item extends object, After extends string | number>(
  pool: Pool,
  what: string,
  select: string,
  key: string,
  accountId: string,
  { limit, order, after }: Page<After>,
  afterAll: After,
): Promise<Listed<Item>> {
  const ascending = order === 'asc';
  const statement = {
    name: `list_${what}_${order}`,
    text: `${select} AND ${key} ${ascending ? '>' : '<'} $2 ORDER BY ${key} ${ascending ? 'ASC' : 'DESC'} LIMIT $3`,
  };
  const beginning = ascending ? (typeof afterAll === 'number' ? 0 : '') : afterAll;
  const found = await rows<Item>(pool, statement, [accountId, after ?? beginning, limit + 1]);
  return { items: found.slice(0, limit), hasMore: found.length > limit };
}

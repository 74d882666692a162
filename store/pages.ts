import type { Database } from './database.ts';
import { rows } from './query.ts';

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

/** An id of UUIDs sorts before this, whatever its time. */
export const AFTER_ALL_IDS = '~';
export const AFTER_ALL_NUMBERS = Number.MAX_SAFE_INTEGER;

/** One more than asked for is read, to know whether there is more. */
export async function listPage<Item extends object, After extends string | number>(
  db: Database,
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
  const found = await rows<Item>(db, statement, [accountId, after ?? beginning, limit + 1]);
  return { items: found.slice(0, limit), hasMore: found.length > limit };
}

import type { Database } from './database.ts';
import { rows } from './query.ts';
import { defineStatement, type RowOfShape, type Shape, type Statement } from './statement.ts';

/** A page of a list: the rows after a given one, in this order. Lists are ordered by id, and ids by time. */
export interface Page<After extends string | number> {
  readonly limit: number;
  readonly order: 'asc' | 'desc';
  /** The last row of the previous page; null: from the beginning. */
  readonly after: After | null;
}

export interface Listed<Item> {
  readonly items: readonly Item[];
  readonly hasMore: boolean;
}

/** Values before and after every key of a list. */
interface Keys<After extends string | number> {
  readonly first: After;
  readonly last: After;
}

export const NUMBERS: Keys<number> = { first: 0, last: Number.MAX_SAFE_INTEGER };

/** The ids that begin with this prefix. They go on in hexadecimal digits, so a `g` sorts after them in every collation. */
export function idsOf(prefix: string): Keys<string> {
  return { first: `${prefix}_`, last: `${prefix}_g` };
}

export interface List<Row, After extends string | number> extends Keys<After> {
  readonly asc: Statement<Row>;
  readonly desc: Statement<Row>;
}

/** A list of an account, whose id is `$1` in the select; of something else where there are no accounts. */
export function defineList<const Of extends Shape, After extends string | number>(list: {
  readonly name: string;
  readonly select: string;
  readonly row: Of;
  /** The column that orders the list. */
  readonly key: string;
  readonly keys: Keys<After>;
}): List<RowOfShape<Of>, After> {
  const { name, select, row, key, keys } = list;
  const inOrder = (order: 'asc' | 'desc') =>
    defineStatement({
      name: `list_${name}_${order}`,
      text: `${select} AND ${key} ${order === 'asc' ? '>' : '<'} $2 ORDER BY ${key} ${order.toUpperCase()} LIMIT $3`,
      row,
    });
  return { asc: inOrder('asc'), desc: inOrder('desc'), ...keys };
}

/** Reads one row more than requested, to know whether there are more. `more`: the values from `$4` on. */
export async function listPage<Row, After extends string | number>(
  db: Database,
  list: List<Row, After>,
  accountId: string | null,
  { limit, order, after }: Page<After>,
  more: readonly unknown[] = [],
): Promise<Listed<Row>> {
  const beginning = order === 'asc' ? list.first : list.last;
  const found = await rows(db, list[order], [accountId, after ?? beginning, limit + 1, ...more]);
  return { items: found.slice(0, limit), hasMore: found.length > limit };
}

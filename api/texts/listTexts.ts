import type { TextKind } from '../../contracts/ids.ts';
import type { ApiDependencies } from '../http/deps.ts';
import { type ListQuery, toList } from '../http/listing.ts';
import { toText } from './textObject.ts';

/** A page of an account's scripts or threads. */
export async function listTexts(
  { store }: { readonly store: Pick<ApiDependencies['store'], 'listTexts'> },
  accountId: string,
  kind: TextKind,
  query: ListQuery,
) {
  const { limit, order, after = null } = query;
  const { items, hasMore } = await store.listTexts(accountId, kind, { limit, order, after });
  return toList(items.map(toText), hasMore);
}

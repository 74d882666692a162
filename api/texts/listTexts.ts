import type { TextKind } from '../../contracts/ids.ts';
import type { ApiDependencies } from '../http/deps.ts';
import { type LabelledListQuery, toLabels } from '../generations/labels.ts';
import { addFilter, refuseTooBroad } from '../generations/tooBroad.ts';
import { toList } from '../http/listing.ts';
import { toText } from './textObject.ts';

/** A page of an account's scripts or threads. */
export async function listTexts(
  { store }: { readonly store: Pick<ApiDependencies['store'], 'listTexts'> },
  accountId: string,
  kind: TextKind,
  query: LabelledListQuery,
) {
  const { limit, order, after = null, ...labels } = query;
  const page = store.listTexts(accountId, kind, { limit, order, after }, toLabels(labels));
  const { items, hasMore } = await page.catch(refuseTooBroad('generations', addFilter('user alone')));
  return toList(items.map(toText), hasMore);
}

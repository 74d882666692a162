import { canonicalVideoId } from '../contracts/providerVideoId.ts';
import type { GenerationKind } from '../contracts/ids.ts';
import type { PaidState } from '../contracts/states.ts';
import { boundedSearch } from './boundedSearch.ts';
import type { Database } from './database.ts';
import { translateError } from './errors.ts';
import type { Labels } from './labels.ts';
import { idsOf, type Listed, type Page } from './pages.ts';

/** An operator's search for generations, over one account or all. */
export interface GenerationSearch {
  readonly kinds: readonly GenerationKind[];
  readonly id?: string | undefined;
  readonly accountId?: string | undefined;
  /** The key that asked for it. */
  readonly apiKeyId?: string | undefined;
  readonly state?: PaidState | undefined;
  readonly errorCode?: string | undefined;
  /** In any spelling. */
  readonly providerVideoId?: string | undefined;
  /** Those that it must have. */
  readonly labels?: Labels | undefined;
  /** From this moment on. */
  readonly createdAfter?: Date | undefined;
  /** Up to, but not including, this moment. */
  readonly createdBefore?: Date | undefined;
}

/** A search that needs longer is given up: no operator's question may slow down what customers wait for. */
const SEARCH_TIMEOUT_MS = 3000;

/** The clocks of the APIs, which make the ids, and of the database may differ by this. */
const CLOCKS_DIFFER_MS = 24 * 3600 * 1000;

/**
 * The ids of the generations that hold, or held, credits and match all filters, by the time of their ids; deleted ones too.
 * Raises `SearchTooBroad`.
 */
export async function searchGenerations(
  db: Database,
  search: GenerationSearch,
  page: Page<string>,
): Promise<Listed<string>> {
  const { text, values } = searchStatement(search, page);
  // Without a name, so that the server plans each search for its own values.
  const found = await boundedSearch(db, SEARCH_TIMEOUT_MS, ({ query }) =>
    query<{ id: string }>({ text, values }).catch((error: unknown) => {
      throw translateError(error);
    }),
  );
  const ids = found.rows.map(({ id }) => id);
  return { items: ids.slice(0, page.limit), hasMore: ids.length > page.limit };
}

function searchStatement(search: GenerationSearch, { limit, order, after }: Page<string>) {
  const values: unknown[] = [];
  const value = (of: unknown) => `$${values.push(of)}`;
  const conditions = [
    search.state === undefined ? `g.state IN ('held', 'charged', 'released')` : `g.state = ${value(search.state)}`,
    ...(search.id === undefined ? [] : [`g.id = ${value(search.id)}`]),
    ...(search.accountId === undefined ? [] : [`g.account_id = ${value(search.accountId)}`]),
    ...(search.apiKeyId === undefined ? [] : [ofKey(value(search.apiKeyId))]),
    ...(search.errorCode === undefined ? [] : [`g.error_code = ${value(search.errorCode)}`]),
    ...(search.providerVideoId === undefined
      ? []
      : [`g.provider_canonical_id = ${value(canonicalVideoId(search.providerVideoId))}`]),
    ...labelsOf(search).map(
      ([name, label]) => `EXISTS (SELECT FROM generation_labels l WHERE l.generation_id = g.id
      AND l.account_id = g.account_id AND l.name = ${value(name)} AND l.value = ${value(label)})`,
    ),
    ...(search.createdAfter === undefined ? [] : [`g.requested_at >= ${value(search.createdAfter)}`]),
    ...(search.createdBefore === undefined ? [] : [`g.requested_at < ${value(search.createdBefore)}`]),
  ].join(' AND ');
  const most = value(limit + 1);
  // Ids begin with their kind, and only within a kind they are in the order of time: a page of each, from which the page is made.
  const pages = search.kinds.map((kind) => {
    const { first, last } = rangeOf(kind, search, { order, after });
    return `(SELECT g.id FROM generations g WHERE g.id > ${value(first)} AND g.id < ${value(last)} AND ${conditions}
      ORDER BY g.id ${order} LIMIT ${most})`;
  });
  return {
    text: `SELECT id FROM (${pages.join(' UNION ALL ')}) AS page ORDER BY right(id, 32) ${order} LIMIT ${most}`,
    values,
  };
}

/** Of one account, as all of a key's are: the index by account finds them. */
const ofKey = (apiKeyId: string) =>
  `g.account_id = (SELECT k.account_id FROM api_keys k WHERE k.id = ${apiKeyId}) AND g.api_key_id = ${apiKeyId}`;

/** As `generation_labels` has them: `user` has no name. */
function labelsOf({ labels = { user: null, metadata: {} } }: GenerationSearch): (readonly [string, string])[] {
  const { user, metadata } = labels;
  return [...(user === null ? [] : [['', user] as const]), ...Object.entries(metadata)];
}

/** The ids of a kind that a page can have are after the first and before the last of these. */
function rangeOf(
  kind: GenerationKind,
  { createdAfter, createdBefore }: GenerationSearch,
  { order, after }: Pick<Page<string>, 'order' | 'after'>,
) {
  const all = idsOf(kind);
  const idAt = (ms: number) => `${kind}_${Math.max(0, ms).toString(16).padStart(12, '0')}`;
  const lowest = createdAfter === undefined ? all.first : idAt(createdAfter.getTime() - CLOCKS_DIFFER_MS);
  const highest = createdBefore === undefined ? all.last : idAt(createdBefore.getTime() + CLOCKS_DIFFER_MS);
  const cursor = after === null ? undefined : `${kind}_${hexOf(after)}`;
  if (cursor === undefined) return { first: lowest, last: highest };
  return order === 'asc'
    ? { first: cursor > lowest ? cursor : lowest, last: highest }
    : { first: lowest, last: cursor < highest ? cursor : highest };
}

const hexOf = (id: string) => id.slice(id.indexOf('_') + 1);

import { wrongUse } from '../../failure.ts';
import type { Api, Query } from '../../http/api.ts';
import { clean } from '../../output/clean.ts';
import type { Output } from '../../output/output.ts';

/** The most that the API puts on a page of CSV. */
const PAGE = '10000';

/** Prints all pages as one table: later ones come without the names of the columns. */
export async function printCsv(api: Api, output: Output, path: string, filter: Query): Promise<undefined> {
  if (output.isJson) throw wrongUse('--csv and --json are two forms: choose one of them.');
  let query: Query | undefined = { ...filter, limit: PAGE, order: 'asc' };
  for (let page = 0; query !== undefined; page++) {
    const answer = await api.open({ path, query, headers: { accept: 'text/csv' } });
    const text = await answer.text();
    output.raw(clean(page === 0 ? text : text.slice(text.indexOf('\n') + 1)));
    query = nextQuery(answer.headers.get('link'));
  }
  return undefined;
}

/** Of a header `<path?query>; rel="next"`. */
function nextQuery(link: string | null): Query | undefined {
  const query = /^<[^?>]*\?([^>]*)>; rel="next"$/.exec(link ?? '')?.[1];
  return query === undefined ? undefined : Object.fromEntries(new URLSearchParams(query));
}

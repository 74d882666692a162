import type { Context } from 'hono';
import { accepts } from 'hono/accepts';
import { CSV_HEADER, toCsv } from '../../ledger/index.ts';
import { toDate } from '../http/createdFilter.ts';
import type { ApiDependencies, Env } from '../http/deps.ts';
import { SHOWN_STATES } from '../generations/creditsObject.ts';
import { providerNames } from '../generations/providerNames.ts';
import { addFilter, refuseTooBroad } from '../generations/tooBroad.ts';
import { invalid } from '../http/errors.ts';
import { type ListQuery, MAXIMUM_LIMIT, toList } from '../http/listing.ts';
import type { TransactionsQuery } from './lists.ts';
import { toOffer } from './offer.ts';
import { toHold, toPrice, toTextPrice, toTotals, toTransaction } from './objects.ts';

type Dependencies = Pick<ApiDependencies, 'ledger'>;

export function acceptsCsv(c: Context<Env>): boolean {
  const json = 'application/json';
  return accepts(c, { header: 'Accept', supports: [json, 'text/csv'], default: json }) === 'text/csv';
}

/** Only CSV has longer pages. */
export function requirePageOfJson({ limit }: TransactionsQuery): void {
  if (limit > MAXIMUM_LIMIT) throw invalid('limit', `must be at most ${MAXIMUM_LIMIT}, except as CSV`);
}

export async function listTransactions({ ledger }: Dependencies, accountId: string, query: TransactionsQuery) {
  requirePageOfJson(query);
  const filter = filterOf(query);
  const { items, hasMore } = await ledger.listTransactions(accountId, pageOf(query), filter).catch(tooBroad);
  const totals = await ledger.getTotals(accountId, filter).catch(tooBroad);
  return { ...toList(items.map(toTransaction), hasMore), totals: toTotals(totals) };
}

/** A page of CSV is read in batches, between which other requests are served, and ends early where it grows large. */
const CSV_BATCH = 500;
const MAXIMUM_CSV_BYTES = 8 * 1024 * 1024;

export async function transactionsAsCsv(
  { ledger }: Dependencies,
  c: Context<Env>,
  accountId: string,
  query: TransactionsQuery,
) {
  const filter = filterOf(query);
  const chunks = [CSV_HEADER];
  let [{ after }, left, bytes, hasMore] = [pageOf(query), query.limit, 0, true];
  while (hasMore && left > 0 && bytes < MAXIMUM_CSV_BYTES) {
    const page = { order: query.order, limit: Math.min(left, CSV_BATCH), after };
    const listed = await ledger.listTransactions(accountId, page, filter).catch(tooBroad);
    const chunk = toCsv(listed.items);
    chunks.push(chunk);
    after = listed.items.at(-1)?.transactionId ?? after;
    [left, bytes, hasMore] = [left - listed.items.length, bytes + Buffer.byteLength(chunk), listed.hasMore];
  }
  // CSV has no field for `has_more`, so a Link header leads to the next page.
  if (hasMore && query.limit > 0) c.header('link', `<${c.req.path}?${nextQuery(query, after)}>; rel="next"`);
  return c.body(chunks.join(''), 200, { 'content-type': 'text/csv; charset=utf-8' });
}

/** Transactions are numbered, so their cursor is a number. */
function pageOf({ limit, order, after }: TransactionsQuery) {
  return { limit, order, after: after === undefined ? null : Number(after) };
}

function filterOf(query: TransactionsQuery) {
  const { created_after, created_before, generation_id: generationId, kind, model, state } = query;
  const range = { createdAfter: toDate(created_after), createdBefore: toDate(created_before) };
  return {
    ...range,
    generationId,
    kind,
    model,
    state: state === SHOWN_STATES.released ? ('released' as const) : state,
  };
}

const tooBroad = refuseTooBroad(
  'movements',
  addFilter('generation_id, or a shorter time between created_after and created_before'),
);

function nextQuery({ limit, order, after: _, ...filters }: TransactionsQuery, after: number | null): string {
  const given = Object.entries({ limit, order, after, ...filters }).filter(([, value]) => value !== undefined);
  return new URLSearchParams(given.map(([name, value]): [string, string] => [name, String(value)])).toString();
}

export async function listHolds({ ledger }: Dependencies, accountId: string, query: ListQuery) {
  const { limit, order, after = null } = query;
  const { items, hasMore } = await ledger.listHolds(accountId, { limit, order, after });
  return toList(items.map(toHold), hasMore);
}

export async function listPrices(deps: Pick<ApiDependencies, 'ledger' | 'providers'>) {
  const [{ ledger }, providers] = [deps, providerNames(deps)];
  const [prices, textPrices, offers] = await Promise.all([
    ledger.listPrices(providers),
    ledger.listTextPrices(providers),
    ledger.listOffers(providers),
  ]);
  const data = [...prices.map(toPrice), ...textPrices.map(toTextPrice)];
  return { object: 'list' as const, data, offers: offers.map(toOffer) };
}

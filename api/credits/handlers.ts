import type { Context } from 'hono';
import { accepts } from 'hono/accepts';
import { toCsv } from '../../ledger/index.ts';
import type { ApiDependencies, Env } from '../http/deps.ts';
import { providerNames } from '../generations/providerNames.ts';
import { type ListQuery, toList } from '../http/listing.ts';
import { toOffer } from './offer.ts';
import { toHold, toPrice, toTextPrice, toTotals, toTransaction } from './objects.ts';

type Dependencies = Pick<ApiDependencies, 'ledger'>;

export function acceptsCsv(c: Context<Env>): boolean {
  const json = 'application/json';
  return accepts(c, { header: 'Accept', supports: [json, 'text/csv'], default: json }) === 'text/csv';
}

export async function listTransactions({ ledger }: Dependencies, accountId: string, query: ListQuery) {
  const { items, hasMore } = await ledger.listTransactions(accountId, pageOf(query));
  const totals = await ledger.getTotals(accountId);
  return { ...toList(items.map(toTransaction), hasMore), totals: toTotals(totals) };
}

export async function transactionsAsCsv(
  { ledger }: Dependencies,
  c: Context<Env>,
  accountId: string,
  query: ListQuery,
) {
  const { items, hasMore } = await ledger.listTransactions(accountId, pageOf(query));
  // CSV has no field for `has_more`, so a Link header leads to the next page.
  const after = items.at(-1)?.transactionId;
  const next = `${c.req.path}?limit=${query.limit}&order=${query.order}&after=${after}`;
  if (hasMore && after !== undefined) c.header('link', `<${next}>; rel="next"`);
  return c.body(toCsv(items), 200, { 'content-type': 'text/csv; charset=utf-8' });
}

/** Transactions are numbered, so their cursor is a number. */
function pageOf({ limit, order, after }: ListQuery) {
  return { limit, order, after: after === undefined ? null : Number(after) };
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

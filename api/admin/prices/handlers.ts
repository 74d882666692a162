import type { Context } from 'hono';
import type { PriceChange } from '../../../ledger/index.ts';
import { LedgerError } from '../../../store/index.ts';
import type { ApiDependencies, Env } from '../../http/deps.ts';
import { ApiError } from '../../http/errors.ts';
import { keyReused, markReplayed, requireIdempotencyKey } from '../../http/idempotencyKey.ts';
import { unixSeconds } from '../../http/schemas.ts';
import type { OfferSet, PriceSet, SetOffer, SetPrice, SetTextPrice, TextPriceSet } from './objects.ts';

type Dependencies = Pick<ApiDependencies, 'ledger'>;

export async function setPrice({ ledger }: Dependencies, c: Context<Env>, body: SetPrice): Promise<PriceSet> {
  const { model, size, cost_per_second_microcredits: costPerSecondMicrocredits } = body;
  const idempotencyKey = requireIdempotencyKey(c.req.header('idempotency-key'));
  const set = await confirmed(
    c,
    ledger.setPrice({ model, size, costPerSecondMicrocredits, ...termsOf(body), idempotencyKey }),
  );
  return { object: 'price', id: set.priceId, model, size, effective_from: unixSeconds(set.effectiveFrom) };
}

export async function setTextPrice(
  { ledger }: Dependencies,
  c: Context<Env>,
  body: SetTextPrice,
): Promise<TextPriceSet> {
  const { model } = body;
  const costs = {
    inputCostMicrocredits: body.input_cost_microcredits_per_million_tokens,
    outputCostMicrocredits: body.output_cost_microcredits_per_million_tokens,
  };
  const providedBy = { provider: body.provider, providerModel: body.provider_model, forSale: body.for_sale };
  const idempotencyKey = requireIdempotencyKey(c.req.header('idempotency-key'));
  const set = await confirmed(
    c,
    ledger.setTextPrice({ model, ...costs, ...providedBy, ...termsOf(body), idempotencyKey }),
  );
  return { object: 'text_price', id: set.priceId, model, effective_from: unixSeconds(set.effectiveFrom) };
}

export async function setOffer({ ledger }: Dependencies, c: Context<Env>, body: SetOffer): Promise<OfferSet> {
  const { model, effective_from: from, ...terms } = body;
  const idempotencyKey = requireIdempotencyKey(c.req.header('idempotency-key'));
  const set = await confirmed(c, ledger.setOffer({ model, terms, effectiveFrom: toMoment(from), idempotencyKey }));
  return { object: 'offer', id: set.priceId, model, effective_from: unixSeconds(set.effectiveFrom) };
}

function toMoment(from: number | undefined): Date | null {
  return from === undefined ? null : new Date(from * 1000);
}

function termsOf({ margin_basis_points: marginBasisPoints, effective_from: from }: SetPrice | SetTextPrice) {
  return { marginBasisPoints, effectiveFrom: toMoment(from) };
}

/** The change that was made. Raises `ApiError` if none was. */
async function confirmed(
  c: Context<Env>,
  change: Promise<PriceChange>,
): Promise<Extract<PriceChange, { outcome: 'set' }>> {
  const set = await change.catch((error: unknown) => {
    if (!(error instanceof LedgerError) || error.code !== 'constraint') throw error;
    throw new ApiError('invalid_request', 'The price is out of range, or the offer is not well-formed.');
  });
  switch (set.outcome) {
    case 'set':
      if (set.replayed) markReplayed(c);
      return set;
    case 'key_reused':
      throw keyReused();
    case 'in_the_past':
      throw priceConflict('is in the past');
    case 'already_set':
      throw priceConflict('is the time at which another price takes effect');
  }
}

function priceConflict(why: string): ApiError {
  return new ApiError('price_conflict', `effective_from ${why}.`, { param: 'effective_from' });
}

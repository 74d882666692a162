import { z } from '@hono/zod-openapi';
import type { GenerationKind } from '../../contracts/ids.ts';
import { formatCredits } from '../../contracts/money.ts';
import type { Caller, Generation } from '../../store/index.ts';
import { inputBoundTokens, maxOutputTokens, type TextRequest } from '../../provider/index.ts';
import { notClaimable } from '../videos/claimVideo.ts';
import type { ApiDependencies } from '../http/deps.ts';
import { type ApiError, notFound } from '../http/errors.ts';
import { salesClosed } from './sales.ts';
import { overSpendLimit } from './spendLimit.ts';
import type { Order } from './startGeneration.ts';
import { inadmissible, refusalOf, exceedsMaxCredits } from './startGeneration.ts';
import type { VideoRequest } from '../videos/videoRequest.ts';

/** The query of a POST that costs money; what is not known is not passed over, for it might be what keeps from paying. */
export const payingQuery = z.strictObject({
  dry_run: z
    .enum(['true', 'false'])
    .default('false')
    .openapi({ description: 'With true, answers what it would cost and whether it would be accepted; makes nothing.' }),
});

/** What a POST would cost, and whether it would be accepted. */
export const Quote = z
  .object({
    object: z.enum(['video.quote', 'script.quote', 'thread.quote']),
    would_be_accepted: z.boolean(),
    amount_microcredits: z.number().int(),
    amount: z.string(),
    available_microcredits: z.number().int(),
    error: z.object({ code: z.string(), message: z.string() }).nullable(),
  })
  .openapi('Quote', {
    example: {
      object: 'video.quote',
      would_be_accepted: true,
      amount_microcredits: 571429,
      amount: '0.571429',
      available_microcredits: 10000000,
      error: null,
    },
  });

export type Quote = z.infer<typeof Quote>;

/** Of a create or a remix. Raises `invalid_request` for what is not offered. */
export async function quoteVideo(deps: ApiDependencies, caller: Caller, request: VideoRequest): Promise<Quote> {
  const prices = await deps.ledger.listPrices([request.seconds]);
  const ofModel = prices.filter(({ model }) => model === request.model);
  const price = ofModel.find(({ size }) => size === request.size);
  if (price === undefined) throw inadmissible(ofModel.length === 0 ? 'unknown_model' : 'unknown_size');
  return quote(deps, caller, 'video', price.amountMicrocredits, request.maxMicrocredits);
}

/** Of a script or a thread: the most that it can cost. Raises `invalid_request` for an unknown model. */
export async function quoteText(
  deps: ApiDependencies,
  caller: Caller,
  request: TextRequest,
  maxMicrocredits: number | null,
): Promise<Quote> {
  const bounds = { inputBoundTokens: inputBoundTokens(request), maxOutputTokens: maxOutputTokens(request) };
  const amount = await deps.ledger.getTextPrice({ model: request.model, ...bounds });
  if (amount === undefined) throw inadmissible('unknown_model');
  return quote(deps, caller, request.kind, amount, maxMicrocredits);
}

/** Of a claim; what is claimed already costs nothing more. */
export async function quoteClaim(
  deps: ApiDependencies,
  caller: Caller,
  original: Generation,
  { generationId, fingerprint, maxMicrocredits }: Pick<Order, 'generationId' | 'fingerprint' | 'maxMicrocredits'>,
): Promise<Quote> {
  const claim = await deps.ledger.claimGeneration({
    generationId,
    claimOf: original.id,
    apiKeyId: caller.apiKeyId,
    accountId: caller.accountId,
    admitWithinMs: 0,
    fingerprint,
    idempotencyKey: null,
    dryRun: true,
  });
  if (claim.outcome === 'unknown') throw notFound('This video');
  const isClaimed = claim.outcome === 'replay' || claim.outcome === 'pending';
  if (isClaimed) return quote(deps, caller, 'video', 0, null);
  const refusal = claim.outcome === 'not_claimable' ? notClaimable() : undefined;
  return quote(deps, caller, 'video', original.amountMicrocredits, maxMicrocredits, refusal);
}

/** Looks, and makes nothing: the answer may be another a moment later. */
async function quote(
  deps: ApiDependencies,
  caller: Caller,
  kind: GenerationKind,
  amountMicrocredits: number,
  maxMicrocredits: number | null,
  refusal?: ApiError,
): Promise<Quote> {
  const [balance, sales] = await Promise.all([deps.ledger.getBalance(caller.accountId), deps.ledger.getSales()]);
  const error = refusal ?? (amountMicrocredits === 0 ? null : await refused());
  return {
    object: `${kind}.quote`,
    would_be_accepted: error === null,
    amount_microcredits: amountMicrocredits,
    amount: formatCredits(amountMicrocredits),
    available_microcredits: balance.availableMicrocredits,
    error: error === null ? null : { code: error.code, message: error.message },
  };

  async function refused(): Promise<ApiError | null> {
    if (!sales.open) return salesClosed(deps);
    if (maxMicrocredits !== null && amountMicrocredits > maxMicrocredits) {
      return exceedsMaxCredits(amountMicrocredits, maxMicrocredits, kind);
    }
    const because = (code: Parameters<typeof refusalOf>[3]) => refusalOf(deps, caller, amountMicrocredits, code, kind);
    if (balance.isFrozen) return because('account_frozen');
    if (balance.availableMicrocredits < amountMicrocredits) return because('insufficient_credits');
    if (balance.activeGenerations >= balance.maxActiveGenerations) return because('too_many_active_generations');
    return (await overSpendLimit(deps, caller, amountMicrocredits, kind)) ?? null;
  }
}

import { z } from '@hono/zod-openapi';
import { formatCredits } from '../contracts/money.ts';
import type { Caller } from '../ledger/index.ts';
import type { ApiDependencies } from './deps.ts';
import type { ApiError } from './errors.ts';
import { salesClosed } from './sales.ts';
import { overSpendLimit } from './spendLimit.ts';
import { inadmissible, refusalOf, tooDear } from './startGeneration.ts';
import type { VideoRequest } from './videoRequest.ts';

/** What a create would cost, and whether it would be accepted. */
export const Quote = z
  .object({
    object: z.literal('video.quote'),
    would_be_accepted: z.boolean(),
    amount_microcredits: z.number().int(),
    amount: z.string(),
    available_microcredits: z.number().int(),
    error: z.object({ code: z.string(), message: z.string() }).nullable(),
  })
  .openapi('VideoQuote', {
    example: {
      object: 'video.quote',
      would_be_accepted: true,
      amount_microcredits: 571429,
      amount: '0.571429',
      available_microcredits: 10000000,
      error: null,
    },
  });

/** Looks, and makes nothing: the answer may be another a moment later. Raises `invalid_request` for what is not offered. */
export async function quote(
  deps: ApiDependencies,
  caller: Caller,
  request: VideoRequest,
): Promise<z.infer<typeof Quote>> {
  const [prices, balance, sales] = await Promise.all([
    deps.ledger.listPrices([request.seconds]),
    deps.ledger.getBalance(caller.accountId),
    deps.ledger.getSales(),
  ]);
  const ofModel = prices.filter(({ model }) => model === request.model);
  const price = ofModel.find(({ size }) => size === request.size);
  if (price === undefined) throw inadmissible(ofModel.length === 0 ? 'unknown_model' : 'unknown_size');
  const { amountMicrocredits } = price;
  const error = await refusal();
  return {
    object: 'video.quote',
    would_be_accepted: error === null,
    amount_microcredits: amountMicrocredits,
    amount: formatCredits(amountMicrocredits),
    available_microcredits: balance.availableMicrocredits,
    error: error === null ? null : { code: error.code, message: error.message },
  };

  async function refusal(): Promise<ApiError | null> {
    if (!sales.open) return salesClosed(deps);
    const { maxMicrocredits } = request;
    if (maxMicrocredits !== null && amountMicrocredits > maxMicrocredits) {
      return tooDear(amountMicrocredits, maxMicrocredits, 'video');
    }
    if (balance.isFrozen) return refusalOf(deps, caller, amountMicrocredits, 'account_frozen');
    if (balance.availableMicrocredits < amountMicrocredits) {
      return refusalOf(deps, caller, amountMicrocredits, 'insufficient_credits');
    }
    if (balance.activeGenerations >= balance.maxActiveGenerations) {
      return refusalOf(deps, caller, amountMicrocredits, 'too_many_active_generations');
    }
    return (await overSpendLimit(deps, caller, amountMicrocredits)) ?? null;
  }
}

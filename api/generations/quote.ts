import { z } from '@hono/zod-openapi';
import type { GenerationKind } from '../../contracts/ids.ts';
import { formatCredits } from '../../contracts/money.ts';
import type { Caller } from '../../store/index.ts';
import type { ApiDependencies } from '../http/deps.ts';
import { type ApiError, messageOf } from '../http/errors.ts';
import { orNull } from '../http/schemas.ts';
import { GenerationError } from './creditsObject.ts';
import {
  accountFrozen,
  exceedsMaxCredits,
  insufficientCredits,
  providerDown,
  providerFull,
  salesClosed,
  tooManyActive,
} from './refusals.ts';
import { overSpendLimit } from './spendLimit.ts';

/** The price of a request, and whether it would be accepted. */
export const Quote = z
  .object({
    object: z.enum(['video.quote', 'script.quote', 'thread.quote']),
    would_be_accepted: z.boolean(),
    amount_microcredits: z.number().int(),
    amount: z.string(),
    available_microcredits: z.number().int(),
    error: orNull(GenerationError),
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

interface Known {
  /** Stands before every other reason to refuse. */
  readonly refusal?: ApiError | undefined;
  readonly isProviderDown?: boolean;
  readonly isProviderFull?: boolean;
}

/** Reads only, so the result may be outdated a moment later. */
export async function quote(
  deps: ApiDependencies,
  caller: Caller,
  kind: GenerationKind,
  amountMicrocredits: number,
  maxMicrocredits: number | null,
  { refusal, isProviderDown = false, isProviderFull = false }: Known = {},
): Promise<Quote> {
  const [balance, sales] = await Promise.all([deps.ledger.getBalance(caller.accountId), deps.ledger.getSales()]);
  const error = refusal ?? (amountMicrocredits === 0 ? null : await refused());
  return {
    object: `${kind}.quote`,
    would_be_accepted: error === null,
    amount_microcredits: amountMicrocredits,
    amount: formatCredits(amountMicrocredits),
    available_microcredits: balance.availableMicrocredits,
    error: error === null ? null : { code: error.code, message: messageOf(error, 'paying') },
  };

  async function refused(): Promise<ApiError | null> {
    if (!sales.open) return salesClosed(sales);
    if (isProviderDown) return providerDown();
    if (maxMicrocredits !== null && amountMicrocredits > maxMicrocredits) {
      return exceedsMaxCredits(amountMicrocredits, maxMicrocredits, kind);
    }
    if (balance.frozenAt !== null) return accountFrozen(balance, amountMicrocredits);
    if (balance.availableMicrocredits < amountMicrocredits) {
      return insufficientCredits(balance, amountMicrocredits, kind);
    }
    if (isProviderFull) return providerFull();
    if (balance.activeGenerations >= balance.maxActiveGenerations) return tooManyActive(balance, amountMicrocredits);
    return (await overSpendLimit(deps, caller, amountMicrocredits, kind)) ?? null;
  }
}

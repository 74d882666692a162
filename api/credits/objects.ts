import { z } from '@hono/zod-openapi';
import { formatCredits } from '../../contracts/money.ts';
import type * as ledger from '../../ledger/index.ts';
import { shownLabels } from '../generations/labels.ts';
import { EXAMPLE, pageOf } from '../http/examples.ts';
import { listOf } from '../http/listing.ts';
import { Offer } from './offer.ts';
import { microcredits, unixSeconds, unixTime } from '../http/schemas.ts';

export const Credits = z
  .object({
    object: z.literal('credits'),
    account_id: z.string(),
    available_microcredits: microcredits,
    available: z.string(),
    held_microcredits: microcredits,
    held: z.string(),
  })
  .openapi('Credits', { example: EXAMPLE.credits });

export function toCredits(accountId: string, balance: ledger.Balance): z.infer<typeof Credits> {
  return {
    object: 'credits',
    account_id: accountId,
    available_microcredits: balance.availableMicrocredits,
    available: formatCredits(balance.availableMicrocredits),
    held_microcredits: balance.heldMicrocredits,
    held: formatCredits(balance.heldMicrocredits),
  };
}

export const MOVEMENT_KINDS = ['grant', 'claw_back', 'hold', 'capture', 'release', 'refund'] as const;

const Transaction = z
  .object({
    id: z.string(),
    object: z.literal('credit_transaction'),
    kind: z.enum(MOVEMENT_KINDS),
    generation_id: z.string().nullable(),
    reason: z.string().nullable().openapi({
      description:
        'Of a grant, a claw-back and a refund, what the operator gave as its reason; of a release, the error code of the generation.',
    }),
    available_change_microcredits: microcredits,
    available_change: z.string(),
    held_change_microcredits: microcredits,
    held_change: z.string(),
    available_microcredits: microcredits,
    available: z.string(),
    held_microcredits: microcredits,
    held: z.string(),
    charged_microcredits: microcredits.openapi({
      description: 'What it charged, below zero for a refund: the sum is what was paid.',
    }),
    charged: z.string(),
    ...shownLabels,
    created_at: unixTime,
  })
  .openapi('CreditTransaction', { example: EXAMPLE.creditTransaction });

export const Totals = z
  .object({
    granted_microcredits: microcredits,
    clawed_back_microcredits: microcredits,
    charged_microcredits: microcredits,
    refunded_microcredits: microcredits,
  })
  .openapi('CreditTotals');

export const Transactions = listOf(Transaction)
  .extend({ totals: Totals })
  .openapi('CreditTransactionList', {
    example: { ...pageOf(EXAMPLE.creditTransaction), totals: EXAMPLE.creditTotals },
  });

export function toTransaction(line: ledger.StatementLine): z.infer<typeof Transaction> {
  return {
    id: String(line.transactionId),
    object: 'credit_transaction',
    kind: line.kind,
    generation_id: line.generationId,
    reason: line.reason,
    available_change_microcredits: line.availableMicrocredits,
    available_change: formatCredits(line.availableMicrocredits),
    held_change_microcredits: line.heldMicrocredits,
    held_change: formatCredits(line.heldMicrocredits),
    available_microcredits: line.availableAfterMicrocredits,
    available: formatCredits(line.availableAfterMicrocredits),
    held_microcredits: line.heldAfterMicrocredits,
    held: formatCredits(line.heldAfterMicrocredits),
    charged_microcredits: line.chargedMicrocredits,
    charged: formatCredits(line.chargedMicrocredits),
    user: line.user,
    metadata: { ...line.metadata },
    created_at: unixSeconds(line.recordedAt),
  };
}

export function toTotals(totals: ledger.StatementTotals): z.infer<typeof Totals> {
  return {
    granted_microcredits: totals.grantedMicrocredits,
    clawed_back_microcredits: totals.clawedBackMicrocredits,
    charged_microcredits: totals.chargedMicrocredits,
    refunded_microcredits: totals.refundedMicrocredits,
  };
}

export const Hold = z
  .object({
    id: z.string(),
    object: z.literal('credit_hold'),
    generation_id: z.string(),
    state: z.enum(['active', 'captured', 'released']),
    amount_microcredits: microcredits,
    amount: z.string(),
    created_at: unixTime,
    expires_at: unixTime,
  })
  .openapi('CreditHold', { example: EXAMPLE.creditHold });

export function toHold(hold: ledger.ListedHold): z.infer<typeof Hold> {
  return {
    id: hold.id,
    object: 'credit_hold',
    generation_id: hold.generationId,
    state: hold.state,
    amount_microcredits: hold.amountMicrocredits,
    amount: formatCredits(hold.amountMicrocredits),
    created_at: unixSeconds(hold.createdAt),
    expires_at: unixSeconds(hold.expiresAt),
  };
}

export const Price = z
  .object({
    object: z.literal('price'),
    model: z.string(),
    size: z.string(),
    seconds: z.string(),
    amount_microcredits: microcredits,
    amount: z.string(),
  })
  .openapi('Price');
export const TextPrice = z
  .object({
    object: z.literal('text_price'),
    model: z.string(),
    input_microcredits_per_million_tokens: microcredits,
    output_microcredits_per_million_tokens: microcredits,
  })
  .openapi('TextPrice');

export const PriceList = z
  .object({
    object: z.literal('list'),
    /** Of a request without parameters; what these add stands in `offers`. */
    data: z.array(z.discriminatedUnion('object', [Price, TextPrice])),
    offers: z.array(Offer),
  })
  .openapi('PriceList', { example: { object: 'list', data: [EXAMPLE.price], offers: [EXAMPLE.offer] } });

export function toPrice({ model, size, seconds, amountMicrocredits }: ledger.Price): z.infer<typeof Price> {
  return {
    object: 'price',
    model,
    size,
    seconds: String(seconds),
    amount_microcredits: amountMicrocredits,
    amount: formatCredits(amountMicrocredits),
  };
}

export function toTextPrice(price: ledger.TextPrice): z.infer<typeof TextPrice> {
  return {
    object: 'text_price',
    model: price.model,
    input_microcredits_per_million_tokens: price.inputMicrocredits,
    output_microcredits_per_million_tokens: price.outputMicrocredits,
  };
}

import type { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { isGenerationId } from '../../../contracts/ids.ts';
import type { Refund as Refunded } from '../../../ledger/index.ts';
import { LedgerError } from '../../../store/index.ts';
import type { ApiDependencies, Env } from '../../http/deps.ts';
import { ApiError, notFound } from '../../http/errors.ts';
import { keyReused, markReplayed, requireIdempotencyKey } from '../../http/idempotencyKey.ts';
import type { Refund, RefundVideo } from './objects.ts';

export async function refundGeneration(
  { ledger, log }: Pick<ApiDependencies, 'ledger' | 'log'>,
  c: Context<Env>,
  generationId: string,
  { amount_microcredits: amount, reason }: z.output<typeof RefundVideo>,
): Promise<Refund> {
  const idempotencyKey = requireIdempotencyKey(c.req.header('idempotency-key'));
  if (!isGenerationId(generationId)) throw notFound('This generation');
  const refunded = await ledger
    .refundGeneration({ generationId, amountMicrocredits: amount ?? null, reason, idempotencyKey })
    .catch((error: unknown) => {
      if (error instanceof LedgerError && error.code === 'unknown_generation') throw notFound('This generation');
      throw error;
    });
  if (refunded.outcome !== 'refunded') throw refundRefused(refunded);
  if (refunded.replayed) markReplayed(c);
  else log.info({ generationId, amountMicrocredits: refunded.movedMicrocredits, reason }, 'refund');
  return {
    object: 'refund',
    generation_id: generationId,
    transaction_id: refunded.transactionId,
    amount_microcredits: refunded.movedMicrocredits,
    refundable_microcredits: refunded.refundableMicrocredits,
  };
}

function refundRefused(refused: Exclude<Refunded, { outcome: 'refunded' }>): ApiError {
  switch (refused.outcome) {
    case 'key_reused':
      return keyReused();
    case 'not_charged':
      return new ApiError(
        'not_refundable',
        'This generation was not charged: its credits are still reserved, or were returned.',
      );
    case 'nothing_left':
      return new ApiError('not_refundable', 'The whole charge has already been refunded.');
    case 'exceeds_captured':
      return new ApiError(
        'not_refundable',
        `Only ${refused.refundableMicrocredits} microcredits of the charge can still be refunded.`,
        { param: 'amount_microcredits' },
      );
    case 'too_large':
      return new ApiError('not_refundable', 'The balance would exceed 2^53 - 1 microcredits.');
  }
}

import { z } from '@hono/zod-openapi';
import { MAX_MICROCREDITS } from '../../../contracts/money.ts';
import { EXAMPLE } from '../../http/examples.ts';
import { microcredits, plainText, THE_CUSTOMER_READS } from '../../http/schemas.ts';

export const RefundVideo = z
  .strictObject({
    amount_microcredits: microcredits.min(1).max(MAX_MICROCREDITS).optional(),
    reason: plainText(500).openapi({ description: THE_CUSTOMER_READS }),
  })
  .openapi('RefundVideoBody', { example: { amount_microcredits: 571429, reason: 'the video is black' } });

export const Refund = z
  .object({
    object: z.literal('refund'),
    generation_id: z.string(),
    transaction_id: z.number().int(),
    amount_microcredits: microcredits,
    refundable_microcredits: microcredits.openapi({
      description: 'What was left of the charge after this refund; a repeat of the request shows the same.',
    }),
  })
  .openapi('Refund', { example: EXAMPLE.refund });
export type Refund = z.infer<typeof Refund>;

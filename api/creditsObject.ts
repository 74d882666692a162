import { z } from '@hono/zod-openapi';
import { formatCredits } from '../contracts/money.ts';

/** What became of a generation's credits; CONTRACT's object, in everything that is paid for. */
export const GenerationCredits = z.object({
  state: z.enum(['held', 'charged', 'refunded']),
  amount_microcredits: z.number().int(),
  amount: z.string(),
  hold_id: z.string(),
  hold_expires_at: z.number().int(),
  settled_at: z.number().int().nullable(),
  message: z.string(),
});

interface Paid {
  readonly state: z.infer<typeof GenerationCredits>['state'];
  readonly holdId: string;
  readonly holdExpiresAt: Date;
  readonly settledAt: Date | null;
}

/** The amount is what is held, or was charged; the message says the same in words. */
export function toCredits(
  { state, holdId, holdExpiresAt, settledAt }: Paid,
  amountMicrocredits: number,
  message: string,
): z.infer<typeof GenerationCredits> {
  return {
    state,
    amount_microcredits: amountMicrocredits,
    amount: formatCredits(amountMicrocredits),
    hold_id: holdId,
    hold_expires_at: unixSeconds(holdExpiresAt),
    settled_at: settledAt === null ? null : unixSeconds(settledAt),
    message,
  };
}

export function unixSeconds(moment: Date): number {
  return Math.floor(moment.getTime() / 1000);
}

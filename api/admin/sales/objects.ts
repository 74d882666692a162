import { z } from '@hono/zod-openapi';
import type { Sales as StoredSales } from '../../../ledger/index.ts';
import { EXAMPLE } from '../../http/examples.ts';
import { plainText, unixSecondsOrNull, unixTime } from '../../http/schemas.ts';

export const SetSales = z
  .strictObject({ open: z.boolean(), reason: plainText(500) })
  .openapi('SetSalesBody', { example: { open: false, reason: 'maintenance until 14:00 UTC' } });

export const Sales = z
  .object({
    object: z.literal('sales'),
    open: z.boolean(),
    reason: z.string().nullable(),
    changed_at: unixTime.nullable(),
  })
  .openapi('Sales', { example: EXAMPLE.sales });
export type Sales = z.infer<typeof Sales>;

export function toSales({ open, reason, changedAt }: StoredSales): Sales {
  return { object: 'sales', open, reason, changed_at: unixSecondsOrNull(changedAt) };
}

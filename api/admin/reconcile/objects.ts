import { z } from '@hono/zod-openapi';
import { EXAMPLE } from '../../http/examples.ts';
import { orNull } from '../../http/schemas.ts';

export const Reconcile = z
  .strictObject({ dry_run: z.boolean().default(false) })
  .openapi('ReconcileBody', { example: { dry_run: true } });

const ReconciliationAct = z
  .object({ generation_id: z.string(), action: z.string(), why: z.string(), outcome: z.string() })
  .openapi('ReconciliationAct');
const Orphans = z.object({ count: z.number().int(), sample: z.array(z.string()) }).openapi('Orphans');

export const Reconciliation = z
  .object({
    object: z.literal('reconciliation'),
    dry_run: z.boolean(),
    holds_checked: z.number().int(),
    acts: z.array(ReconciliationAct),
    acts_made: z.number().int(),
    holds_overdue: z.number().int(),
    requests_voided: z.number().int(),
    webhooks_resumed: z.number().int(),
    followed: z.number().int(),
    follow_ended: z.number().int(),
    videos_deleted: z.number().int(),
    orphans: orNull(Orphans),
    accounts_compared: z.number().int().nullable(),
    differences: z.number().int().nullable(),
  })
  .openapi('Reconciliation', { example: EXAMPLE.reconciliation });

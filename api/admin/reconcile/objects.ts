import { z } from '@hono/zod-openapi';
import { EXAMPLE } from '../../http/examples.ts';
import { orNull } from '../../http/schemas.ts';

export const Reconcile = z
  .strictObject({
    dry_run: z
      .boolean()
      .optional()
      .openapi({ default: false, description: 'Report what would be done and why, and change nothing.' }),
  })
  .openapi('ReconcileBody', { example: { dry_run: true } });

const ReconciliationAct = z
  .object({ generation_id: z.string(), action: z.string(), why: z.string(), outcome: z.string() })
  .openapi('ReconciliationAct');
const Orphans = z.object({ count: z.number().int(), sample: z.array(z.string()) }).openapi('Orphans');

const NOT_IN_A_DRY_RUN = 'Null in a dry run, which does not count it, and where it could not be read.';
const countOfReal = z.number().int().nullable().openapi({ description: NOT_IN_A_DRY_RUN });

export const Reconciliation = z
  .object({
    object: z.literal('reconciliation'),
    dry_run: z.boolean(),
    holds_checked: z.number().int(),
    acts: z.array(ReconciliationAct),
    acts_made: z.number().int(),
    holds_overdue: countOfReal,
    requests_voided: countOfReal,
    webhooks_resumed: countOfReal,
    followed: countOfReal,
    follow_ended: countOfReal,
    videos_deleted: countOfReal,
    orphans: orNull(Orphans),
    accounts_compared: z.number().int().nullable(),
    differences: z.number().int().nullable(),
  })
  .openapi('Reconciliation', { example: EXAMPLE.reconciliation });

import { z } from '@hono/zod-openapi';
import type * as ledger from '../../../ledger/index.ts';
import { EXAMPLE } from '../../http/examples.ts';
import { microcredits, unixSeconds, unixTime } from '../../http/schemas.ts';
import { Sales, toSales } from '../sales/objects.ts';

export const FailureCount = z.object({ code: z.string(), generations: z.number().int() }).openapi('FailureCount');

export const Overview = z
  .object({
    object: z.literal('overview'),
    active_generations: z
      .number()
      .int()
      .openapi({ description: 'What holds credits now; released videos that are still followed are not among them.' }),
    held_microcredits: microcredits,
    stuck_holds: z.number().int(),
    charged_today: z.number().int(),
    charged_today_microcredits: microcredits,
    released_today: z.number().int(),
    released_today_microcredits: microcredits,
    refunded_today: z.number().int(),
    refunded_today_microcredits: microcredits,
    failures: z.array(FailureCount),
    sales: Sales,
  })
  .openapi('Overview', { example: EXAMPLE.overview });

export function toOverview(seen: ledger.Overview, sales: ledger.Sales): z.infer<typeof Overview> {
  return {
    object: 'overview',
    active_generations: seen.activeGenerations,
    held_microcredits: seen.heldMicrocredits,
    stuck_holds: seen.stuckHolds,
    charged_today: seen.chargedToday,
    charged_today_microcredits: seen.chargedTodayMicrocredits,
    released_today: seen.releasedToday,
    released_today_microcredits: seen.releasedTodayMicrocredits,
    refunded_today: seen.refundedToday,
    refunded_today_microcredits: seen.refundedTodayMicrocredits,
    failures: [...seen.failures],
    sales: toSales(sales),
  };
}

export const EmergencyRelease = z
  .object({
    object: z.literal('emergency_release'),
    id: z.string(),
    account_id: z.string(),
    amount_microcredits: microcredits,
    released_at: unixTime,
    provider_status: z.string().nullable(),
  })
  .openapi('EmergencyRelease', { example: EXAMPLE.emergencyRelease });

export function toEmergencyRelease(release: ledger.EmergencyRelease): z.infer<typeof EmergencyRelease> {
  return {
    object: 'emergency_release',
    id: release.generationId,
    account_id: release.accountId,
    amount_microcredits: release.amountMicrocredits,
    released_at: unixSeconds(release.releasedAt),
    provider_status: release.providerStatus,
  };
}

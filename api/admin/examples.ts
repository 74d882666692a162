import { EXAMPLE } from '../http/examples.ts';

/** What the OpenAPI document shows of an operator's look at a customer. */
export const ADMIN_EXAMPLE = {
  accountDetails: {
    ...EXAMPLE.accountStanding,
    max_active_generations: 300,
    frozen_reason: null,
    valid_api_keys: 2,
    last_generation: { id: EXAMPLE.video.id, state: 'held', error_code: null, created_at: EXAMPLE.video.created_at },
    failures: [{ code: 'moderation_blocked', generations: 3 }],
    totals: EXAMPLE.creditTotals,
  },
  apiKeyAndSpending: {
    ...EXAMPLE.apiKey,
    held_microcredits: 571429,
    spending: {
      today_microcredits: 1142858,
      this_month_microcredits: 9714293,
      day_ends_at: EXAMPLE.apiKey.created_at + 35200,
      month_ends_at: EXAMPLE.apiKey.created_at + 812800,
      counted_at: EXAMPLE.apiKey.id,
    },
  },
} as const;

import { z } from '@hono/zod-openapi';
import { MAX_MICROCREDITS } from '../../../contracts/money.ts';
import { SCOPES } from '../../../contracts/scopes.ts';
import type { KeyWithSpending, ListedKey } from '../../../store/index.ts';
import { EXAMPLE } from '../../http/examples.ts';
import { shownOnce } from '../../http/once.ts';
import {
  LAST_UNIX_TIME,
  microcredits,
  plainText,
  orNull,
  unixSeconds,
  unixSecondsOrNull,
  unixTime,
} from '../../http/schemas.ts';
import { ADMIN_EXAMPLE } from '../examples.ts';

/** An API key itself is shown once; the database keeps its hash. */

const limit = z.number().int().min(1).max(MAX_MICROCREDITS);
const MAXIMUM_OVERLAP_SECONDS = 30 * 24 * 3600;

export const NewKey = z
  .strictObject({
    name: plainText(200),
    scopes: z
      .array(z.enum(SCOPES))
      .min(1)
      .optional()
      .openapi({ description: 'What the key may be used for. Without it: every scope, including those added later.' }),
    expires_at: unixTime
      .min(1)
      .max(LAST_UNIX_TIME)
      .optional()
      .openapi({ description: 'Unix time in seconds. Without it the key does not expire.' }),
    daily_limit_microcredits: limit.optional().openapi({
      description: 'What the key may spend in a day (UTC), counting charges and active holds.',
    }),
    monthly_limit_microcredits: limit.optional(),
    requests_per_minute: z.number().int().min(1).max(1_000_000).optional(),
  })
  .openapi('CreateApiKeyBody', { example: EXAMPLE.newApiKey });
export type NewKey = z.output<typeof NewKey>;

const Key = z
  .object({
    id: z.string(),
    object: z.literal('api_key'),
    account_id: z.string(),
    name: z.string(),
    scopes: z.array(z.string()),
    expires_at: unixTime.nullable(),
    daily_limit_microcredits: z.number().int().nullable(),
    monthly_limit_microcredits: z.number().int().nullable(),
    requests_per_minute: z.number().int().nullable(),
    created_at: unixTime,
    revoked_at: unixTime.nullable(),
  })
  .openapi('ApiKey', { example: EXAMPLE.apiKey });
type Key = z.infer<typeof Key>;

const KeySpending = z
  .object({
    today_microcredits: microcredits,
    this_month_microcredits: microcredits,
    day_ends_at: unixTime,
    month_ends_at: unixTime,
    counted_at: z
      .string()
      .openapi({ description: 'The first key of its rotations: all of them share its limits and this spending.' }),
  })
  .openapi('ApiKeySpending');

export const KeyAndSpending = Key.extend({
  held_microcredits: microcredits.openapi({ description: 'What is reserved for generations of this key.' }),
  spending: orNull(KeySpending).openapi({
    description:
      'What counts against the limits of the key: charged or reserved today and this month (UTC). Null without a limit.',
  }),
}).openapi('ApiKeyAndSpending', { example: ADMIN_EXAMPLE.apiKeyAndSpending });

export const ShownKey = Key.extend({ key: z.string().nullable(), ...shownOnce }).openapi('ApiKeyCreated', {
  example: EXAMPLE.apiKeyShownOnce,
});
export type ShownKey = z.infer<typeof ShownKey>;

export const RotateKey = z
  .strictObject({
    expires_in_seconds: z
      .number()
      .int()
      .min(0)
      .max(MAXIMUM_OVERLAP_SECONDS)
      .optional()
      .openapi({ default: 0, description: 'How long the old key stays valid.' }),
  })
  .openapi('RotateApiKeyBody', { example: { expires_in_seconds: 3600 } });
export type RotateKey = z.output<typeof RotateKey>;

export const KeyRevoked = z
  .object({ id: z.string(), object: z.literal('api_key'), revoked_at: unixTime })
  .openapi('ApiKeyRevoked', { example: EXAMPLE.apiKeyRevoked });
export type KeyRevoked = z.infer<typeof KeyRevoked>;

export function toSettings(wanted: NewKey) {
  return {
    name: wanted.name,
    scopes: wanted.scopes === undefined ? null : [...new Set(wanted.scopes)],
    expiresAt: wanted.expires_at === undefined ? null : new Date(wanted.expires_at * 1000),
    dailyLimitMicrocredits: wanted.daily_limit_microcredits ?? null,
    monthlyLimitMicrocredits: wanted.monthly_limit_microcredits ?? null,
    requestsPerMinute: wanted.requests_per_minute ?? null,
  };
}

export function toKey(accountId: string, key: ListedKey): Key {
  return {
    id: key.id,
    object: 'api_key',
    account_id: accountId,
    name: key.name,
    scopes: [...(key.scopes ?? SCOPES)],
    expires_at: unixSecondsOrNull(key.expiresAt),
    daily_limit_microcredits: key.dailyLimitMicrocredits,
    monthly_limit_microcredits: key.monthlyLimitMicrocredits,
    requests_per_minute: key.requestsPerMinute,
    created_at: unixSeconds(key.createdAt),
    revoked_at: unixSecondsOrNull(key.revokedAt),
  };
}

export function toKeyAndSpending(accountId: string, key: KeyWithSpending): z.infer<typeof KeyAndSpending> {
  const isLimited = key.dailyLimitMicrocredits !== null || key.monthlyLimitMicrocredits !== null;
  return {
    ...toKey(accountId, key),
    held_microcredits: key.heldMicrocredits,
    spending: isLimited
      ? {
          today_microcredits: key.todayMicrocredits,
          this_month_microcredits: key.thisMonthMicrocredits,
          day_ends_at: unixSeconds(key.dayEndsAt),
          month_ends_at: unixSeconds(key.monthEndsAt),
          counted_at: key.rotatedFrom,
        }
      : null,
  };
}

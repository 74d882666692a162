import { z } from '@hono/zod-openapi';
import { MAX_MICROCREDITS } from '../../../contracts/money.ts';
import type { ListedAccount } from '../../../ledger/index.ts';
import { EXAMPLE } from '../../http/examples.ts';
import { microcredits, plainText, unixSeconds, unixSecondsOrNull, unixTime } from '../../http/schemas.ts';

export const NewAccount = z
  .strictObject({ name: plainText(200) })
  .openapi('CreateAccountBody', { example: { name: 'Acme' } });

export const Account = z
  .object({ id: z.string(), object: z.literal('account'), name: z.string(), created_at: unixTime })
  .openapi('Account', { example: EXAMPLE.account });
export type Account = z.infer<typeof Account>;

export const AccountStanding = z
  .object({
    ...Account.shape,
    available_microcredits: microcredits,
    held_microcredits: microcredits,
    active_generations: z.number().int(),
    frozen_at: unixTime.nullable(),
  })
  .openapi('AccountStanding', { example: EXAMPLE.accountStanding });

export function toAccountStanding(account: ListedAccount): z.infer<typeof AccountStanding> {
  return {
    id: account.id,
    object: 'account',
    name: account.name,
    available_microcredits: account.availableMicrocredits,
    held_microcredits: account.heldMicrocredits,
    active_generations: account.activeGenerations,
    frozen_at: unixSecondsOrNull(account.frozenAt),
    created_at: unixSeconds(account.createdAt),
  };
}

export const Freeze = z
  .strictObject({ frozen: z.boolean().default(true), reason: plainText(500) })
  .openapi('FreezeAccountBody', { example: { frozen: true, reason: 'chargeback' } });

export const AccountFrozen = z
  .object({ id: z.string(), object: z.literal('account'), frozen: z.boolean() })
  .openapi('AccountFrozen', { example: EXAMPLE.accountFrozen });
export type AccountFrozen = z.infer<typeof AccountFrozen>;

export const GrantCredits = z
  .strictObject({
    amount_microcredits: z
      .number()
      .int()
      .min(-MAX_MICROCREDITS)
      .max(MAX_MICROCREDITS)
      .refine((amount) => amount !== 0, 'must not be 0'),
    reason: plainText(500),
  })
  .openapi('GrantCreditsBody', { example: { amount_microcredits: 10000000, reason: 'invoice 2026-0042' } });

export const Grant = z
  .object({
    object: z.literal('grant'),
    transaction_id: z.number().int(),
    account_id: z.string(),
    amount_microcredits: microcredits,
    available_microcredits: microcredits,
  })
  .openapi('Grant', { example: EXAMPLE.grant });
export type Grant = z.infer<typeof Grant>;

import { z } from '@hono/zod-openapi';
import { MAX_MICROCREDITS } from '../../../contracts/money.ts';
import type * as ledger from '../../../ledger/index.ts';
import { Totals, toTotals } from '../../credits/objects.ts';
import { stateShown } from '../../generations/creditsObject.ts';
import { EXAMPLE } from '../../http/examples.ts';
import {
  microcredits,
  orNull,
  plainText,
  unixSeconds,
  unixSecondsOrNull,
  unixTime,
  THE_CUSTOMER_READS,
} from '../../http/schemas.ts';
import { ADMIN_EXAMPLE } from '../examples.ts';
import { FailureCount } from '../overview/objects.ts';

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
    active_generations: z.number().int().openapi({
      description:
        'What counts against its cap: what holds credits, and released videos that are still followed because the provider may go on with them.',
    }),
    frozen_at: unixTime.nullable(),
  })
  .openapi('AccountStanding', { example: EXAMPLE.accountStanding });

export function toAccountStanding(account: ledger.ListedAccount): z.infer<typeof AccountStanding> {
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

const LastGeneration = z
  .object({ id: z.string(), state: z.string(), error_code: z.string().nullable(), created_at: unixTime })
  .openapi('LastGeneration');

/** What an operator asks first about a customer. */
export const AccountDetails = z
  .object({
    ...AccountStanding.shape,
    max_active_generations: z.number().int(),
    frozen_reason: z.string().nullable().openapi({ description: 'The reason that the operator gave.' }),
    valid_api_keys: z.number().int(),
    last_generation: orNull(LastGeneration).openapi({
      description: 'The last video, script or thread that was requested, also if it was refused.',
    }),
    failures: z.array(FailureCount).openapi({ description: 'Of the last 24 hours, the most frequent first.' }),
    totals: Totals,
  })
  .openapi('AccountDetails', { example: ADMIN_EXAMPLE.accountDetails });
export type AccountDetails = z.infer<typeof AccountDetails>;

export function toAccountDetails(
  account: ledger.AccountDetails,
  last: ledger.LastGeneration | undefined,
  totals: ledger.StatementTotals,
): AccountDetails {
  return {
    ...toAccountStanding(account),
    max_active_generations: account.maxActiveGenerations,
    frozen_reason: account.frozenReason,
    valid_api_keys: account.validKeys,
    last_generation:
      last === undefined
        ? null
        : {
            id: last.id,
            state: stateShown(last.state),
            error_code: last.errorCode,
            created_at: unixSeconds(last.requestedAt),
          },
    failures: [...account.failures],
    totals: toTotals(totals),
  };
}

export const Freeze = z
  .strictObject({ frozen: z.boolean().default(true), reason: plainText(500) })
  .openapi('FreezeAccountBody', { example: { frozen: true, reason: 'chargeback' } });

export const AccountFrozen = z
  .object({
    id: z.string(),
    object: z.literal('account'),
    frozen: z.boolean(),
    outcome: z.enum(['frozen', 'already_frozen', 'unfrozen', 'not_frozen']).openapi({
      description:
        '`already_frozen` and `not_frozen` changed nothing: the account goes on showing the reason that it was frozen for first.',
    }),
  })
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
    reason: plainText(500).openapi({ description: THE_CUSTOMER_READS }),
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

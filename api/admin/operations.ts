import { createRoute, z } from '@hono/zod-openapi';
import { ACCOUNT_ID, isAccountId, isGenerationId } from '../../contracts/ids.ts';
import { MAX_MICROCREDITS } from '../../contracts/money.ts';
import type { ListedAccount, Refund } from '../../ledger/index.ts';
import { LedgerError } from '../../ledger/index.ts';
import type { ApiDependencies } from '../http/deps.ts';
import { ApiError, notFound } from '../http/errors.ts';
import { EXAMPLE, pageOf } from '../http/examples.ts';
import { keyed, keyReused, requireIdempotencyKey } from '../http/idempotencyKey.ts';
import { listOf, listQuery, toList } from '../http/listing.ts';
import { newRouter } from '../http/router.ts';
import { adminBearer, errorResponses, jsonContent, noQuery } from '../http/contract.ts';
import { plainText, unixSeconds } from '../http/schemas.ts';
import { SalesShown, toSales } from './sales/routes.ts';

/** What an operator does and looks at, beyond opening accounts and granting credits. */

const accountParam = z.string().openapi({ param: { name: 'account_id', in: 'path' } });
const answersWith = <Schema extends z.ZodType>(description: string, schema: Schema, ...errors: number[]) => ({
  200: { description, content: jsonContent(schema) },
  ...errorResponses(400, 401, 404, 500, 503, ...errors),
});
const microcredits = z.number().int();
const moment = z.number().int();

const Account = z
  .object({
    id: z.string(),
    object: z.literal('account'),
    name: z.string(),
    available_microcredits: microcredits,
    held_microcredits: microcredits,
    active_generations: z.number().int(),
    frozen_at: moment.nullable(),
    created_at: moment,
  })
  .openapi('AccountStanding', { example: EXAMPLE.accountStanding });

const listAccounts = createRoute({
  method: 'get',
  path: '/accounts',
  operationId: 'listAccounts',
  summary: 'The accounts with what they have, the oldest first',
  security: adminBearer,
  request: { query: listQuery(ACCOUNT_ID, 'acct_019a0000000070008000000000000000').omit({ order: true }) },
  responses: answersWith(
    'A page.',
    listOf(Account).openapi('AccountList', { example: pageOf(EXAMPLE.accountStanding) }),
  ),
});

const Frozen = z
  .object({ id: z.string(), object: z.literal('account'), frozen: z.boolean() })
  .openapi('AccountFrozen', { example: EXAMPLE.accountFrozen });

const freeze = createRoute({
  method: 'post',
  path: '/accounts/{account_id}/freeze',
  operationId: 'freezeAccount',
  summary: 'No new holds for this account, or again; what it holds settles as ever',
  security: adminBearer,
  request: {
    params: z.object({ account_id: accountParam }),
    headers: keyed,
    query: noQuery,
    body: {
      required: true,
      content: jsonContent(
        z
          .strictObject({ frozen: z.boolean().default(true), reason: plainText(500) })
          .openapi('Freeze', { example: { frozen: true, reason: 'chargeback' } }),
      ),
    },
  },
  responses: answersWith('As it stands.', Frozen, 415, 422),
});

const Refunded = z
  .object({
    object: z.literal('refund'),
    video_id: z.string(),
    transaction_id: z.number().int(),
    amount_microcredits: microcredits,
    refundable_microcredits: microcredits,
  })
  .openapi('Refund', { example: EXAMPLE.refund });

const refund = createRoute({
  method: 'post',
  path: '/videos/{video_id}/refund',
  operationId: 'refundVideo',
  summary: 'Give back what was charged for a video, script or thread, whole or in part; never more',
  security: adminBearer,
  request: {
    params: z.object({ video_id: z.string().openapi({ param: { name: 'video_id', in: 'path' } }) }),
    headers: keyed,
    query: noQuery,
    body: {
      required: true,
      content: jsonContent(
        z
          .strictObject({
            amount_microcredits: z.number().int().min(1).max(MAX_MICROCREDITS).optional(),
            reason: plainText(500),
          })
          .openapi('RefundVideo', { example: { amount_microcredits: 571429, reason: 'the video is black' } }),
      ),
    },
  },
  responses: answersWith('What was given back.', Refunded, 409, 415, 422),
});

const OverviewShown = z
  .object({
    object: z.literal('overview'),
    active_generations: z.number().int(),
    held_microcredits: microcredits,
    stuck_holds: z.number().int(),
    charged_today: z.number().int(),
    charged_today_microcredits: microcredits,
    released_today: z.number().int(),
    released_today_microcredits: microcredits,
    refunded_today: z.number().int(),
    refunded_today_microcredits: microcredits,
    failures: z.array(z.object({ code: z.string(), generations: z.number().int() })),
    sales: SalesShown,
  })
  .openapi('Overview', { example: EXAMPLE.overview });

const overview = createRoute({
  method: 'get',
  path: '/overview',
  operationId: 'getOverview',
  summary: 'What is under way, what is stuck, and what became of today’s credits',
  security: adminBearer,
  responses: answersWith('At this moment.', OverviewShown),
});

const Emergency = z
  .object({
    object: z.literal('emergency_release'),
    id: z.string(),
    account_id: z.string(),
    amount_microcredits: microcredits,
    released_at: moment,
    provider_status: z.string().nullable(),
  })
  .openapi('EmergencyRelease', { example: EXAMPLE.emergencyRelease });

const emergencies = createRoute({
  method: 'get',
  path: '/emergency_releases',
  operationId: 'listEmergencyReleases',
  summary: 'Holds released because their outcome could not be recorded, the newest first',
  security: adminBearer,
  request: { query: z.object({ limit: z.coerce.number().int().min(1).max(100).default(20) }) },
  responses: answersWith(
    'The newest ones.',
    listOf(Emergency).openapi('EmergencyReleaseList', { example: pageOf(EXAMPLE.emergencyRelease) }),
  ),
});

export function adminOperationRoutes({ ledger, log }: ApiDependencies) {
  return newRouter()
    .openapi(listAccounts, async (c) => {
      const { limit, after = '' } = c.req.valid('query');
      const found = await ledger.listAccounts(after, limit + 1);
      return c.json(toList(found.slice(0, limit).map(toAccount), found.length > limit), 200);
    })
    .openapi(freeze, async (c) => {
      const id = c.req.valid('param').account_id;
      const idempotencyKey = requireIdempotencyKey(c.req.header('idempotency-key'));
      const { frozen, reason } = c.req.valid('json');
      if (!isAccountId(id)) throw notFound('This account');
      const { outcome, replayed } = await ledger.setAccountFrozen({ accountId: id, frozen, reason, idempotencyKey });
      if (outcome === 'unknown_account') throw notFound('This account');
      if (outcome === 'key_reused') throw keyReused();
      if (replayed) c.header('idempotency-replayed', 'true');
      return c.json(
        { id, object: 'account' as const, frozen: outcome === 'frozen' || outcome === 'already_frozen' },
        200,
      );
    })
    .openapi(refund, async (c) => {
      const id = c.req.valid('param').video_id;
      const idempotencyKey = requireIdempotencyKey(c.req.header('idempotency-key'));
      const { amount_microcredits: amount = null, reason } = c.req.valid('json');
      if (!isGenerationId(id)) throw notFound('This video');
      const refunded = await ledger
        .refundGeneration({ generationId: id, amountMicrocredits: amount, reason, idempotencyKey })
        .catch(unknownVideo);
      if (refunded.outcome !== 'refunded') throw refundRefused(refunded);
      if (refunded.replayed) c.header('idempotency-replayed', 'true');
      else log.info({ generationId: id, amountMicrocredits: refunded.movedMicrocredits, reason }, 'refund');
      return c.json(
        {
          object: 'refund' as const,
          video_id: id,
          transaction_id: refunded.transactionId,
          amount_microcredits: refunded.movedMicrocredits,
          refundable_microcredits: refunded.refundableMicrocredits,
        },
        200,
      );
    })
    .openapi(overview, async (c) => {
      const [seen, sales] = await Promise.all([ledger.getOverview(), ledger.getSales()]);
      return c.json(
        {
          object: 'overview' as const,
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
        },
        200,
      );
    })
    .openapi(emergencies, async (c) => {
      const { limit } = c.req.valid('query');
      const found = await ledger.listEmergencyReleases(limit + 1);
      const data = found.slice(0, limit).map((release) => ({
        object: 'emergency_release' as const,
        id: release.generationId,
        account_id: release.accountId,
        amount_microcredits: release.amountMicrocredits,
        released_at: unixSeconds(release.releasedAt),
        provider_status: release.providerStatus,
      }));
      return c.json(toList(data, found.length > limit), 200);
    });
}

function toAccount(account: ListedAccount): z.infer<typeof Account> {
  return {
    id: account.id,
    object: 'account',
    name: account.name,
    available_microcredits: account.availableMicrocredits,
    held_microcredits: account.heldMicrocredits,
    active_generations: account.activeGenerations,
    frozen_at: account.frozenAt === null ? null : unixSeconds(account.frozenAt),
    created_at: unixSeconds(account.createdAt),
  };
}

function unknownVideo(error: unknown): never {
  if (error instanceof LedgerError && error.code === 'unknown_generation') throw notFound('This video');
  throw error;
}

function refundRefused(refused: Exclude<Refund, { outcome: 'refunded' }>): ApiError {
  switch (refused.outcome) {
    case 'key_reused':
      return keyReused();
    case 'not_charged':
      return new ApiError('not_refundable', 'This video was not charged. No credits were moved.');
    case 'nothing_left':
      return new ApiError('not_refundable', 'All of its charge was given back before. No credits were moved.');
    case 'exceeds_captured':
      return new ApiError(
        'not_refundable',
        `Only ${refused.refundableMicrocredits} microcredits of its charge are left. No credits were moved.`,
        { param: 'amount_microcredits' },
      );
    case 'too_large':
      return new ApiError('not_refundable', 'The balance would pass 2^53 - 1. No credits were moved.');
  }
}

import { createRoute, z } from '@hono/zod-openapi';
import { accepts } from 'hono/accepts';
import type { StatementLine, StatementTotals } from '../../ledger/index.ts';
import { toCsv } from '../../ledger/index.ts';
import type { ApiDependencies } from '../http/deps.ts';
import { EXAMPLE, pageOf } from '../http/examples.ts';
import { listOf, listQuery, toList } from '../http/listing.ts';
import { newRouter } from '../http/router.ts';
import { bearer, errorResponses } from '../http/contract.ts';
import { unixSeconds } from '../http/schemas.ts';

const Credits = z
  .object({
    object: z.literal('credits'),
    account_id: z.string(),
    available_microcredits: z.number().int(),
    held_microcredits: z.number().int(),
  })
  .openapi('Credits', {
    example: {
      object: 'credits',
      account_id: 'acct_019a0000000070008000000000000000',
      available_microcredits: 9428571,
      held_microcredits: 571429,
    },
  });

const get = createRoute({
  method: 'get',
  path: '/credits',
  operationId: 'getCredits',
  summary: 'What can be spent, and what is reserved',
  security: bearer,
  responses: {
    200: { description: 'The balance.', content: { 'application/json': { schema: Credits } } },
    ...errorResponses(401, 500, 503),
  },
});

const Transaction = z
  .object({
    id: z.string(),
    object: z.literal('credit_transaction'),
    kind: z.enum(['grant', 'claw_back', 'hold', 'capture', 'release', 'refund']),
    video_id: z.string().nullable(),
    reason: z.string().nullable(),
    available_change_microcredits: z.number().int(),
    held_change_microcredits: z.number().int(),
    available_microcredits: z.number().int(),
    held_microcredits: z.number().int(),
    created_at: z.number().int(),
  })
  .openapi('CreditTransaction', { example: EXAMPLE.creditTransaction });

const Totals = z.object({
  granted_microcredits: z.number().int(),
  clawed_back_microcredits: z.number().int(),
  charged_microcredits: z.number().int(),
  refunded_microcredits: z.number().int(),
});

const Transactions = listOf(Transaction)
  .extend({ totals: Totals })
  .openapi('CreditTransactionList', {
    example: {
      ...pageOf(EXAMPLE.creditTransaction),
      totals: {
        granted_microcredits: 10000000,
        clawed_back_microcredits: 0,
        charged_microcredits: 0,
        refunded_microcredits: 0,
      },
    },
  });

const transactions = createRoute({
  method: 'get',
  path: '/credits/transactions',
  operationId: 'listCreditTransactions',
  summary:
    'Every movement of credits, the newest first, with the totals of all of them; as CSV for Accept: text/csv, where a Link header leads to the next page',
  security: bearer,
  request: { query: listQuery(/^[1-9][0-9]{0,14}$/, '42') },
  responses: {
    200: {
      description: 'A page.',
      content: {
        'application/json': {
          schema: Transactions,
        },
        'text/csv': { schema: z.string(), example: EXAMPLE.transactionsCsv },
      },
    },
    ...errorResponses(400, 401, 500, 503),
  },
});

const Hold = z
  .object({
    id: z.string(),
    object: z.literal('credit_hold'),
    video_id: z.string(),
    state: z.enum(['active', 'captured', 'released']),
    amount_microcredits: z.number().int(),
    created_at: z.number().int(),
    expires_at: z.number().int(),
  })
  .openapi('CreditHold', { example: EXAMPLE.creditHold });

const holds = createRoute({
  method: 'get',
  path: '/credits/holds',
  operationId: 'listCreditHolds',
  summary: 'Every reservation of credits, the newest first',
  security: bearer,
  request: { query: listQuery(/^hold_[0-9a-f]{32}$/, 'hold_019a0000000070008000000000000000') },
  responses: {
    200: {
      description: 'A page.',
      content: {
        'application/json': { schema: listOf(Hold).openapi('CreditHoldList', { example: pageOf(EXAMPLE.creditHold) }) },
      },
    },
    ...errorResponses(400, 401, 500, 503),
  },
});

export function creditRoutes({ ledger }: ApiDependencies) {
  return newRouter()
    .openapi(get, async (c) => {
      const { accountId } = c.get('caller');
      const { availableMicrocredits, heldMicrocredits } = await ledger.getBalance(accountId);
      return c.json(
        {
          object: 'credits' as const,
          account_id: accountId,
          available_microcredits: availableMicrocredits,
          held_microcredits: heldMicrocredits,
        },
        200,
      );
    })
    .openapi(transactions, async (c) => {
      const { limit, order, after } = c.req.valid('query');
      const page = { limit, order, after: after === undefined ? null : Number(after) };
      const { items, hasMore } = await ledger.listTransactions(c.get('caller').accountId, page);
      const json = 'application/json';
      const type = accepts(c, { header: 'Accept', supports: [json, 'text/csv'], default: json });
      if (type === 'text/csv') {
        // CSV has no room to say that there is more.
        const last = items.at(-1)?.transactionId;
        if (hasMore) c.header('link', `<${c.req.path}?limit=${limit}&order=${order}&after=${last}>; rel="next"`);
        return c.body(toCsv(items), 200, { 'content-type': 'text/csv; charset=utf-8' });
      }
      const totals = toTotals(await ledger.getTotals(c.get('caller').accountId));
      return c.json({ ...toList(items.map(toTransaction), hasMore), totals }, 200);
    })
    .openapi(holds, async (c) => {
      const { limit, order, after = null } = c.req.valid('query');
      const { items, hasMore } = await ledger.listHolds(c.get('caller').accountId, { limit, order, after });
      const data = items.map(({ id, generationId, state, amountMicrocredits, createdAt, expiresAt }) => ({
        id,
        object: 'credit_hold' as const,
        video_id: generationId,
        state,
        amount_microcredits: amountMicrocredits,
        created_at: unixSeconds(createdAt),
        expires_at: unixSeconds(expiresAt),
      }));
      return c.json(toList(data, hasMore), 200);
    });
}

function toTotals(totals: StatementTotals): z.infer<typeof Totals> {
  return {
    granted_microcredits: totals.grantedMicrocredits,
    clawed_back_microcredits: totals.clawedBackMicrocredits,
    charged_microcredits: totals.chargedMicrocredits,
    refunded_microcredits: totals.refundedMicrocredits,
  };
}

function toTransaction(line: StatementLine): z.infer<typeof Transaction> {
  return {
    id: String(line.transactionId),
    object: 'credit_transaction',
    kind: line.kind,
    video_id: line.generationId,
    reason: line.reason,
    available_change_microcredits: line.availableMicrocredits,
    held_change_microcredits: line.heldMicrocredits,
    available_microcredits: line.availableAfterMicrocredits,
    held_microcredits: line.heldAfterMicrocredits,
    created_at: unixSeconds(line.recordedAt),
  };
}

import { createRoute, z } from '@hono/zod-openapi';
import { v7 as uuidv7 } from 'uuid';
import { accountId, isAccountId } from '../../../contracts/ids.ts';
import { MAX_MICROCREDITS } from '../../../contracts/money.ts';
import { isServed } from '../../http/connection.ts';
import type { ApiDependencies } from '../../http/deps.ts';
import { newRunId, reconcileNow } from '../reconcile/reconcileNow.ts';
import { ApiError, notFound } from '../../http/errors.ts';
import { EXAMPLE } from '../../http/examples.ts';
import { keyed, keyReused, requireIdempotencyKey } from '../../http/idempotencyKey.ts';
import { answerOnce } from '../../http/once.ts';
import { newRouter } from '../../http/router.ts';
import { adminBearer, errorResponses, noQuery } from '../../http/contract.ts';
import { plainText, unixSeconds } from '../../http/schemas.ts';

const params = z.object({ account_id: z.string().openapi({ param: { name: 'account_id', in: 'path' } }) });
const named = {
  required: true,
  content: {
    'application/json': {
      schema: z.strictObject({ name: plainText(200) }).openapi('Named', { example: { name: 'Acme' } }),
    },
  },
};

const Account = z
  .object({ id: z.string(), object: z.literal('account'), name: z.string(), created_at: z.number().int() })
  .openapi('Account', { example: EXAMPLE.account });

const Grant = z
  .object({
    object: z.literal('grant'),
    transaction_id: z.number().int(),
    account_id: z.string(),
    amount_microcredits: z.number().int(),
    available_microcredits: z.number().int(),
  })
  .openapi('Grant', { example: EXAMPLE.grant });

const addAccount = createRoute({
  method: 'post',
  path: '/accounts',
  operationId: 'createAccount',
  summary: 'Open an account, with nothing in it',
  security: adminBearer,
  request: { headers: keyed, query: noQuery, body: named },
  responses: {
    200: { description: 'The account.', content: { 'application/json': { schema: Account } } },
    ...errorResponses(400, 401, 404, 415, 422, 500, 503),
  },
});

const grant = createRoute({
  method: 'post',
  path: '/accounts/{account_id}/grants',
  operationId: 'grantCredits',
  summary: 'Grant credits, or claw back (negative) at most what is available',
  security: adminBearer,
  request: {
    params,
    headers: keyed,
    query: noQuery,
    body: {
      required: true,
      content: {
        'application/json': {
          schema: z
            .strictObject({
              amount_microcredits: z
                .number()
                .int()
                .min(-MAX_MICROCREDITS)
                .max(MAX_MICROCREDITS)
                .refine((amount) => amount !== 0, 'must not be 0'),
              reason: plainText(500),
            })
            .openapi('GrantCredits', { example: { amount_microcredits: 10000000, reason: 'invoice 2026-0042' } }),
        },
      },
    },
  },
  responses: {
    200: { description: 'What was moved.', content: { 'application/json': { schema: Grant } } },
    ...errorResponses(400, 401, 402, 404, 415, 422, 500, 503),
  },
});

const Reconciled = z
  .object({
    object: z.literal('reconciliation'),
    dry_run: z.boolean(),
    holds_checked: z.number().int(),
    acts: z.array(z.object({ generation_id: z.string(), action: z.string(), why: z.string(), outcome: z.string() })),
    acts_made: z.number().int(),
    holds_overdue: z.number().int(),
    requests_voided: z.number().int(),
    webhooks_resumed: z.number().int(),
    followed: z.number().int(),
    follow_ended: z.number().int(),
    videos_deleted: z.number().int(),
    orphans: z.object({ count: z.number().int(), sample: z.array(z.string()) }).nullable(),
    accounts_compared: z.number().int().nullable(),
    differences: z.number().int().nullable(),
  })
  .openapi('Reconciliation', { example: EXAMPLE.reconciliation });

const reconcile = createRoute({
  method: 'post',
  path: '/reconcile',
  operationId: 'reconcile',
  summary: 'Finish what workflows did not; with dry_run, say what would be done and why',
  security: adminBearer,
  request: {
    headers: keyed,
    query: noQuery,
    body: {
      required: true,
      content: {
        'application/json': {
          schema: z
            .strictObject({ dry_run: z.boolean().default(false) })
            .openapi('Reconcile', { example: { dry_run: true } }),
        },
      },
    },
  },
  responses: {
    200: { description: 'What was found and done.', content: { 'application/json': { schema: Reconciled } } },
    ...errorResponses(400, 401, 404, 415, 422, 500, 503),
  },
});

export function adminRoutes(deps: ApiDependencies) {
  const { ledger } = deps;
  const existing = (id: string): string => {
    if (!isAccountId(id)) throw notFound('This account');
    return id;
  };

  return newRouter()
    .openapi(addAccount, async (c) => {
      const { name } = c.req.valid('json');
      const opened = await answerOnce(deps, c, { name }, async (inside) => {
        const id = accountId(uuidv7());
        const { createdAt } = await inside.openAccount(id, name);
        return { id, object: 'account' as const, name, created_at: unixSeconds(createdAt) };
      });
      return c.json(opened, 200);
    })
    .openapi(reconcile, async (c) => {
      // A long run says nothing for minutes, and is not idle.
      if (isServed(c.env)) c.env.incoming.socket.setTimeout(0);
      const { dry_run: dryRun } = c.req.valid('json');
      // The run is Temporal's: what is kept for the key is which one it is, and a repeat waits for that one's report.
      const run = await answerOnce(deps, c, { dry_run: dryRun }, () => Promise.resolve({ workflowId: newRunId() }));
      const report = await reconcileNow(deps, run.workflowId, dryRun);
      return c.json({ object: 'reconciliation' as const, ...report }, 200);
    })
    .openapi(grant, async (c) => {
      const account = existing(c.req.valid('param').account_id);
      const { amount_microcredits, reason } = c.req.valid('json');
      const idempotencyKey = requireIdempotencyKey(c.req.header('idempotency-key'));
      const granted = await ledger.grantCredits({
        accountId: account,
        amountMicrocredits: amount_microcredits,
        reason,
        idempotencyKey,
      });
      if (granted.outcome !== 'granted') throw grantRefused(granted.outcome);
      if (granted.replayed) c.header('idempotency-replayed', 'true');
      return c.json(
        {
          object: 'grant' as const,
          transaction_id: granted.transactionId,
          account_id: account,
          amount_microcredits: granted.movedMicrocredits,
          available_microcredits: granted.availableMicrocredits,
        },
        200,
      );
    });
}

function grantRefused(outcome: 'key_reused' | 'nothing_available' | 'too_large' | 'unknown_account'): ApiError {
  switch (outcome) {
    case 'unknown_account':
      return notFound('This account');
    case 'key_reused':
      return keyReused();
    case 'nothing_available':
      return new ApiError(
        'insufficient_credits',
        'This account has no credits available to claw back. No credits were moved.',
      );
    case 'too_large':
      return new ApiError(
        'invalid_request',
        'amount_microcredits: the balance would pass 2^53 - 1. No credits were moved.',
        {
          param: 'amount_microcredits',
        },
      );
  }
}

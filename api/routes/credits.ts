import { createRoute, z } from '@hono/zod-openapi';
import type { ApiDependencies } from '../deps.ts';
import { newRouter } from '../router.ts';
import { bearer, errorAnswers } from '../schemas.ts';

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
    ...errorAnswers(401, 500, 503),
  },
});

export function creditRoutes({ ledger }: ApiDependencies) {
  return newRouter().openapi(get, async (c) => {
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
  });
}

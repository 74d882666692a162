import { createRoute, z } from '@hono/zod-openapi';
import type { Sales } from '../../../ledger/index.ts';
import type { ApiDependencies } from '../../http/deps.ts';
import { EXAMPLE } from '../../http/examples.ts';
import { keyed, keyReused, requireIdempotencyKey } from '../../http/idempotencyKey.ts';
import { newRouter } from '../../http/router.ts';
import { adminBearer, errorResponses, jsonContent, noQuery } from '../../http/contract.ts';
import { plainText, unixSeconds } from '../../http/schemas.ts';

export const SalesShown = z
  .object({
    object: z.literal('sales'),
    open: z.boolean(),
    reason: z.string().nullable(),
    changed_at: z.number().int().nullable(),
  })
  .openapi('Sales', { example: EXAMPLE.sales });

const get = createRoute({
  method: 'get',
  path: '/sales',
  operationId: 'getSales',
  summary: 'Whether new requests are taken, and why not',
  security: adminBearer,
  responses: {
    200: { description: 'At this moment.', content: jsonContent(SalesShown) },
    ...errorResponses(401, 404, 500, 503),
  },
});

const set = createRoute({
  method: 'post',
  path: '/sales',
  operationId: 'setSales',
  summary: 'Take no new requests, or take them again; what has begun is finished and settled, and replays are answered',
  security: adminBearer,
  request: {
    headers: keyed,
    query: noQuery,
    body: {
      required: true,
      content: jsonContent(
        z
          .strictObject({ open: z.boolean(), reason: plainText(500) })
          .openapi('SetSales', { example: { open: false, reason: 'maintenance until 14:00 UTC' } }),
      ),
    },
  },
  responses: {
    200: { description: 'As it stands.', content: jsonContent(SalesShown) },
    ...errorResponses(400, 401, 404, 415, 422, 500, 503),
  },
});

export function toSales({ open, reason, changedAt }: Sales): z.infer<typeof SalesShown> {
  return { object: 'sales', open, reason, changed_at: changedAt === null ? null : unixSeconds(changedAt) };
}

export function adminSalesRoutes({ ledger }: ApiDependencies) {
  return newRouter()
    .openapi(get, async (c) => c.json(toSales(await ledger.getSales()), 200))
    .openapi(set, async (c) => {
      const idempotencyKey = requireIdempotencyKey(c.req.header('idempotency-key'));
      const change = await ledger.setSales({ ...c.req.valid('json'), idempotencyKey });
      if (change.outcome === 'key_reused') throw keyReused();
      if (change.replayed) c.header('idempotency-replayed', 'true');
      return c.json(toSales(change), 200);
    });
}

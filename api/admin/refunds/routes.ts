import { createRoute } from '@hono/zod-openapi';
import { adminBearer, jsonBody, noQuery, responsesWith, generationParams } from '../../http/contract.ts';
import type { ApiDependencies } from '../../http/deps.ts';
import { keyed } from '../../http/idempotencyKey.ts';
import { newRouter } from '../../http/router.ts';
import { refundGeneration } from './handlers.ts';
import { Refund, RefundVideo } from './objects.ts';

const refund = createRoute({
  method: 'post',
  path: '/videos/{generation_id}/refund',
  operationId: 'refundVideo',
  summary: 'Refund the charge for a video, script or thread, in full or in part; never more than was charged',
  description: 'Requires an Idempotency-Key. Without an amount, all that is left of the charge is refunded.',
  security: adminBearer,
  request: { params: generationParams, headers: keyed, query: noQuery, body: jsonBody(RefundVideo) },
  responses: responsesWith('The refund.', Refund, 400, 404, 415, 422, {
    409: 'There is no charge, or less of it is left than is to be refunded. No credits were moved.',
  }),
});

export function refundRoutes(deps: ApiDependencies) {
  return newRouter().openapi(refund, async (c) => {
    return c.json(await refundGeneration(deps, c, c.req.valid('param').generation_id, c.req.valid('json')), 200);
  });
}

import { createRoute } from '@hono/zod-openapi';
import { adminBearer, jsonBody, noQuery, responsesWith } from '../../http/contract.ts';
import type { ApiDependencies } from '../../http/deps.ts';
import { keyed } from '../../http/idempotencyKey.ts';
import { newRouter } from '../../http/router.ts';
import { reconcileNow } from './handlers.ts';
import { Reconcile, Reconciliation } from './objects.ts';

const reconcile = createRoute({
  method: 'post',
  path: '/reconcile',
  operationId: 'reconcile',
  summary: 'Finish what workflows left unfinished; with dry_run, report what would be done and why',
  security: adminBearer,
  request: { headers: keyed, query: noQuery, body: jsonBody(Reconcile) },
  responses: responsesWith('The report of the reconciler.', Reconciliation, 400, 404, 415, 422),
});

export function reconcileRoutes(deps: ApiDependencies) {
  return newRouter().openapi(reconcile, async (c) => {
    const report = await reconcileNow(deps, c, c.req.valid('json').dry_run);
    return c.json({ object: 'reconciliation' as const, ...report }, 200);
  });
}

import { createRoute } from '@hono/zod-openapi';
import { adminBearer, optionalJsonBody, responsesWith, strictAbout } from '../../http/contract.ts';
import type { ApiDependencies } from '../../http/deps.ts';
import { keyed } from '../../http/idempotencyKey.ts';
import { newRouter } from '../../http/router.ts';
import { reconcileNow } from './handlers.ts';
import { Reconcile, Reconciliation } from './objects.ts';

/** An operator's `dry_run` is a field. */
const query = strictAbout({}, 'must be a field of the body: {"dry_run": true}');

const reconcile = createRoute({
  method: 'post',
  path: '/reconcile',
  operationId: 'reconcile',
  summary: 'Finish what workflows left unfinished; with dry_run, report what would be done and why',
  security: adminBearer,
  request: { headers: keyed, query, body: optionalJsonBody(Reconcile) },
  responses: responsesWith('The report of the reconciler.', Reconciliation, 400, 404, 415, 422),
});

export function reconcileRoutes(deps: ApiDependencies) {
  return newRouter().openapi(reconcile, async (c) => {
    const report = await reconcileNow(deps, c, c.req.valid('json').dry_run ?? false);
    return c.json({ object: 'reconciliation' as const, ...report }, 200);
  });
}

import { createRoute, z } from '@hono/zod-openapi';
import { jsonResponse } from '../http/contract.ts';
import type { ApiDependencies } from '../http/deps.ts';
import { newRouter } from '../http/router.ts';
import { probe } from './readiness.ts';

const up = z.boolean();
const Health = z.object({ status: z.literal('ok') }).openapi('Health', { example: { status: 'ok' } });
const Ready = z
  .object({ status: z.enum(['ok', 'unavailable']), database: up, temporal: up })
  .openapi('Ready', { example: { status: 'ok', database: true, temporal: true } });

const healthz = createRoute({
  method: 'get',
  path: '/healthz',
  operationId: 'checkHealth',
  summary: 'Check that this process is alive',
  description: 'Asks nobody else. Restart the process when this fails.',
  responses: { 200: jsonResponse('The process is alive.', Health) },
});

const readyz = createRoute({
  method: 'get',
  path: '/readyz',
  operationId: 'checkReadiness',
  summary: 'Check that the database and Temporal answer',
  description: 'Takes two seconds at most. Send no requests here while this fails.',
  responses: {
    200: jsonResponse('Both answer.', Ready),
    503: jsonResponse('The database or Temporal does not answer.', Ready),
  },
});

export function healthRoutes(deps: ApiDependencies) {
  return newRouter()
    .openapi(healthz, (c) => c.json({ status: 'ok' as const }, 200))
    .openapi(readyz, async (c) => {
      const parts = await probe(deps);
      if (parts.database && parts.temporal) return c.json({ status: 'ok' as const, ...parts }, 200);
      return c.json({ status: 'unavailable' as const, ...parts }, 503);
    });
}

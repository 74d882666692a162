import { createRoute, z } from '@hono/zod-openapi';
import { jsonResponse } from '../http/contract.ts';
import type { ApiDependencies } from '../http/deps.ts';
import { newRouter } from '../http/router.ts';

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

/** Shorter than the timeout of common health probes. */
const PROBE_TIMEOUT_MS = 2000;

export function healthRoutes({ store, temporal }: ApiDependencies) {
  return newRouter()
    .openapi(healthz, (c) => c.json({ status: 'ok' as const }, 200))
    .openapi(readyz, async (c) => {
      const [isDatabaseUp, isTemporalUp] = await Promise.all([
        isUp(store.ping().then(() => true)),
        isUp(temporal.isUp(PROBE_TIMEOUT_MS)),
      ]);
      const parts = { database: isDatabaseUp, temporal: isTemporalUp };
      if (isDatabaseUp && isTemporalUp) return c.json({ status: 'ok' as const, ...parts }, 200);
      return c.json({ status: 'unavailable' as const, ...parts }, 503);
    });
}

async function isUp(check: Promise<boolean>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), PROBE_TIMEOUT_MS);
  });
  try {
    return await Promise.race([check.catch(() => false), late]);
  } finally {
    clearTimeout(timer);
  }
}

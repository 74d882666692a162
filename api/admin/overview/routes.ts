import { createRoute } from '@hono/zod-openapi';
import { adminBearer, errorResponses, pageResponse, responsesWith } from '../../http/contract.ts';
import type { ApiDependencies } from '../../http/deps.ts';
import { EXAMPLE } from '../../http/examples.ts';
import { limitQuery, toPage } from '../../http/listing.ts';
import { newRouter } from '../../http/router.ts';
import { EmergencyRelease, Overview, toEmergencyRelease, toOverview } from './objects.ts';

const overview = createRoute({
  method: 'get',
  path: '/overview',
  operationId: 'getOverview',
  summary: 'Get the number of active generations and stuck holds, and what was charged, released and refunded today',
  security: adminBearer,
  responses: responsesWith('The current figures.', Overview, 404),
});

const emergencyReleases = createRoute({
  method: 'get',
  path: '/emergency_releases',
  operationId: 'listEmergencyReleases',
  summary: 'List the holds that were released because their outcome could not be recorded, the newest first',
  security: adminBearer,
  request: { query: limitQuery },
  responses: {
    200: pageResponse('EmergencyReleaseList', EmergencyRelease, EXAMPLE.emergencyRelease),
    ...errorResponses(400, 401, 404, 500, 503),
  },
});

export function overviewRoutes({ ledger }: ApiDependencies) {
  return newRouter()
    .openapi(overview, async (c) => {
      const [seen, sales] = await Promise.all([ledger.getOverview(), ledger.getSales()]);
      return c.json(toOverview(seen, sales), 200);
    })
    .openapi(emergencyReleases, async (c) => {
      const { limit } = c.req.valid('query');
      return c.json(toPage(await ledger.listEmergencyReleases(limit + 1), limit, toEmergencyRelease), 200);
    });
}

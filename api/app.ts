import { bodyLimit } from 'hono/body-limit';
import { requestId } from 'hono/request-id';
import { requireAdminKey, requireApiKey } from './auth.ts';
import type { ApiDependencies } from './deps.ts';
import { bodyTooLarge, handleError, notFound } from './errors.ts';
import { requireJson } from './jsonOnly.ts';
import { documentOf } from './openapi.ts';
import { limitRate } from './rateLimit.ts';
import { newRouter } from './router.ts';
import { adminRoutes } from './routes/admin.ts';
import { adminKeyRoutes } from './routes/adminKeys.ts';
import { adminPriceRoutes } from './routes/adminPrices.ts';
import { adminOperationRoutes } from './routes/adminOperations.ts';
import { creditRoutes } from './routes/credits.ts';
import { doctorRoutes } from './routes/doctor.ts';
import { docsRoutes } from './routes/docs.ts';
import { healthRoutes } from './routes/health.ts';
import { priceRoutes } from './routes/prices.ts';
import { textRoutes } from './routes/texts.ts';
import { videoRoutes } from './routes/videos.ts';
import { webhookDeliveryRoutes } from './routes/webhookDeliveries.ts';
import { webhookEndpointRoutes } from './routes/webhookEndpoints.ts';
import { webhookRoutes } from './routes/webhooks.ts';
import { requireScope } from './scopes.ts';
import { withStreams } from './streams.ts';

/** A file of 10 MB as base64 in JSON, with the fields beside it. */
const MAXIMUM_BODY_BYTES = 14 * 1024 * 1024;
const MAXIMUM_ADMIN_BODY_BYTES = 64 * 1024;
const MAXIMUM_WEBHOOK_BYTES = 64 * 1024;
const WRITING = ['POST', 'PUT', 'PATCH', 'DELETE'];

/** The HTTP API. Reads come from PostgreSQL and never wait on Temporal. */
export function createApp(deps: ApiDependencies) {
  const app = newRouter();
  app.onError(handleError(deps.log));
  app.notFound(() => {
    throw notFound('This route');
  });
  app.use(requestId());
  const tooLarge = () => {
    throw bodyTooLarge();
  };
  // The key first: a stranger's body is not even read.
  app.use('/v1/*', requireApiKey(deps), limitRate(deps.requestsPerMinute), requireScope);
  app.use('/admin/*', requireAdminKey(deps.adminKey), requireJson);
  // A GET's body is never read, and looking whether there is one costs as much as the answer.
  const limit = (maxSize: number) => bodyLimit({ maxSize, onError: tooLarge });
  app.on(WRITING, '/v1/*', limit(MAXIMUM_BODY_BYTES));
  app.on(WRITING, '/admin/*', limit(MAXIMUM_ADMIN_BODY_BYTES));
  app.on(WRITING, '/webhooks/*', limit(MAXIMUM_WEBHOOK_BYTES));

  app.route('/', healthRoutes(deps));
  app.route('/', webhookRoutes(deps));
  const streaming = withStreams(deps);
  app.route('/v1', videoRoutes(streaming));
  app.route('/v1', textRoutes(streaming));
  app.route('/v1', creditRoutes(deps));
  app.route('/v1', priceRoutes(deps));
  app.route('/v1', webhookEndpointRoutes(deps));
  app.route('/v1', webhookDeliveryRoutes(deps));
  app.route('/admin', adminRoutes(deps));
  app.route('/admin', adminKeyRoutes(deps));
  app.route('/admin', adminOperationRoutes(deps));
  app.route('/admin', adminPriceRoutes(deps));
  app.route('/admin', doctorRoutes(deps));

  app.route('/', docsRoutes(documentOf(app)));
  return app;
}

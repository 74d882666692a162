import type { Context } from 'hono';
import { requestId } from 'hono/request-id';
import { requireAdminKey, requireApiKey } from './auth.ts';
import type { ApiDependencies, Env } from './deps.ts';
import { handleError, notFound } from './errors.ts';
import { requireJson } from './jsonOnly.ts';
import { documentOf } from './openapi.ts';
import { limitAtOnce, limitRate } from './rateLimit.ts';
import { ADMIN_BODY, createBodyReader, JSON_BODY, VIDEO_BODY, WEBHOOK_BODY } from './readBody.ts';
import { newRouter } from './router.ts';
import { adminRoutes } from './routes/admin.ts';
import { adminKeyRoutes } from './routes/adminKeys.ts';
import { adminPriceRoutes } from './routes/adminPrices.ts';
import { adminOperationRoutes } from './routes/adminOperations.ts';
import { adminSalesRoutes } from './routes/adminSales.ts';
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

const WRITING = ['POST', 'PUT', 'PATCH', 'DELETE'];

/** The HTTP API. Reads come from PostgreSQL and never wait on Temporal. */
export function createApp(deps: ApiDependencies) {
  const app = newRouter();
  app.onError(handleError(deps.log));
  app.notFound(() => {
    throw notFound('This route');
  });
  app.use(requestId());
  // The key first, by the headers alone: a stranger's body is not read.
  app.use('/v1/*', requireApiKey(deps), limitRate(deps.requestsPerMinute), limitAtOnce(), requireScope);
  app.use('/admin/*', requireAdminKey(deps.adminKey), requireJson);
  const readBody = createBodyReader();
  const readVideo = readBody(VIDEO_BODY, accountOf);
  const readJson = readBody(JSON_BODY, accountOf);
  app.on(WRITING, '/v1/*', (c, next) => (c.req.path === '/v1/videos' ? readVideo : readJson)(c, next));
  app.on(
    WRITING,
    '/admin/*',
    readBody(ADMIN_BODY, () => 'admin'),
  );
  if (deps.webhookSecret !== undefined) {
    app.on(
      WRITING,
      '/webhooks/*',
      readBody(WEBHOOK_BODY, () => 'webhooks'),
    );
  }

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
  app.route('/admin', adminSalesRoutes(deps));
  app.route('/admin', doctorRoutes(deps));

  app.route('/', docsRoutes(documentOf(app)));
  return app;
}

const accountOf = (c: Context<Env>) => c.get('caller').accountId;

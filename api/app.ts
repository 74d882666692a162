import type { Context } from 'hono';
import { requestId } from 'hono/request-id';
import { requireAdminKey, requireApiKey } from './http/auth.ts';
import type { ApiDependencies, Env } from './http/deps.ts';
import { handleError } from './http/errors.ts';
import { documentOf } from './http/openapi.ts';
import { limitAtOnce, limitRate } from './http/rateLimit.ts';
import { ADMIN_BODY, createBodyReader, JSON_BODY, REMIX_BODY, VIDEO_BODY, WEBHOOK_BODY } from './http/readBody.ts';
import { newRouter } from './http/router.ts';
import { noRoute, requireRoute } from './http/knownRoutes.ts';
import { creditRoutes } from './credits/routes.ts';
import { adminRoutes } from './admin/routes.ts';
import { docsRoutes } from './docs/routes.ts';
import { healthRoutes } from './health/routes.ts';
import { modelRoutes } from './models/routes.ts';
import { textRoutes } from './texts/routes.ts';
import { videoRoutes } from './videos/routes.ts';
import { webhookDeliveryRoutes } from './webhooks/deliveries/routes.ts';
import { webhookEndpointRoutes } from './webhooks/endpoints/routes.ts';
import { TENANT } from './webhooks/owner.ts';
import { requireSender } from './provider-events/handlers.ts';
import { providerEventRoutes } from './provider-events/routes.ts';
import { requireScope } from './http/scopes.ts';
import { withStreams } from './http/streams.ts';
import { turnAway } from './http/turnAway.ts';

const WRITING = ['POST', 'PUT', 'PATCH', 'DELETE'];

/** The HTTP API. Reads come from PostgreSQL and never wait on Temporal. */
export function createApp(deps: ApiDependencies) {
  const app = newRouter();
  app.onError(handleError(deps.log));
  app.notFound(() => {
    throw noRoute();
  });
  app.use(requestId());
  // The key first, by the headers alone: a stranger's body is not read.
  app.use('/v1/*', requireApiKey(deps), limitRate(deps), limitAtOnce());
  app.use('/admin/*', requireAdminKey(deps.adminKey));
  app.use(requireRoute(() => app.routes));
  app.use('/v1/*', requireScope, turnAway(deps));
  const readBody = createBodyReader();
  const readVideo = readBody(VIDEO_BODY, accountOf);
  const readRemix = readBody(REMIX_BODY, accountOf);
  const readJson = readBody(JSON_BODY, accountOf);
  app.on(WRITING, '/v1/*', (c, next) => {
    if (c.req.path === '/v1/videos') return readVideo(c, next);
    return (c.req.path.endsWith('/remix') ? readRemix : readJson)(c, next);
  });
  app.on(
    WRITING,
    '/admin/*',
    readBody(ADMIN_BODY, () => 'admin'),
  );
  const readWebhook = readBody(WEBHOOK_BODY, () => 'webhooks');
  // Nothing is read of what nobody may send.
  app.on(WRITING, '/webhooks/*', (c, next) => {
    requireSender(deps, c.req.path.slice('/webhooks/'.length));
    return readWebhook(c, next);
  });

  app.route('/', healthRoutes(deps));
  app.route('/', providerEventRoutes(deps));
  const streaming = withStreams(deps);
  app.route('/v1', videoRoutes(streaming));
  app.route('/v1', textRoutes(streaming));
  app.route('/v1', creditRoutes(deps));
  app.route('/v1', modelRoutes(deps));
  app.route('/v1', webhookEndpointRoutes(deps, TENANT));
  app.route('/v1', webhookDeliveryRoutes(deps, TENANT));
  app.route('/admin', adminRoutes(deps));

  app.route('/', docsRoutes(documentOf(app)));
  return app;
}

const accountOf = (c: Context<Env>) => c.get('caller').accountId;

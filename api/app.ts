import { requestId } from 'hono/request-id';
import { consoleRoutes } from './console/routes.tsx';
import { requireOperatorsSession, requireSession } from './console/sessions.ts';
import { docsRoutes } from './docs/routes.ts';
import { healthRoutes } from './health/routes.ts';
import { requireAdminKey, requireApiKey } from './http/auth.ts';
import type { ApiDependencies } from './http/deps.ts';
import { handleError } from './http/errors.ts';
import { noRoute } from './http/knownRoutes.ts';
import { documentOf } from './http/openapi.ts';
import { createBodyReader, WEBHOOK_BODY } from './http/readBody.ts';
import { newRouter } from './http/router.ts';
import { requireSender } from './provider-events/handlers.ts';
import { providerEventRoutes } from './provider-events/routes.ts';
import { createResources, WRITING } from './resources.ts';

/** The HTTP API and the console. Reads come from PostgreSQL and never wait on Temporal. */
export function createApp(deps: ApiDependencies) {
  const app = newApp(deps);
  const readBody = createBodyReader();
  const serveResources = createResources(deps, readBody);
  // The same routes once more, not reachable from outside: the console sends its requests on to them.
  const forSessions = newApp(deps);
  serveResources(forSessions, { account: requireSession(deps), operator: requireOperatorsSession(deps) });

  app.route('/', consoleRoutes(deps, { forSessions, readBody }));
  serveResources(app, { account: requireApiKey(deps), operator: requireAdminKey(deps.adminKey) });
  const readWebhook = readBody(WEBHOOK_BODY, () => 'webhooks');
  // Nothing is read of what nobody may send.
  app.on(WRITING, '/webhooks/*', (c, next) => {
    requireSender(deps, c.req.path.slice('/webhooks/'.length));
    return readWebhook(c, next);
  });
  app.route('/', healthRoutes(deps));
  app.route('/', providerEventRoutes(deps));
  app.route('/', docsRoutes(documentOf(app)));
  return app;
}

function newApp(deps: ApiDependencies) {
  const app = newRouter();
  app.onError(handleError(deps.log));
  app.notFound(() => {
    throw noRoute();
  });
  app.use(requestId());
  return app;
}

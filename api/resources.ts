import type { Context, MiddlewareHandler } from 'hono';
import { adminRoutes } from './admin/routes.ts';
import { creditRoutes } from './credits/routes.ts';
import type { ApiDependencies, Env } from './http/deps.ts';
import { requireRoute } from './http/knownRoutes.ts';
import { limitAtOnce, limitRate } from './http/rateLimit.ts';
import { ADMIN_BODY, type createBodyReader, JSON_BODY, REMIX_BODY, VIDEO_BODY } from './http/readBody.ts';
import type { newRouter } from './http/router.ts';
import { requireScope } from './http/scopes.ts';
import { withStreams } from './http/streams.ts';
import { turnAway } from './http/turnAway.ts';
import { modelRoutes } from './models/routes.ts';
import { textRoutes } from './texts/routes.ts';
import { videoRoutes } from './videos/routes.ts';
import { webhookDeliveryRoutes } from './webhooks/deliveries/routes.ts';
import { webhookEndpointRoutes } from './webhooks/endpoints/routes.ts';
import { TENANT } from './webhooks/owner.ts';

/** How an app knows who asks. */
export interface Authentication {
  /** Sets `caller`, or raises `invalid_api_key`. */
  readonly account: MiddlewareHandler<Env>;
  /** Raises `invalid_api_key` unless an operator asks. */
  readonly operator: MiddlewareHandler<Env>;
}

export const WRITING = ['POST', 'PUT', 'PATCH', 'DELETE'];

/**
 * Serves `/v1` and `/admin` in each app that it is given: for programs that send a key, and for sessions of the console. What is
 * limited is limited for both together.
 */
export function createResources(deps: ApiDependencies, readBody: ReturnType<typeof createBodyReader>) {
  const limits = [limitRate(deps), limitAtOnce()] as const;
  const streaming = withStreams(deps);
  const readVideo = readBody(VIDEO_BODY, accountOf);
  const readRemix = readBody(REMIX_BODY, accountOf);
  const readJson = readBody(JSON_BODY, accountOf);
  const readAdmin = readBody(ADMIN_BODY, () => 'admin');

  return (app: ReturnType<typeof newRouter>, { account, operator }: Authentication): void => {
    // The key first, by the headers alone: a stranger's body is not read.
    app.use('/v1/*', account, ...limits);
    app.use('/admin/*', operator);
    app.use(requireRoute(() => app.routes));
    app.use('/v1/*', requireScope, turnAway(deps));
    app.on(WRITING, '/v1/*', (c, next) => {
      if (c.req.path === '/v1/videos') return readVideo(c, next);
      return (c.req.path.endsWith('/remix') ? readRemix : readJson)(c, next);
    });
    app.on(WRITING, '/admin/*', readAdmin);
    app.route('/v1', videoRoutes(streaming));
    app.route('/v1', textRoutes(streaming));
    app.route('/v1', creditRoutes(deps));
    app.route('/v1', modelRoutes(deps));
    app.route('/v1', webhookEndpointRoutes(deps, TENANT));
    app.route('/v1', webhookDeliveryRoutes(deps, TENANT));
    app.route('/admin', adminRoutes(deps));
  };
}

const accountOf = (c: Context<Env>) => c.get('caller').accountId;

import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { repository } from '../../dev/state.ts';
import type { Start } from './checks.ts';

type Handler = (request: Request, context: { readonly params: Promise<{ order: string }> }) => Promise<Response>;

/** Serves the route handlers of the Next.js example at the paths at which Next.js does. */
export const startNextRoutes: Start = async (_folder, settings) => {
  const [videos, order, webhooks] = await Promise.all([
    route('videos', 'POST'),
    route('videos/[order]', 'GET'),
    route('holdfast', 'POST'),
  ]);
  const server = createAdaptorServer({
    fetch: (request: Request) => {
      const { pathname } = new URL(request.url);
      const [, id] = /^\/api\/videos\/(.+)$/.exec(pathname) ?? [];
      const context = { params: Promise.resolve({ order: id ?? '' }) };
      if (id !== undefined) return order(request, context);
      return pathname === '/api/holdfast' ? webhooks(request, context) : videos(request, context);
    },
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  Object.assign(process.env, await settings(url, '/api/holdfast'));
  return { url, routes: { videos: '/api/videos', webhooks: '/api/holdfast' } };
};

async function route(path: string, method: string): Promise<Handler> {
  const file = pathToFileURL(join(repository, 'examples', 'next', 'app', 'api', path, 'route.js'));
  return ((await import(file.href)) as Record<string, Handler>)[method]!;
}

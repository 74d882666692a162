import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import type { Server } from 'node:http';
import { createAdaptorServer } from '@hono/node-server';
import { Hono } from 'hono';
import { chatRoutes } from './chat.ts';
import { controlRoutes, GlobalFault } from './control.ts';
import { dialectCalled } from './dialects/index.ts';
import { ApiError, errorResponse, noRoute, type Env } from './errors.ts';
import type { Simulation } from './simulation.ts';
import { Store } from './store.ts';
import { videoRoutes } from './videos.ts';
import { Webhooks } from './webhooks.ts';

const CREATE_PATH = /^\/v1\/videos(\/[^/]+\/remix)?$/;

/** A simulator's settings; `now` and `webhook.retry_ms` are for tests. */
export interface SimulatorOptions {
  dir: string;
  videoSeconds?: number;
  /** The name of one of DIALECTS. */
  dialect?: string;
  apiKey?: string | undefined;
  webhook?: { url: string; secret: string; retry_ms?: number } | undefined;
  log?: ((line: string) => void) | undefined;
  now?: () => number;
}

/** A simulator that does not listen yet. */
export interface Simulator {
  app: Hono<Env>;
  close: () => void;
}

/** Creates a simulator on its folder; `listen` binds it to a port. */
export function createSimulator(options: SimulatorOptions): Simulator {
  const { dir, videoSeconds = 6, apiKey, webhook, log, now = Date.now } = options;
  const dialect = dialectCalled(options.dialect ?? 'openai');
  const store = new Store(dir);
  const webhooks = new Webhooks(webhook && dialect.webhooks ? { retry_ms: 1000, ...webhook } : null, store, now);
  const simulation: Simulation = { store, webhooks, now, video_ms: videoSeconds * 1000, dialect };
  const fault = new GlobalFault();
  const app = new Hono<Env>();

  app.use(async (c, next) => {
    const started_ms = Date.now();
    c.set('tellError', dialect.tellError);
    for (const [name, value] of Object.entries(dialect.headers())) c.header(name, value);
    c.header('x-request-id', `req_${randomBytes(16).toString('hex')}`);
    if (c.req.method === 'POST' && CREATE_PATH.test(c.req.path)) store.increment('creates');
    await next();
    log?.(`${c.req.method} ${c.req.path} ${c.res.status} ${Date.now() - started_ms} ms`);
  });
  app.route('/_simulator', controlRoutes(store, fault));
  app.use('/v1/*', fault.strike);
  app.use('/v1/*', async (c, next) => {
    authorize(c.req.header('authorization'), apiKey);
    await next();
  });
  app.route('/v1/videos', videoRoutes(simulation));
  app.route('/v1/chat', chatRoutes(simulation));
  app.notFound((c) => errorResponse(c, noRoute(c.req)));
  app.onError((error, c) => {
    if (error instanceof ApiError) return errorResponse(c, error);
    console.error(error);
    return errorResponse(c, new ApiError(500, 'server_error', 'The simulator made a mistake of its own.'));
  });
  return { app, close: () => webhooks.close() };
}

/** Listens on 127.0.0.1 unless told otherwise, port 0 for any; `close` cuts open connections. */
export async function listen(
  simulator: Simulator,
  port = 0,
  host = '127.0.0.1',
): Promise<{ url: string; close: () => Promise<void> }> {
  const server = createAdaptorServer({ fetch: simulator.app.fetch }) as Server;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, host, resolve);
  });
  const close = (): Promise<void> => {
    simulator.close();
    return new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close };
}

function authorize(header: string | undefined, apiKey: string | undefined): void {
  const key = /^bearer\s+(\S+)$/i.exec(header ?? '')?.[1];
  const refusal = (message: string) => new ApiError(401, 'invalid_api_key', message, null, 'key');
  if (key === undefined) throw refusal("You didn't provide an API key.");
  if (apiKey !== undefined && key !== apiKey) throw refusal('Incorrect API key provided.');
}

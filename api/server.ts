import type { Server } from 'node:http';
import { createAdaptorServer } from '@hono/node-server';
import type { createApp } from './app.ts';

/** How much time and memory of a process a connection may use. */
export interface ServerLimits {
  /** From the start of the connection, or the end of the previous request, to the end of the headers. */
  readonly headersTimeoutMs: number;
  /** The same, to the end of the body. */
  readonly requestTimeoutMs: number;
  /** A connection without traffic in either direction. */
  readonly idleTimeoutMs: number;
  /** A connection between requests. */
  readonly keepAliveTimeoutMs: number;
  /** How often the first two are checked. */
  readonly checkIntervalMs: number;
  readonly maximumHeaderBytes: number;
  /** Further connections are closed at once. */
  readonly maximumConnections: number;
}

const LIMITS: ServerLimits = {
  headersTimeoutMs: 15_000,
  // 10 MB at a megabit a second take 80 s.
  requestTimeoutMs: 120_000,
  // Event streams send something every 15 s, and only a reconciliation takes longer to answer.
  idleTimeoutMs: 120_000,
  keepAliveTimeoutMs: 5000,
  checkIntervalMs: 5000,
  maximumHeaderBytes: 16 * 1024,
  maximumConnections: 10_000,
};

/** An HTTP server for the app, not listening yet. It answers a slow request with 408 and too many headers with 431. */
export function createServer(
  app: Pick<ReturnType<typeof createApp>, 'fetch'>,
  limits: Partial<ServerLimits> = {},
): Server {
  const all = { ...LIMITS, ...limits };
  const server = createAdaptorServer({
    fetch: app.fetch,
    serverOptions: {
      headersTimeout: all.headersTimeoutMs,
      requestTimeout: all.requestTimeoutMs,
      keepAliveTimeout: all.keepAliveTimeoutMs,
      connectionsCheckingInterval: all.checkIntervalMs,
      maxHeaderSize: all.maximumHeaderBytes,
    },
  }) as Server;
  server.setTimeout(all.idleTimeoutMs);
  server.maxConnections = all.maximumConnections;
  return server;
}

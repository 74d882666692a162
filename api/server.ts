import type { Server } from 'node:http';
import { createAdaptorServer } from '@hono/node-server';
import type { createApp } from './app.ts';
import { answerClientErrors } from './http/clientErrors.ts';

/** What one connection may take of a process, in time and in memory. */
export interface ServerLimits {
  /** From the first byte of a connection, or the end of the request before, to the end of the headers. */
  readonly headersTimeoutMs: number;
  /** To the end of the body. */
  readonly requestTimeoutMs: number;
  /** A connection on which nothing moves, in neither direction. */
  readonly idleTimeoutMs: number;
  /** A connection between two requests. */
  readonly keepAliveTimeoutMs: number;
  /** How often the first two are looked at. */
  readonly checkIntervalMs: number;
  readonly maximumHeaderBytes: number;
  /** More are closed as they come. */
  readonly maximumConnections: number;
}

const LIMITS: ServerLimits = {
  headersTimeoutMs: 15_000,
  // 10 MB at a megabit a second take 80 s.
  requestTimeoutMs: 120_000,
  // Streams of events say something every 15 s, and no answer but a reconciliation's is waited for longer.
  idleTimeoutMs: 120_000,
  keepAliveTimeoutMs: 5000,
  checkIntervalMs: 5000,
  maximumHeaderBytes: 16 * 1024,
  maximumConnections: 10_000,
};

/** An HTTP server for the app, not listening yet. Who is too slow is answered 408 and cut off, too many headers 431. */
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
  answerClientErrors(server, all.maximumHeaderBytes);
  server.setTimeout(all.idleTimeoutMs);
  server.maxConnections = all.maximumConnections;
  return server;
}

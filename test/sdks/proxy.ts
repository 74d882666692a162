import type { AddressInfo } from 'node:net';
import type { HttpBindings, ServerType } from '@hono/node-server';
import { serve } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { Hono } from 'hono';
import { proxy } from 'hono/proxy';

/** A request as the server saw it, and its answer. */
export interface Passed {
  readonly key: string;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  /** As the server said it. */
  readonly retryAfter: string | null;
  readonly atMs: number;
}

export interface CountingProxy {
  readonly url: string;
  /** The requests with this key, in order. */
  readonly of: (key: string) => Passed[];
  readonly close: () => Promise<void>;
}

/**
 * A proxy in front of the API that records requests and answers. It shortens Retry-After to a second, so that tests don't
 * wait long. `onAnswer` is awaited before the answer goes on; if it says `lose`, the connection breaks instead.
 */
export async function startCountingProxy(
  target: string,
  onAnswer: (passed: Passed) => Promise<'pass' | 'lose'>,
): Promise<CountingProxy> {
  const all: Passed[] = [];
  const app = new Hono<{ Bindings: HttpBindings }>();
  app.all('*', async (c) => {
    const { pathname, search } = new URL(c.req.url);
    const atMs = performance.now();
    const answer = await proxy(target + pathname + search, c.req);
    const passed = {
      key: (c.req.header('authorization') ?? '').replace(/^Bearer /, ''),
      method: c.req.method,
      path: pathname,
      status: answer.status,
      retryAfter: answer.headers.get('retry-after'),
      atMs,
    };
    all.push(passed);
    if ((await onAnswer(passed)) === 'lose') {
      c.env.incoming.socket.destroy();
      return RESPONSE_ALREADY_SENT;
    }
    if (passed.retryAfter !== null) answer.headers.set('retry-after', '1');
    return answer;
  });
  const server = await new Promise<ServerType>((resolve) => {
    const started = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, () => resolve(started));
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    of: (key) => all.filter((passed) => passed.key === key),
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isIPv6, type Socket } from 'node:net';
import type { buildConnector } from 'undici';
import { connector, guarded } from './connector.ts';

/** The proxy did not connect us. */
export class ProxyRefused extends Error {
  constructor(
    readonly how: string,
    /** Whether the proxy let us in and did not get through to the server behind it. */
    readonly isTargetAway: boolean,
  ) {
    super(`the proxy ${how}`);
  }
}

/** A proxy that refuses us says 4xx, but for these. With any other status it says that it can't reach the server behind it. */
const TARGET_AWAY = [404, 408];
const isTargetAway = (status: number) => status >= 500 || TARGET_AWAY.includes(status);

/**
 * Connects through a proxy by CONNECT, for plain HTTP too: the proxy is told a host and a port, and a tunnel that does not come
 * about is an error of connecting, before the first byte of a request (MR-40). Without a proxy it connects directly.
 */
export function proxyConnector(
  proxyUrl: string | undefined,
  options: buildConnector.BuildOptions & { timeout: number },
): buildConnector.connector {
  const connect = connector(options);
  if (proxyUrl === undefined) return connect;
  const proxy = new URL(proxyUrl);
  return (target, callback) => {
    const host = isIPv6(target.hostname) ? `[${target.hostname}]` : target.hostname;
    const port = target.port || (target.protocol === 'https:' ? '443' : '80');
    openTunnel(proxy, `${host}:${port}`, options.timeout).then(
      (socket) => {
        if (target.protocol === 'https:') connect({ ...target, httpSocket: socket }, callback);
        else callback(null, guarded(socket));
      },
      (error: unknown) => callback(error as Error, null),
    );
  };
}

/** Resolves with a connection to `authority` through the proxy; rejects with `ProxyRefused`. */
async function openTunnel(proxy: URL, authority: string, timeoutMs: number): Promise<Socket> {
  const request = (proxy.protocol === 'https:' ? requestHttps : requestHttp)({
    host: proxy.hostname.replace(/^\[|\]$/g, ''),
    port: proxy.port || (proxy.protocol === 'https:' ? 443 : 80),
    method: 'CONNECT',
    path: authority,
    headers: { host: authority, ...authorization(proxy) },
    agent: false,
  });
  return new Promise((resolve, reject) => {
    let isAsked = false;
    const refuse = (how: string, isAway: boolean) => {
      clearTimeout(timer);
      request.destroy();
      reject(new ProxyRefused(how, isAway));
    };
    // Most proxies wait longer than we do for a server that is silent.
    const timer = setTimeout(() => refuse(`does not answer within ${timeoutMs / 1000} s`, isAsked), timeoutMs);
    request.once('socket', (socket) => socket.once('connect', () => (isAsked = true)));
    request.on('error', (error: NodeJS.ErrnoException) =>
      refuse(`can't be reached (${error.code ?? error.name})`, false),
    );
    request.once('response', ({ statusCode = 0 }) => refuse(`answers ${statusCode}`, isTargetAway(statusCode)));
    request.once('connect', ({ statusCode = 0 }, socket: Socket, head: Buffer) => {
      if (statusCode < 200 || statusCode > 299) {
        socket.destroy();
        refuse(`answers ${statusCode}`, isTargetAway(statusCode));
        return;
      }
      clearTimeout(timer);
      if (head.length > 0) socket.unshift(head);
      resolve(socket);
    });
    request.end();
  });
}

function authorization({ username, password }: URL): Record<string, string> {
  if (username === '') return {};
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(credentials).toString('base64')}` };
}

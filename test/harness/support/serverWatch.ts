import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';

export interface ServerWatch {
  /** How many requests with this path have arrived, with a query or without. */
  readonly arrived: (method: string, path: string) => number;
  /** Cuts every connection that a server of this process has on this port. */
  readonly cut: (port: number) => void;
  readonly end: () => void;
}

/**
 * Watches what servers of this process receive from now on. A simulator that hangs counts nothing and never
 * answers; this shows what has reached it, and cutting its connections lets waiting workers stop.
 */
export function watchServers(): ServerWatch {
  const sockets = new Set<Socket>();
  const requests = new Map<string, number>();
  const connected = (message: unknown) => {
    const { socket } = message as { socket: Socket };
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  };
  const requested = (message: unknown) => {
    const { method, url } = (message as { request: IncomingMessage }).request;
    const key = `${method} ${url?.split('?')[0]}`;
    requests.set(key, (requests.get(key) ?? 0) + 1);
  };
  subscribe('net.server.socket', connected);
  subscribe('http.server.request.start', requested);
  return {
    arrived: (method, path) => requests.get(`${method} ${path}`) ?? 0,
    cut: (port) => {
      for (const socket of sockets) if (socket.localPort === port) socket.destroy();
    },
    end: () => {
      unsubscribe('net.server.socket', connected);
      unsubscribe('http.server.request.start', requested);
    },
  };
}

import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { connect, createServer } from 'node:net';

/** Forwards TCP until it is told to swallow: then connections stay open and are accepted, but nothing passes. */
export interface SwallowingProxy {
  readonly port: number;
  readonly swallow: () => void;
  readonly pass: () => void;
  readonly close: () => Promise<void>;
}

export async function startSwallowingProxy(url: string): Promise<SwallowingProxy> {
  const target = new URL(url);
  const sockets = new Set<Socket>();
  let swallows = false;
  const joined = (from: Socket, to: Socket) => {
    sockets.add(from);
    from.on('data', (bytes) => {
      if (!swallows) to.write(bytes);
    });
    from.on('error', () => undefined);
    from.on('close', () => {
      sockets.delete(from);
      to.destroy();
    });
  };
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    joined(client, upstream);
    joined(upstream, client);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    swallow: () => {
      swallows = true;
    },
    // Connections that began meanwhile lack their first bytes.
    pass: () => {
      swallows = false;
      for (const socket of sockets) socket.destroy();
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

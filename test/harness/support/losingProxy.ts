import type { AddressInfo, Socket } from 'node:net';
import { connect, createServer } from 'node:net';

export interface LosingProxy {
  readonly url: string;
  /** How many answers it has lost. */
  readonly lost: () => number;
  readonly close: () => void;
}

/**
 * A proxy in front of the API that loses the answers to its first POSTs. `break`: the client's connection breaks, as when a
 * network fails at that moment. `swallow`: the loss is silent: the client waits, and the API's own connection stays
 * open after the client has gone.
 */
export async function startLosingProxy(url: string, losses: number, how: 'break' | 'swallow'): Promise<LosingProxy> {
  const target = new URL(url);
  const sockets = new Set<Socket>();
  let lost = 0;
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    let posted = false;
    let isLost = false;
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
    }
    client.on('close', () => {
      if (!isLost || how === 'break') upstream.destroy();
    });
    upstream.on('close', () => client.destroy());
    client.on('data', (data) => {
      posted ||= data.toString('latin1').startsWith('POST /v1/');
      upstream.write(data);
    });
    upstream.on('data', (data) => {
      if (posted && !isLost && lost < losses) {
        lost += 1;
        isLost = true;
      }
      if (!isLost) client.write(data);
      else if (how === 'break') client.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    lost: () => lost,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

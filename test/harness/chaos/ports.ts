import { createServer } from 'node:net';

/** Below what systems hand out for outgoing connections: a part that is killed must find its port free again. */
const FIRST = 21_000;
const LAST = 31_999;

const taken = new Set<number>();

/** A port of 127.0.0.1 on which nobody listens, that this process has not been given before. */
export async function ownPort(): Promise<number> {
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST + 1));
    if (taken.has(port) || !(await isFree(port))) continue;
    taken.add(port);
    return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

import { createServer, type IncomingHttpHeaders } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';

export interface Tunnel {
  readonly to: string;
  readonly headers: IncomingHttpHeaders;
}

export interface ConnectProxy {
  readonly url: string;
  readonly tunnels: readonly Tunnel[];
  /** What it was asked for beside tunnels. */
  readonly others: readonly string[];
  /** From now on it answers each CONNECT with this status; any but 200 also breaks the tunnels that there are. */
  answerWith(status: number): void;
  close(): void;
}

/** A real HTTP proxy on a free port. `serveTunnel` replaces the connection to where the tunnel leads. */
export async function startConnectProxy({
  serveTunnel = lead,
}: { serveTunnel?: (socket: Socket, to: string) => void } = {}): Promise<ConnectProxy> {
  const tunnels: Tunnel[] = [];
  const others: string[] = [];
  const sockets = new Set<Socket>();
  let status = 200;
  const server = createServer((request, response) => {
    others.push(`${request.method} ${request.url}`);
    response.end();
  });
  server.on('connection', (socket) => sockets.add(socket));
  server.on('connect', (request, socket: Socket) => {
    const to = request.url ?? '';
    tunnels.push({ to, headers: request.headers });
    socket.on('error', () => undefined);
    socket.write(`HTTP/1.1 ${status} As asked\r\n\r\n`);
    if (status === 200) serveTunnel(socket, to);
    else socket.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const breakTunnels = () => sockets.forEach((socket) => socket.destroy());
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    tunnels,
    others,
    answerWith: (asked) => {
      status = asked;
      if (asked !== 200) breakTunnels();
    },
    close: () => {
      breakTunnels();
      server.close();
    },
  };
}

function lead(socket: Socket, to: string): void {
  const { hostname, port } = new URL(`http://${to}`);
  const onward = connect(Number(port), hostname);
  onward.on('error', () => socket.destroy());
  socket.on('close', () => onward.destroy());
  socket.pipe(onward).pipe(socket);
}

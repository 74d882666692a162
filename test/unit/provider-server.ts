import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { type CompletionRequest, createProvider, type ProviderSettings } from '../../provider/index.ts';

export const KEY = 'sk-holdfast-test-0123456789abcdef';
export const PROMPT = 'an ad for a small red kite';

export const COMPLETION: CompletionRequest = {
  model: 'a-model',
  messages: [{ role: 'user', content: 'a small red kite' }],
  format: { name: 'kite', schema: { type: 'object' } },
  maxOutputTokens: 100,
};

export interface Recorded {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

type Handler = (response: ServerResponse, request: IncomingMessage) => void;

const open: { close(): Promise<void> }[] = [];

/** A real HTTP server on a free port; the handler runs once the request was read and recorded. */
export async function serve(handler: Handler): Promise<{ baseUrl: string; requests: Recorded[] }> {
  const requests: Recorded[] = [];
  const server = createServer((request, response) => {
    void buffer(request).then((body) => {
      const { method = '', url = '', headers } = request;
      requests.push({ method, url, headers, body });
      handler(response, request);
    });
  });
  const port = await listen(server);
  open.push({ close: () => closed(server, () => server.closeAllConnections()) });
  return { baseUrl: `http://127.0.0.1:${port}/v1`, requests };
}

/** A server that only accepts TCP; what it does with a connection is up to `onSocket`. */
export async function serveTcp(onSocket: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => sockets.delete(socket));
    onSocket(socket);
  });
  const port = await listen(server);
  open.push({ close: () => closed(server, () => sockets.forEach((socket) => socket.destroy())) });
  return port;
}

/** A port of 127.0.0.1 where nobody listens. */
export async function closedPort(): Promise<number> {
  const server = createTcpServer();
  const port = await listen(server);
  await closed(server, () => undefined);
  return port;
}

export async function closeServers(): Promise<void> {
  await Promise.all(open.splice(0).map((each) => each.close()));
}

export function json(status: number, body: unknown, headers: Record<string, string> = {}): Handler {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  };
}

export function provider(baseUrl: string, settings: Partial<ProviderSettings> = {}) {
  return createProvider({ name: 'openai', baseUrl, apiKey: KEY, createEncoding: 'json', ...settings });
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

function closed(server: Server, disconnect: () => void): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    disconnect();
  });
}

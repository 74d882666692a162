import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { connect as connectTo } from 'node:net';
import { createApp } from '../../../api/app.ts';
import { sha256 } from '../../../api/http/auth.ts';
import type { ApiDependencies } from '../../../api/http/deps.ts';
import type { ServerLimits } from '../../../api/server.ts';
import { createServer } from '../../../api/server.ts';

/** The API's own routes and server without a database, and bare sockets: what no client's library would send. */

export const MEGABYTE = 1024 * 1024;
/** What the two kernels hold of a connection, and what the server reads before it hangs up. */
export const IN_FLIGHT = 16 * MEGABYTE;
export const ADMIN_KEY = 'the-admin-key-of-the-tests';

/** The headers of a request by this account; a key `unknown` is nobody's. */
export const authOf = (account: string) => `Host: holdfast\r\nAuthorization: Bearer ${account}\r\n`;

export interface BareApi {
  readonly server: Server;
  readonly port: number;
  /** Everything the API logged as a warning or an error. */
  readonly logged: unknown[];
  readonly close: () => void;
}

/** Every key is valid, and its account's, but `unknown`; a balance is never told, and nothing has a price. */
export async function serveBare(limits: Partial<ServerLimits> = {}): Promise<BareApi> {
  const logged: unknown[] = [];
  const log = (...entry: unknown[]) => logged.push(entry);
  const app = createApp({
    store: { findCaller: (hash: Buffer) => Promise.resolve(callerOf(hash)) },
    ledger: {
      listTextPrices: async () => [],
      listPrices: () => Promise.resolve([]),
      getBalance: () => new Promise(() => undefined),
    },
    adminKey: ADMIN_KEY,
    webhookSecret: 'whsec_c2VjcmV0',
    requestsPerMinute: 1_000_000,
    streamLimits: { ofOneKey: 1, inAll: 1 },
    log: { error: log, warn: log, info: () => undefined },
  } as unknown as ApiDependencies);
  const server = createServer(app, limits);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    server,
    logged,
    port: (server.address() as AddressInfo).port,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

const UNKNOWN = sha256('unknown');

function callerOf(hash: Buffer) {
  if (hash.equals(UNKNOWN)) return { standing: 'unknown' };
  const account = hash.toString('hex');
  const caller = {
    apiKeyId: account,
    accountId: account,
    rotatedFrom: account,
    scopes: null,
    requestsPerMinute: null,
    hasSpendLimit: false,
  };
  return { standing: 'valid', caller };
}

export interface Line {
  readonly socket: Socket;
  readonly received: () => string;
  readonly isClosed: () => boolean;
  /** Resolves with all that was received, when the connection is closed. */
  readonly closed: Promise<string>;
}

export function open(port: number): Line {
  const socket = connectTo(port, '127.0.0.1');
  let text = '';
  let isClosed = false;
  socket.on('data', (chunk) => (text += chunk.toString('latin1')));
  socket.on('error', () => undefined);
  const closed = new Promise<string>((resolve) => {
    socket.on('close', () => {
      isClosed = true;
      resolve(text);
    });
  });
  return { socket, received: () => text, isClosed: () => isClosed, closed };
}

/** Sends as fast as the connection takes it, until it is answered or closed; answers with how much that was. */
export async function pour(line: Line, chunk: Buffer | string, atMostBytes: number): Promise<number> {
  let sent = 0;
  while (line.received() === '' && !line.isClosed() && sent < atMostBytes) {
    sent += chunk.length;
    if (line.socket.write(chunk)) await new Promise(setImmediate);
    else await Promise.race([once(line.socket, 'drain').catch(() => undefined), line.closed]);
  }
  return sent;
}

export const statusOf = (text: string) => text.split('\r\n', 1)[0];

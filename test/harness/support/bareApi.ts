import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { connect as connectTo } from 'node:net';
import { createApp } from '../../../api/app.ts';
import { Door } from '../../../api/door/door.ts';
import { sha256 } from '../../../api/http/auth.ts';
import type { ApiDependencies } from '../../../api/http/deps.ts';
import type { ServerLimits } from '../../../api/server.ts';
import { createServer } from '../../../api/server.ts';
import { createProviders } from '../../../provider/index.ts';
import { leasingOnce } from './fakedApi.ts';

/** The API's routes and server without a database, and bare sockets, for bytes that no client library sends. */

export const MEGABYTE = 1024 * 1024;
/** The bytes that both kernels buffer for a connection, plus those that the server reads before it closes it. */
export const IN_FLIGHT = 16 * MEGABYTE;
export const ADMIN_KEY = 'the-admin-key-of-the-tests';

/** The headers of a request by this account; the key `unknown` has no owner. */
export const authOf = (account: string) => `Host: holdfast\r\nAuthorization: Bearer ${account}\r\n`;

export interface BareApi {
  readonly server: Server;
  readonly port: number;
  /** Everything the API logged as a warning or an error. */
  readonly logged: unknown[];
  readonly close: () => void;
}

/** Every key except `unknown` is valid for its account; balances are never answered, and nothing has a price. */
export async function serveBare(limits: Partial<ServerLimits> = {}): Promise<BareApi> {
  const logged: unknown[] = [];
  const log = (...entry: unknown[]) => logged.push(entry);
  const app = createApp({
    store: { findCaller: (hash: Buffer) => Promise.resolve(callerOf(hash)), leaseRequests: leasingOnce() },
    ledger: {
      listTextPrices: async () => [],
      listPrices: () => Promise.resolve([]),
      listOffers: () => Promise.resolve([]),
      getBalance: () => new Promise(() => undefined),
    },
    adminKey: ADMIN_KEY,
    door: new Door(new AbortController().signal),
    providers: createProviders([
      {
        name: 'openai',
        baseUrl: 'http://127.0.0.1:9/v1',
        apiKey: 'key',
        createEncoding: 'json',
        webhookSecret: 'whsec_c2VjcmV0',
      },
    ]),
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
    sweepIntervalMs: null,
    hasSpendLimit: false,
  };
  return { standing: 'valid', caller };
}

export interface Line {
  readonly socket: Socket;
  readonly received: () => string;
  readonly isClosed: () => boolean;
  /** Resolves with everything received, once the connection is closed. */
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

/** Sends as fast as the connection accepts, until it is answered or closed; returns the number of bytes. */
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

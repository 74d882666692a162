import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { vi } from 'vitest';

export interface ReceivedWebhook {
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}

export interface Receiver {
  readonly url: string;
  readonly port: number;
  /** All requests in order, including those that are not answered. */
  readonly received: ReceivedWebhook[];
  /** Waits until this many requests have arrived. */
  readonly until: (count: number, timeoutMs?: number) => Promise<readonly ReceivedWebhook[]>;
  readonly close: () => Promise<void>;
}

/** A tenant's server. `answer` gets the number of the request, from 1; without one it accepts everything. */
export async function startReceiver(
  answer: (response: ServerResponse, nth: number, request: IncomingMessage) => void = (response) => response.end(),
): Promise<Receiver> {
  const received: ReceivedWebhook[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const headers = request.headers as Record<string, string>;
      received.push({ path: request.url ?? '', headers, body: Buffer.concat(chunks).toString() });
      answer(response, received.length, request);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/hook`,
    port,
    received,
    until: async (count, timeoutMs = 20_000) => {
      const enough = () => {
        if (received.length < count) throw new Error(`${received.length} of ${count} webhooks came in`);
      };
      await vi.waitFor(enough, { timeout: timeoutMs, interval: 20 });
      return received;
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

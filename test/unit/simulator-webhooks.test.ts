import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI from 'openai';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createSimulator, listen } from '../../dev/simulator/server.ts';

const SECRET = `whsec_${Buffer.from('a secret of the tests').toString('base64')}`;

interface Event {
  id: string;
  type: string;
  data: { id: string };
}

let dir: string;
let receiver: Server;
let received: Event[];
let refusals: number;
let server: { url: string; close: () => Promise<void> };
let client: OpenAI;

async function start(): Promise<void> {
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/webhooks`;
  server = await listen(createSimulator({ dir, webhook: { url, secret: SECRET, retry_ms: 5 } }));
  client = new OpenAI({ apiKey: 'sk-any', baseURL: `${server.url}/v1`, maxRetries: 0 });
}

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'simulator-'));
  received = [];
  refusals = 0;
  receiver = createServer((request, response) => {
    void (async () => {
      let body = '';
      for await (const part of request) body += String(part);
      const headers = new Headers(request.headers as Record<string, string>);
      const event = (await client.webhooks.unwrap(body, headers, SECRET)) as unknown as Event;
      received.push({ id: event.id, type: event.type, data: event.data });
      response.writeHead(refusals-- > 0 ? 500 : 200).end();
    })();
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  await start();
});

afterEach(async () => {
  await server.close();
  receiver.closeAllConnections();
  receiver.close();
  rmSync(dir, { recursive: true });
});

it('tells of the end in a way that the SDK verifies, until it is heard', async () => {
  refusals = 2;
  const { id } = await client.videos.create({ prompt: '[[after:20ms]]' });
  await vi.waitFor(() => expect(received).toHaveLength(3));
  expect(new Set(received.map((event) => event.id)).size).toBe(1);
  expect(received[0]).toMatchObject({ type: 'video.completed', data: { id } });
  expect((await client.videos.retrieve(id)).status).toBe('completed');
});

it('tells of failures, twice, early or not at all when asked', async () => {
  const silent = await client.videos.create({ prompt: '[[after:0ms]][[webhook:none]]' });
  const early = await client.videos.create({ prompt: '[[after:50ms]][[webhook:early]][[never]]' });
  const twice = await client.videos.create({ prompt: '[[after:20ms]][[webhook:twice]][[fail:bad]]' });
  await vi.waitFor(() => expect(received).toHaveLength(3));
  const of = ({ id }: { id: string }): string[] => received.filter((e) => e.data.id === id).map((e) => e.type);
  expect([of(silent), of(early), of(twice)]).toEqual([[], ['video.completed'], ['video.failed', 'video.failed']]);
  expect((await client.videos.retrieve(early.id)).status).toBe('in_progress');
});

it('tells after a restart what it could not tell before, and nothing again', async () => {
  const told = await client.videos.create({ prompt: '[[after:0ms]]' });
  await vi.waitFor(async () => {
    const stats = await (await fetch(`${server.url}/_simulator/stats`)).json();
    expect(stats).toMatchObject({ webhooks: 1 });
  });
  const untold = await client.videos.create({ prompt: '[[after:300ms]]' });
  await server.close();
  await start();
  await vi.waitFor(() => expect(received.map((event) => event.data.id)).toEqual([told.id, untold.id]));
});

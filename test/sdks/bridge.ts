import type { AddressInfo } from 'node:net';
import type { ServerType } from '@hono/node-server';
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { PNG } from '../harness/support/png.ts';

/**
 * OpenAI generates tests of each SDK against a mock server that accepts the examples of its document: any key, `video_123`,
 * a page after `after`, a reference of 12 bytes of text. The bridge puts real ones in their place and passes each request on
 * to the real API.
 */
export async function startBridge(api: string, key: string): Promise<{ url: string; close: () => Promise<void> }> {
  const headers = { authorization: `Bearer ${key}` };
  const ask = async (method: string, path: string, body?: object) => {
    const json = body === undefined ? {} : { body: JSON.stringify(body) };
    const type = { ...headers, 'content-type': 'application/json' };
    return (await (await fetch(api + path, { method, headers: type, ...json })).json()) as {
      id: string;
      status: string;
    };
  };
  /** A video that has completed. */
  const make = async () => {
    const { id } = await ask('POST', '/v1/videos', { prompt: 'x' });
    for (const deadline = Date.now() + 30_000; Date.now() < deadline;) {
      if ((await ask('GET', `/v1/videos/${id}`)).status === 'completed') return id;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`${id} did not complete`);
  };
  const kept = await make();
  const app = new Hono();
  app.all('*', async (c) => {
    const url = new URL(c.req.url);
    const isDelete = c.req.method === 'DELETE';
    const path = url.pathname.replace('video_123', isDelete ? await make() : kept);
    if (url.searchParams.get('after') === 'after') url.searchParams.set('after', kept);
    const sent = new Headers(c.req.raw.headers);
    sent.set('authorization', headers.authorization);
    for (const name of ['host', 'connection', 'content-length', 'transfer-encoding']) sent.delete(name);
    const body = withPng(Buffer.from(await c.req.arrayBuffer()));
    const answer = await fetch(`${api}/v1${path}${url.search}`, {
      method: c.req.method,
      headers: sent,
      ...(body.length === 0 ? {} : { body }),
    });
    return new Response(answer.body, { status: answer.status, headers: { ...plain(answer.headers) } });
  });
  const server = await new Promise<ServerType>((resolve) => {
    const started = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, () => resolve(started));
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

/** The headers of an answer whose body was decoded. */
function plain(headers: Headers): Record<string, string> {
  const dropped = new Set(['content-encoding', 'content-length', 'transfer-encoding', 'connection']);
  return Object.fromEntries([...headers].filter(([name]) => !dropped.has(name)));
}

function withPng(body: Buffer<ArrayBuffer>): Buffer<ArrayBuffer> {
  const example = Buffer.from('Example data');
  const at = body.indexOf(example);
  return at === -1 ? body : Buffer.concat([body.subarray(0, at), PNG, body.subarray(at + example.length)]);
}

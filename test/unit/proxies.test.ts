import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { contactTemporal, createTemporalClient } from '../../temporal/connection.ts';
import { startConnectProxy } from '../harness/support/connectProxy.ts';
import { closedPort, closeServers, json, KEY, PROMPT, provider, serve } from './provider-server.ts';

/** Which calls go through a proxy: those to the provider by PROVIDER_PROXY_URL, and no others. */

const VIDEO = {
  id: 'video_1',
  object: 'video',
  status: 'queued',
  model: 'sora-2',
  progress: 0,
  created_at: 1_790_000_000,
};
const REQUEST = { model: 'sora-2', prompt: PROMPT, seconds: 4, size: '720x1280' };

const open: (() => void)[] = [];
afterEach(async () => {
  open.splice(0).forEach((close) => close());
  await closeServers();
});

async function proxy({ status = 200, ...options }: Parameters<typeof startConnectProxy>[0] & { status?: number } = {}) {
  const started = await startConnectProxy(options);
  started.answerWith(status);
  open.push(started.close);
  return started;
}

/** It takes connections, and never answers a CONNECT. */
async function silentProxy(): Promise<string> {
  const server = createServer().on('connect', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('PROVIDER_PROXY_URL', () => {
  test('a create and a look go through a tunnel of the proxy, which gets its own credentials and not the key', async () => {
    const { baseUrl, requests } = await serve(json(200, VIDEO));
    const { url, tunnels, others } = await proxy();
    const client = provider(baseUrl, { proxyUrl: url.replace('//', '//me:a%20word@') });
    expect(await client.createVideo(REQUEST)).toMatchObject({ outcome: 'created', video: { id: 'video_1' } });
    expect(await client.retrieveVideo('video_1')).toMatchObject({ outcome: 'seen' });
    expect(requests.map(({ method, headers }) => [method, headers.authorization])).toEqual([
      ['POST', `Bearer ${KEY}`],
      ['GET', `Bearer ${KEY}`],
    ]);
    const { host } = new URL(baseUrl);
    expect(tunnels.map(({ to }) => to)).toEqual([host, host]);
    for (const { headers } of tunnels) {
      expect(headers['proxy-authorization']).toBe(`Basic ${Buffer.from('me:a word').toString('base64')}`);
      expect(headers.authorization).toBeUndefined();
    }
    expect(others).toEqual([]);
  });

  test('HTTPS stays between us and the provider: the proxy sees TLS to its name, and a failed handshake proves "not sent"', async () => {
    let first: Buffer | undefined;
    const { url, tunnels } = await proxy({
      serveTunnel: (socket) => {
        socket.once('data', (bytes: Buffer) => {
          first = bytes;
          socket.destroy();
        });
      },
    });
    const result = await provider('https://provider.example/v1', { proxyUrl: url }).createVideo(REQUEST);
    expect(result).toMatchObject({ outcome: 'not_sent' });
    expect(tunnels.map(({ to }) => to)).toEqual(['provider.example:443']);
    expect(first?.subarray(0, 2)).toEqual(Buffer.from([0x16, 0x03]));
    expect(first?.includes('provider.example')).toBe(true);
  });

  // MR-40
  test.each([
    ['refuses', async () => (await proxy({ status: 403 })).url, /^the proxy of PROVIDER_PROXY_URL answers 403$/],
    ['wants other credentials', async () => (await proxy({ status: 407 })).url, / answers 407$/],
    ['is away', async () => `http://127.0.0.1:${await closedPort()}`, / can't be reached \(ECONNREFUSED\)$/],
  ])('a proxy that %s proves that a create was not sent', async (_, proxyUrl, why) => {
    const { baseUrl, requests } = await serve(json(200, VIDEO));
    const result = await provider(baseUrl, { proxyUrl: await proxyUrl() }).createVideo(REQUEST);
    expect(result).toMatchObject({ outcome: 'not_sent', why: expect.stringMatching(why) });
    expect(requests).toEqual([]);
  });

  // MR-5
  test.each([
    ['refuses us', async () => (await proxy({ status: 407 })).url, 'ours'],
    ['is away', async () => `http://127.0.0.1:${await closedPort()}`, 'ours'],
    ['can’t reach the provider', async () => (await proxy({ status: 503 })).url, 'provider'],
    ['knows no such host', async () => (await proxy({ status: 404 })).url, 'provider'],
    ['still waits for the provider', async () => await silentProxy(), 'provider'],
  ])('where a proxy %s, it is told whose trouble that is', async (_, proxyUrl, whose) => {
    const { baseUrl } = await serve(json(200, VIDEO));
    const client = provider(baseUrl, { proxyUrl: await proxyUrl(), connectTimeoutMs: 100 });
    expect(await client.retrieveVideo('video_1')).toMatchObject({ outcome: 'transient', whose });
    expect(await client.listVideos()).toMatchObject({ outcome: 'transient', whose });
    expect(await client.downloadContent('video_1')).toMatchObject({ outcome: 'trouble', whose });
  });

  // MR-40
  test('a password of the proxy that can’t be decoded makes no create ambiguous: nothing was sent', async () => {
    const { baseUrl } = await serve(json(200, VIDEO));
    const result = await provider(baseUrl, { proxyUrl: 'http://u:p%ss@127.0.0.1:1' }).createVideo(REQUEST);
    expect(result.outcome).toBe('not_sent');
  });

  test('a proxy that never answers is given up after the time for connecting, as not sent', async () => {
    const { baseUrl } = await serve(json(200, VIDEO));
    const proxyUrl = await silentProxy();
    const result = await provider(baseUrl, { proxyUrl, connectTimeoutMs: 100 }).createVideo(REQUEST);
    expect(result).toMatchObject({ outcome: 'not_sent', why: expect.stringMatching(/does not answer within 0\.1 s$/) });
  });

  describe('a redirect of a content', () => {
    const content = async (target: string, settings: object) => {
      const { baseUrl } = await serve((response) => response.writeHead(302, { location: target }).end());
      const { url, tunnels } = await proxy();
      const answer = await provider(baseUrl, { proxyUrl: url, ...settings }).downloadContent('video_1');
      return { answer, further: tunnels.slice(1).map(({ to }) => to) };
    };

    test('to a private address is refused here: the proxy is not asked', async () => {
      const settings = { resolve: async () => ['93.184.216.34', '10.0.0.1'] };
      for (const target of ['http://169.254.169.254/latest', 'http://inside.example/a']) {
        const { answer, further } = await content(target, settings);
        expect(answer).toMatchObject({ outcome: 'trouble', why: expect.stringMatching(/not public/) });
        expect(further).toEqual([]);
      }
    });

    test('to a public one asks the proxy for the very address that was checked', async () => {
      const store = await serve((response) => response.end('bytes'));
      const { port } = new URL(store.baseUrl);
      const pretended = { resolve: async () => ['127.0.0.1'], isPublic: () => true };
      const { answer, further } = await content(`http://store.example:${port}/a`, pretended);
      expect(answer).toMatchObject({ outcome: 'part' });
      expect(further).toEqual([`127.0.0.1:${port}`]);
      expect(store.requests[0]?.headers.host).toBe(`store.example:${port}`);
    });

    test('to a listed host, which is inside, goes there directly', async () => {
      const store = await serve((response) => response.end('bytes'));
      const { host } = new URL(store.baseUrl);
      const { answer, further } = await content(`http://${host}/a`, { contentHosts: [host] });
      expect(answer).toMatchObject({ outcome: 'part' });
      expect(further).toEqual([]);
    });
  });
});

// MR-40
test.each([9, 6000])('a create to port %i, which fetch itself refuses, was not sent', async (port) => {
  const result = await provider(`http://127.0.0.1:${port}/v1`).createVideo(REQUEST);
  expect(result).toMatchObject({ outcome: 'not_sent', why: expect.stringMatching(/^the request could not be sent/) });
});

test('http_proxy and its like catch no call of the provider, and none of Temporal', async () => {
  const { url, tunnels, others } = await proxy();
  const names = ['http_proxy', 'https_proxy', 'grpc_proxy', 'HTTP_PROXY', 'HTTPS_PROXY'];
  const before = names.map((name) => [name, process.env[name]] as const);
  for (const name of names) process.env[name] = url;
  try {
    const { baseUrl } = await serve(json(200, VIDEO));
    expect(await provider(baseUrl).createVideo(REQUEST)).toMatchObject({ outcome: 'created' });
    const address = `127.0.0.1:${await closedPort()}`;
    const client = createTemporalClient({ connectionOptions: { address }, namespace: 'default' });
    await expect(contactTemporal(client, 300)).rejects.toThrow();
    await client.connection.close();
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = value;
    }
  }
  expect({ tunnels, others }).toEqual({ tunnels: [], others: [] });
});

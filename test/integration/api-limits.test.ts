import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { ServerLimits } from '../../api/server.ts';
import { answerClientErrors } from '../../api/http/clientErrors.ts';
import type { BareApi } from '../harness/support/bareApi.ts';
import { ADMIN_KEY, authOf, IN_FLIGHT, MEGABYTE, open, pour, serveBare, statusOf } from '../harness/support/bareApi.ts';

/** What a connection may take of the API, tried with bare sockets: nothing here is what a client's library would send. */

const LARGEST_BODY = 14 * MEGABYTE;
const QUICK: Partial<ServerLimits> = {
  headersTimeoutMs: 300,
  requestTimeoutMs: 600,
  keepAliveTimeoutMs: 200,
  checkIntervalMs: 50,
};
const AUTH = authOf('account');

const apis: BareApi[] = [];
let patient: number;
let quick: number;
let restless: number;

beforeAll(async () => {
  apis.push(...(await Promise.all([serveBare(), serveBare(QUICK), serveBare({ idleTimeoutMs: 300 })])));
  [patient, quick, restless] = apis.map(({ port }) => port) as [number, number, number];
});
afterAll(() => {
  for (const api of apis) api.close();
});

describe('a body', () => {
  const POST = `POST /v1/videos HTTP/1.1\r\n${AUTH}Content-Type: application/json\r\n`;

  it('that says it is too large is refused before a byte of it is sent', async () => {
    const line = open(patient);
    line.socket.write(`${POST}Content-Length: ${100 * MEGABYTE}\r\n\r\n`);
    await vi.waitFor(() => expect(statusOf(line.received())).toBe('HTTP/1.1 413 Payload Too Large'));
    expect(line.received()).toContain('"code":"body_too_large"');
    line.socket.destroy();
  });

  it('without an end is cut while it streams, not read to the end', async () => {
    const line = open(patient);
    line.socket.write(`${POST}Transfer-Encoding: chunked\r\n\r\n`);
    const chunk = Buffer.alloc(64 * 1024, 'a');
    const opening = '{"prompt":"data:';
    line.socket.write(`${opening.length.toString(16)}\r\n${opening}\r\n`);
    const framed = Buffer.concat([Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n')]);
    const sent = await pour(line, framed, 200 * MEGABYTE);
    expect(statusOf(line.received())).toBe('HTTP/1.1 413 Payload Too Large');
    expect(sent).toBeGreaterThan(LARGEST_BODY);
    expect(sent).toBeLessThan(LARGEST_BODY + IN_FLIGHT);
    line.socket.destroy();
  });

  it('of an admin request may have 64 KB, of a webhook too', async () => {
    for (const path of ['/admin/accounts', '/webhooks/openai']) {
      const line = open(patient);
      line.socket.write(
        `POST ${path} HTTP/1.1\r\nHost: holdfast\r\nAuthorization: Bearer ${ADMIN_KEY}\r\nContent-Type: application/json\r\nContent-Length: 65537\r\n\r\n`,
      );
      await vi.waitFor(() => expect(statusOf(line.received())).toBe('HTTP/1.1 413 Payload Too Large'));
      line.socket.destroy();
    }
  });

  it.each([
    ['with a length', 'Content-Length: 1000', 'x'],
    ['in chunks', 'Transfer-Encoding: chunked', '1\r\nx\r\n'],
  ])('that trickles in %s is cut off in time', async (_, header, drop) => {
    const line = open(quick);
    line.socket.write(`${POST}${header}\r\n\r\n`);
    const trickle = setInterval(() => line.socket.write(drop), 20);
    expect(statusOf(await line.closed)).toBe('HTTP/1.1 408 Request Timeout');
    clearInterval(trickle);
  });

  it('that breaks off is no fault of ours', async () => {
    const { logged } = apis[0] as BareApi;
    const before = logged.length;
    const line = open(patient);
    line.socket.write(`${POST}Content-Length: 1000\r\n\r\n{`);
    const [there] = (await once((apis[0] as BareApi).server, 'request')) as [IncomingMessage];
    const gone = new Promise((resolve) => there.socket.once('close', resolve));
    line.socket.destroy();
    await gone;
    const next = open(patient);
    next.socket.write(`GET /healthz HTTP/1.1\r\nHost: holdfast\r\nConnection: close\r\n\r\n`);
    expect(statusOf(await next.closed)).toBe('HTTP/1.1 200 OK');
    expect(logged.slice(before)).toEqual([]);
  });
});

describe('headers', () => {
  it('of 10,000 lines are 431', async () => {
    const line = open(patient);
    const many = Array.from({ length: 10_000 }, (_, index) => `X-Header-${index}: value\r\n`).join('');
    line.socket.write(`GET /v1/prices HTTP/1.1\r\n${AUTH}${many}\r\n`);
    expect(statusOf(await line.closed)).toBe('HTTP/1.1 431 Request Header Fields Too Large');
  });

  it('of over 16 kB, or an address of as many, are refused in the form of every other error', async () => {
    for (const head of [
      `/v1/prices HTTP/1.1\r\nX-Long: ${'x'.repeat(17_000)}`,
      `/v1/prices?a=${'x'.repeat(17_000)} HTTP/1.1`,
    ]) {
      const line = open(patient);
      line.socket.write(`GET ${head}\r\n${AUTH}\r\n`);
      const [headers = '', body = ''] = (await line.closed).split('\r\n\r\n');
      expect(headers).toMatch(/^HTTP\/1\.1 431 .*\r\nX-Request-Id: [0-9a-f-]{36}$/s);
      expect(JSON.parse(body)).toEqual({
        error: {
          message: 'The address and the headers of the request are too large: together they may have up to 16 kB.',
          ...{ type: 'invalid_request_error', param: null, code: 'headers_too_large' },
        },
      });
    }
  });

  it('that are no HTTP are refused in the form of every other error', async () => {
    const line = open(patient);
    line.socket.write('a fox\r\n\r\n');
    const answer = await line.closed;
    expect(statusOf(answer)).toBe('HTTP/1.1 400 Bad Request');
    expect(answer).toContain(
      '{"error":{"message":"This is not a well-formed HTTP request.","type":"invalid_request_error"',
    );
  });

  it('that are wrong put nothing into the answer to an earlier request of their connection', async () => {
    const server = createHttpServer((_request, response) => response.write('the beginning'));
    answerClientErrors(server, MEGABYTE);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const line = open((server.address() as AddressInfo).port);
    line.socket.write('GET / HTTP/1.1\r\nHost: holdfast\r\n\r\n');
    await vi.waitFor(() => expect(line.received()).toContain('the beginning'));
    line.socket.write('a fox\r\n\r\n');
    expect(await line.closed).toMatch(/the beginning\r\n$/);
    server.close();
  });

  it('that trickle in are cut off in time', async () => {
    const line = open(quick);
    line.socket.write('GET /v1/prices HTTP/1.1\r\nX-Slow: ');
    const trickle = setInterval(() => line.socket.write('x'), 20);
    expect(statusOf(await line.closed)).toBe('HTTP/1.1 408 Request Timeout');
    clearInterval(trickle);
  });
});

describe('a connection', () => {
  it('that says nothing is closed', async () => {
    expect(await open(quick).closed).not.toContain('HTTP/1.1 200');
  });

  it('is closed a while after its last request', async () => {
    const line = open(quick);
    line.socket.write(`GET /v1/prices HTTP/1.1\r\n${AUTH}\r\n`);
    expect(statusOf(await line.closed)).toBe('HTTP/1.1 200 OK');
  });

  it('on which nothing moves is closed, also while it waits for an answer', async () => {
    const line = open(restless);
    line.socket.write(`GET /v1/credits HTTP/1.1\r\n${AUTH}\r\n`);
    expect(await line.closed).toBe('');
  });
});

import type { ServerResponse } from 'node:http';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { afterEach, expect, it } from 'vitest';
import { closeServers, COMPLETION, provider, serve } from './provider-server.ts';

/** A chat server that never ends, in whatever way, takes neither the worker's time nor its memory. */

afterEach(closeServers);

const LONGEST_PAUSE_MS = 1000;

/** Writes this again and again, until nobody reads any more. */
function endlessly(response: ServerResponse, piece: string): void {
  const more = (): void => {
    while (!response.destroyed && response.write(piece));
    if (!response.destroyed) response.once('drain', more);
  };
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write(event('written'));
  more();
}

const event = (content: string, more = {}) =>
  `data: ${JSON.stringify({ choices: [{ delta: { content } }], ...more })}\n\n`;

const ENDLESS = {
  'a line': 'x'.repeat(65_536),
  'an event of many lines': `data: ${'x'.repeat(1000)}\n`.repeat(60),
  comments: ': still here\n\n'.repeat(1000),
  'pieces without text': event('', { system_fingerprint: 'x'.repeat(500) }).repeat(100),
};

// MR-94
it.each(Object.entries(ENDLESS))(
  'a text whose stream is %s without end is broken off, and holds nothing else up',
  async (_, piece) => {
    const { baseUrl } = await serve((response) => endlessly(response, piece));
    const pauses = monitorEventLoopDelay({ resolution: 10 });
    pauses.enable();
    const result = await provider(baseUrl).writeText(COMPLETION, async () => true);
    pauses.disable();
    expect(result).toEqual({ outcome: 'written', output: 'written', finishReason: null, usage: null });
    expect(pauses.max / 1e6).toBeLessThan(LONGEST_PAUSE_MS);
  },
);

it.each(['\n\n', '\r\n\r\n'])('events that end with %j are read however they are cut', async (end) => {
  const { baseUrl } = await serve((response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const bytes = ['one ', 'twö ', 'three'].map((content) => event(content).replace('\n\n', end)).join('');
    const cut = Buffer.from(bytes);
    const send = (at: number): void => {
      if (at >= cut.length) response.end();
      else response.write(cut.subarray(at, at + 7), () => setImmediate(send, at + 7));
    };
    send(0);
  });
  const seen: string[] = [];
  await provider(baseUrl).writeText(COMPLETION, async (output) => seen.push(output()) > 0);
  expect(seen).toEqual(['one ', 'one twö ', 'one twö three']);
});

it('an answer that is no list is read up to a megabyte', async () => {
  const { baseUrl } = await serve((response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ id: 'v', status: 'completed', padding: 'x'.repeat(2 * 1024 * 1024) }));
  });
  expect(await provider(baseUrl).retrieveVideo('v')).toMatchObject({ outcome: 'transient' });
  expect(await provider(baseUrl).listVideos()).toMatchObject({
    outcome: 'transient',
    why: 'HTTP 200 with an unreadable body',
  });
});

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Api } from '../../cli/http/api.ts';
import type { Video } from '../../cli/objects.ts';
import { sendPaid } from '../../cli/commands/paying.ts';
import { run } from '../../cli/run.ts';
import { checkTarget } from '../../cli/video/target.ts';
import { download } from '../../cli/video/download.ts';
import { followVideo } from '../../cli/video/follow.ts';
import type { Cli } from '../../cli/command.ts';
import type { World } from '../../cli/world.ts';

/** The command line against a server that behaves as badly as networks do. */

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

let url: string;
let answers: Handler[];
let seen: { method: string; path: string; headers: IncomingMessage['headers'] }[];
let folder: string;
let close: () => Promise<unknown>;

beforeEach(async () => {
  [answers, seen] = [[], []];
  folder = await mkdtemp(join(tmpdir(), 'holdfast-http-'));
  const server = createServer((request, response) => {
    seen.push({ method: request.method ?? '', path: request.url ?? '', headers: request.headers });
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    request.resume().on('end', () => answer?.(request, response));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await rm(folder, { recursive: true });
  };
});
afterEach(() => close());

const json =
  (body: unknown, status = 200, headers: Record<string, string> = {}): Handler =>
  (_, response) =>
    void response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
const refusal = (code: string, status: number, headers?: Record<string, string>) =>
  json({ error: { message: `It was refused: ${code}.`, code } }, status, headers);
const hangUp: Handler = (request) => void request.socket.destroy();

const api = () => new Api({ url, apiKey: 'hf_key', adminKey: undefined }, async () => undefined);
const theCli = () => ({ api: api(), world: { whenStopped: () => undefined } }) as unknown as Cli;
const keysSent = () => new Set(seen.map(({ headers }) => headers['idempotency-key']));

async function command(...args: string[]) {
  const printed = { stdout: '', stderr: '' };
  const into = (name: 'stdout' | 'stderr') => ({
    write: (text: string) => {
      printed[name] += text;
      return true;
    },
  });
  const env = { HOLDFAST_URL: url, HOLDFAST_API_KEY: 'hf_key' };
  const streams = { stdout: into('stdout'), stderr: into('stderr') };
  const world = {
    env,
    folder,
    home: folder,
    ...streams,
    whenStopped: () => undefined,
    exitCode: 0,
  } as unknown as World;
  return { code: await run(args, world), ...printed };
}

describe('a request', () => {
  it('that costs credits is repeated with the same key until it is answered, and nothing else is', async () => {
    answers = [
      hangUp,
      refusal('idempotency_key_in_use', 409),
      refusal('temporarily_unavailable', 503),
      json({ id: 'v' }),
    ];
    expect(await api().ask({ method: 'POST', path: '/v1/videos', body: {} })).toEqual({ id: 'v' });
    expect([seen.length, keysSent().size]).toEqual([4, 1]);
    answers = [refusal('insufficient_credits', 402)];
    await expect(api().ask({ method: 'POST', path: '/v1/videos', body: {} })).rejects.toThrow(/insufficient_credits/);
    expect([seen.length, keysSent().size]).toEqual([5, 2]);
  });

  it('waits as long as the API asks for, but not for minutes', async () => {
    const paused: number[] = [];
    const waiting = new Api({ url, apiKey: 'k', adminKey: undefined }, async (ms) => paused.push(ms));
    answers = [refusal('rate_limited', 429, { 'retry-after': '7' }), json({})];
    await waiting.get('/v1/credits');
    answers = [refusal('temporarily_unavailable', 503, { 'retry-after': '120' })];
    await expect(waiting.get('/v1/credits')).rejects.toThrow(/temporarily_unavailable/);
    expect(paused).toEqual([7000]);
  });

  it('whose answer never comes says so, and with which key a repeat is safe', async () => {
    answers = [hangUp];
    const order = { path: '/v1/videos', body: {}, idempotencyKey: 'order-1' };
    const sent = sendPaid(theCli(), order, (request) => api().ask(request));
    await expect(sent).rejects.toMatchObject({
      exitCode: 3,
      message: expect.stringMatching(
        /did not answer .*It is not known whether the request was carried out\. Repeat the command with --idempotency-key order-1: it has its effect once\.$/,
      ),
    });
    expect(keysSent()).toEqual(new Set(['order-1']));
  });

  it('never follows a redirect with the key, and tells a page that is no API', async () => {
    answers = [(_, response) => void response.writeHead(302, { location: 'https://elsewhere.test/' }).end()];
    expect(await command('credits')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/answered 302 .*Is this the URL of a Holdfast API\?/),
    });
    answers = [(_, response) => void response.writeHead(404, { 'content-type': 'text/html' }).end('<p>no\u001b[31m')];
    expect((await command('credits')).stderr).toMatch(/^[^\u001b]*answered 404 without a message/);
  });

  it('and its refusal reach a terminal without control characters', async () => {
    answers = [json({ error: { message: 'bad\u001b[2J\nthing \u009b31m', code: 'x' } }, 400)];
    expect(await command('credits')).toEqual({ code: 1, stdout: '', stderr: 'bad�[2J thing �31m\n' });
    answers = [json({ available: '\u001b]0;x\u0007 1', held: '0', account_id: 'acct' })];
    expect((await command('credits')).stdout).toMatch(/^available {2}�\]0;x� 1 credits\n/);
    expect((await command('credits', '--json')).stdout).toContain('\\u001b]0;x\\u0007 1');
    const credits = { message: 'charged' };
    answers = [
      json({
        object: 'script',
        id: 's',
        status: 'completed',
        title: null,
        text: 'a\n\u001b[2Jfox',
        posts: null,
        error: null,
        credits,
      }),
    ];
    expect((await command('show', `script_${'0'.repeat(32)}`)).stdout).toMatch(/\na\n�\[2Jfox\n$/);
  });
});

describe('waiting for a video', () => {
  const video = (state: string, progress = 0) =>
    ({ id: 'video_1', status: 'in_progress', progress, credits: { state, amount: '1' } }) as unknown as Video;
  const events =
    (...sent: string[]): Handler =>
    (_, response) =>
      void response.writeHead(200).end(sent.join(''));
  const event = (id: number, of: Video) => `event: progress\nid: ${id}\ndata: ${JSON.stringify(of)}\n\n`;
  const patience = { now: () => 0, pause: async () => undefined, limitMs: 1000 };

  it('goes on over broken streams by retrieving it, and misses no event', async () => {
    const changes: number[] = [];
    const cuts: boolean[] = [];
    const watcher = { changed: (each: Video) => changes.push(each.progress), cutOff: (is: boolean) => cuts.push(is) };
    answers = [
      events(': still here\n\n', event(3, video('held', 10))),
      ...[hangUp, hangUp],
      json(video('held', 20)),
      events(event(4, video('charged', 100))),
    ];
    const ended = await followVideo(api(), video('held'), watcher, patience);
    expect(ended.credits.state).toBe('charged');
    expect(changes).toEqual([10, 20, 100]);
    expect(cuts).toContain(true);
    expect(seen.at(-1)?.headers['last-event-id']).toBe('3');
  });

  it('ends after minutes without any answer, and says that the video goes on', async () => {
    let now = 0;
    const watcher = { changed: () => undefined, cutOff: () => undefined };
    answers = [hangUp];
    const following = followVideo(api(), video('held'), watcher, { ...patience, now: () => (now += 600) });
    await expect(following).rejects.toThrow(/did not answer/);
  });
});

describe('a download', () => {
  const content = Buffer.alloc(300_000, 'a film ');
  const target = () => checkTarget(join(folder, 'film.mp4'), false);
  const film = { id: 'video_1' } as Video;
  /** Sends what is asked for, and breaks off once so many bytes of it are in the file. */
  const serve =
    (bytes: number): Handler =>
    (request, response) => {
      const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
      const part = content.subarray(from);
      const range = from > 0 ? { 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` } : {};
      response.writeHead(from > 0 ? 206 : 200, { 'content-length': part.length, etag: '"1"', ...range });
      if (bytes >= part.length) return void response.end(part);
      response.write(part.subarray(0, bytes));
      const isWritten = async () => (await stat(join(folder, `.film.mp4.${process.pid}.part`))).size === from + bytes;
      void vi.waitUntil(isWritten, { interval: 5 }).then(() => request.socket.destroy());
    };

  it('goes on where its connection broke, and has its name only when it is whole', async () => {
    answers = [serve(100_000), serve(50_000), serve(content.length)];
    expect(await download(theCli(), film, await target())).toBe(content.length);
    expect(await readFile(join(folder, 'film.mp4'))).toEqual(content);
    expect(seen.map(({ headers }) => [headers.range, headers['if-range']])).toEqual([
      [undefined, undefined],
      ['bytes=100000-', '"1"'],
      ['bytes=150000-', '"1"'],
    ]);
    expect(await readdir(folder)).toEqual(['film.mp4']);
  });

  it('that never comes to its end leaves nothing behind, and says how to get the video', async () => {
    answers = [serve(0)];
    await expect(download(theCli(), film, await target())).rejects.toThrow(
      /breaks off again and again.*holdfast watch video_1 --out FILE/,
    );
    expect(await readdir(folder)).toEqual([]);
  });
});

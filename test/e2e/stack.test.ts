import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { PRICE } from '../harness/support/database.ts';
import type { Operated, Place, ShownVideo } from '../harness/support/operator.ts';
import { Customer, findPlace, npmStart, openCustomer } from '../harness/support/operator.ts';
import { groupsLeft } from '../harness/support/processGroups.ts';

/** The whole stack, started by `npm start` as an operator does. What follows is the life of one folder, start by start. */

const run = promisify(execFile);
const DEMO_MICROCREDITS = 10_000_000;
const SLOW = 60_000;

let place: Place;
let stack: Operated;

/** A company's proxy, which reaches nothing: no call to this machine may go through it. */
const PROXY = Object.fromEntries(
  ['http_proxy', 'https_proxy', 'HTTP_PROXY', 'HTTPS_PROXY'].map((name) => [name, 'http://127.0.0.1:9']),
);

beforeAll(async () => {
  place = await findPlace();
  stack = await npmStart(place, PROXY);
});
afterAll(async () => {
  try {
    await stack.stop();
  } finally {
    await place.remove();
  }
});

const demo = () => new Customer(stack.endpoints.api, stack.endpoints.apiKey);

async function withTemporal<Result>(work: (client: Client) => Promise<Result>): Promise<Result> {
  const connection = await Connection.connect({ address: stack.endpoints.temporalAddress });
  try {
    return await work(new Client({ connection, namespace: stack.endpoints.temporalNamespace }));
  } finally {
    await connection.close();
  }
}

async function rows(sql: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: stack.endpoints.databaseUrl });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql, values)).rows;
  } finally {
    await client.end();
  }
}

async function expectChargedOnce(id: string): Promise<void> {
  const moved = await rows('SELECT kind FROM journal_transactions WHERE generation_id = $1 ORDER BY id', [id]);
  expect(moved).toEqual([{ kind: 'hold' }, { kind: 'capture' }]);
  const attempts = await rows('SELECT outcome FROM provider_attempts WHERE generation_id = $1', [id]);
  expect(attempts).toEqual([{ outcome: 'created' }]);
  expect(await rows('SELECT * FROM ledger_drift')).toEqual([]);
}

describe('npm start on an empty folder', () => {
  it('writes endpoints.json for its owner only, with every address, key and pid', async () => {
    const { endpoints, endpointsMode } = stack;
    expect(endpointsMode).toBe(0o600);
    const keys = 'api console openapi temporalWeb temporalAddress temporalNamespace databaseUrl migrateDatabaseUrl';
    const more = 'provider metrics workerMetrics apiKey adminKey pids';
    expect(Object.keys(endpoints).sort()).toEqual(`${keys} ${more}`.split(' ').sort());
    expect(Object.keys(endpoints.pids).sort()).toEqual(['api', 'postgres', 'simulator', 'temporal', 'worker']);
    expect(living(stack).sort()).toEqual(Object.keys(endpoints.pids).sort());
    for (const url of [endpoints.openapi, endpoints.temporalWeb!, endpoints.metrics, endpoints.workerMetrics]) {
      expect({ url, status: (await fetch(url)).status }).toEqual({ url, status: 200 });
    }
  });

  it('--status prints the addresses and keys again and how each part is, and --version is what the API says of itself', async () => {
    const env = { PATH: process.env['PATH'], HOLDFAST_ENV_FILE: '/dev/null', HOLDFAST_DIR: place.folder };
    const ask = async (option: string) => (await run(process.execPath, ['dev/start.mjs', option], { env })).stdout;
    const places = (text: string) => text.match(/^ {2}\S.* +\S+$/gm)?.filter((line) => !line.includes('curl'));
    const [again = '', parts = ''] = (await ask('--status')).split('Its parts:');
    expect(places(again)).toEqual(places(stack.output().slice(stack.output().indexOf('Holdfast runs'))));
    const lines = Object.entries(stack.endpoints.pids).map(([name, pid]) => `${name} pid ${pid} answers`);
    expect(parts.match(/^ {2}.*/gm)?.map((line) => line.trim().replace(/ +/g, ' '))).toEqual(lines);
    const { info } = (await (await fetch(stack.endpoints.openapi)).json()) as { info: { version: string } };
    expect(await ask('--version')).toBe(`${info.version}\n`);
  });

  it('writes the logs as JSON, without colours, where its output is no terminal', async () => {
    await expect.poll(() => stack.output()).toMatch(/^api {7}\| \{"level":30,.*"msg":"ready"\}$/m);
    expect(stack.output()).not.toContain('\u001b');
  });

  it('prints a link that opens the console as the demo account, once', async () => {
    const link = /^ {2}(http\S+\/console\/enter#\S+)$/m.exec(stack.output())?.[1] ?? '';
    const enter = () =>
      fetch(`${stack.endpoints.console}console/enter`, {
        method: 'POST',
        redirect: 'manual',
        headers: { 'sec-fetch-site': 'same-origin', 'content-type': 'application/x-www-form-urlencoded' },
        body: `token=${new URL(link).hash.slice(1)}`,
      });
    const entered = await enter();
    expect(entered.status).toBe(303);
    const cookie = entered.headers.get('set-cookie')?.split(';')[0] ?? '';
    const page = await fetch(stack.endpoints.console, { headers: { cookie } });
    expect(await page.text()).toContain('Make the video');
    const script = await fetch(`${stack.endpoints.console}console/assets/console.js`);
    expect([script.status, script.headers.get('content-type')]).toEqual([200, 'text/javascript; charset=utf-8']);
    expect((await enter()).status).toBe(401);
  });

  describe('at once', () => {
    it.concurrent('prints a curl that works as printed', { timeout: SLOW }, async () => {
      const printed = /^ {2}curl [\s\S]*?(?=^\S)/m.exec(stack.output())?.[0] ?? '';
      const { stdout } = await run('/bin/sh', ['-c', printed]);
      const video = JSON.parse(stdout) as ShownVideo;
      expect(video).toMatchObject({ object: 'video', credits: { state: 'held', amount_microcredits: PRICE } });
      await demo().until(video.id, 'completed');
      expect(await demo().credits()).toMatchObject({ available_microcredits: DEMO_MICROCREDITS - PRICE });
    });

    it.concurrent("serves OpenAI's Node SDK an MP4 for 0.571429 credits", { timeout: SLOW }, async () => {
      const customer = await openCustomer(stack, 1_000_000);
      const id = await customer.create('a red fox runs through fresh snow');
      expect(await customer.until(id, 'completed')).toMatchObject({ credits: { state: 'charged' } });
      const content = await customer.openai.videos.downloadContent(id);
      const bytes = Buffer.from(await content.arrayBuffer());
      await expectMp4(bytes);
      await vi.waitFor(async () => expect(await readFile(join(place.folder, 'archive', id, 'video'))).toEqual(bytes), {
        timeout: 20_000,
        interval: 200,
      });
      expect(await customer.credits()).toMatchObject({
        available_microcredits: 1_000_000 - 571_429,
        held_microcredits: 0,
      });
      await expectChargedOnce(id);
    });

    it.concurrent('refunds the case it all started from: blocked by moderation', { timeout: SLOW }, async () => {
      const customer = await openCustomer(stack, 1_000_000);
      const id = await customer.create('an ad for iqus e cigerrates');
      expect(await customer.until(id, 'failed')).toMatchObject({
        error: { code: 'moderation_blocked', message: 'Your request was blocked by our moderation system.' },
        credits: {
          state: 'refunded',
          message: expect.stringMatching(/^Nothing was charged: .* Credits have been refunded to your account\.$/),
        },
      });
      expect(await customer.credits()).toMatchObject({ available_microcredits: 1_000_000, held_microcredits: 0 });
    });
  });
});

async function expectMp4(bytes: Buffer): Promise<void> {
  expect(bytes.subarray(4, 8).toString()).toBe('ftyp');
  const path = join(place.folder, 'downloaded.mp4');
  await writeFile(path, bytes);
  const show = ['-v', 'error', '-show_entries', 'format=format_name:stream=codec_name', '-of', 'json', path];
  const answer = await run('ffprobe', show).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    console.warn('ffprobe is not installed, so nothing has looked into the MP4 that was downloaded.');
    return undefined;
  });
  if (answer === undefined) return;
  expect(JSON.parse(answer.stdout)).toMatchObject({
    format: { format_name: 'mov,mp4,m4a,3gp,3g2,mj2' },
    streams: [{ codec_name: 'h264' }],
  });
}

describe('kill -9 of the worker while a video is made', () => {
  let crashed: Operated;
  let left: string[];
  let code: number | null;
  let interrupted: string;
  let creditsBefore: { available_microcredits: number; held_microcredits: number };

  beforeAll(async () => {
    interrupted = await demo().create('a fox that is interrupted [[after:8s]]');
    await vi.waitUntil(
      async () =>
        (await rows('SELECT FROM generations WHERE id = $1 AND provider_video_id <> $1', [interrupted])).length,
      { timeout: 20_000 },
    );
    creditsBefore = await demo().credits();
    crashed = stack;
    process.kill(stack.endpoints.pids.worker!, 'SIGKILL');
    code = await crashed.ended;
    left = living(crashed);
    stack = await npmStart(place);
  });

  it('stops the stack, which names the worker', () => {
    expect(crashed.output()).toMatch(/^worker was killed \(SIGKILL\), so everything is stopped/m);
    expect({ code, left }).toEqual({ code: 1, left: [] });
  });

  it('loses nothing: the next start has the same keys, credits and Temporal histories', async () => {
    expect(stack.endpoints.apiKey).toBe(crashed.endpoints.apiKey);
    expect(stack.endpoints.adminKey).toBe(crashed.endpoints.adminKey);
    const credits = await demo().credits();
    expect(credits.available_microcredits).toBe(creditsBefore.available_microcredits);
    const [first] = await rows('SELECT id FROM generations ORDER BY requested_at LIMIT 1');
    const { status, type } = await withTemporal((client) =>
      client.workflow.getHandle(String(first?.['id'])).describe(),
    );
    expect({ status: status.name, type }).toEqual({ status: 'COMPLETED', type: 'generateVideo' });
  });

  describe('at once', () => {
    it.concurrent('the next start completes the same video and charges it once', { timeout: SLOW }, async () => {
      const video = await demo().until(interrupted, 'completed', 'failed');
      expect(video).toMatchObject({ status: 'completed', credits: { state: 'charged' } });
      await expectChargedOnce(interrupted);
      expect(await demo().credits()).toMatchObject({
        available_microcredits: creditsBefore.available_microcredits,
        held_microcredits: 0,
      });
    });

    it.concurrent(
      'a provider that is away for 12 s costs its customer nothing but time, and the history no event',
      { timeout: SLOW },
      async () => {
        const customer = await openCustomer(stack, 1_000_000);
        const id = await customer.create('a fox during an outage [[after:8s]]');
        await customer.until(id, 'in_progress');
        await provider('reset');
        try {
          await outage(id, 12_000);
        } finally {
          await provider(null);
        }
        expect(await customer.until(id, 'completed', 'failed')).toMatchObject({ credits: { state: 'charged' } });
        await expectChargedOnce(id);
        // After the charge it is archived, which adds its own.
        await vi.waitFor(
          async () => {
            const events = await activityEvents(id);
            // The looks by the poll plan are called off where a provider event came first.
            const { CancelRequested: calledOff = 0, Canceled: _ = 0, ...others } = events;
            expect(calledOff).toBeLessThanOrEqual(1);
            const whole = (others['Scheduled'] ?? 0) - calledOff;
            expect(others).toEqual({ Scheduled: whole + calledOff, Started: whole, Completed: whole });
          },
          { timeout: 20_000, interval: 200 },
        );
      },
    );
  });
});

async function provider(fault: 'reset' | null): Promise<void> {
  const url = stack.endpoints.provider.replace('/v1', '/_simulator/faults');
  const init = {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ all: fault }),
  };
  expect((await fetch(url, init)).status).toBe(200);
}

/** Resolves when the time is over and at least four looks have failed in it. */
async function outage(id: string, duration_ms: number): Promise<void> {
  const began = performance.now();
  await withTemporal((client) =>
    vi.waitFor(
      async () => {
        const { raw } = await client.workflow.getHandle(id).describe();
        const failed = Math.max(0, ...(raw.pendingActivities ?? []).map(({ attempt }) => (attempt ?? 1) - 1));
        if (performance.now() - began < duration_ms || failed < 4) throw new Error(`${failed} looks have failed`);
      },
      { timeout: 40_000, interval: 100 },
    ),
  );
}

/** How many events of each kind the history has on activities: `{ Scheduled: 7, … }`. */
async function activityEvents(id: string): Promise<Record<string, number>> {
  const { events } = await withTemporal((client) => client.workflow.getHandle(id).fetchHistory());
  const counts: Record<string, number> = {};
  for (const event of events ?? []) {
    for (const key of Object.keys(event)) {
      const name = /^activityTask(\w+)EventAttributes$/.exec(key)?.[1];
      if (name !== undefined) counts[name] = (counts[name] ?? 0) + 1;
    }
  }
  return counts;
}

describe('SIGTERM', () => {
  it('ends every process and closes every port', { timeout: SLOW }, async () => {
    expect(await stack.stop()).toBe(0);
    expect(living(stack)).toEqual([]);
    const open = await Promise.all(
      Object.entries(place.ports).map(async ([name, port]) => ((await isOpen(port)) ? name : '')),
    );
    expect(open.filter((name) => name !== '')).toEqual([]);
  });
});

/** The parts of which a process is left; each has led a process group of its own. */
function living({ endpoints }: Operated): string[] {
  const left = groupsLeft(Object.values(endpoints.pids).map((pid) => pid!));
  return Object.entries(endpoints.pids).flatMap(([name, pid]) => (left.includes(pid!) ? [name] : []));
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { contentKey } from '../../contracts/content.ts';
import type { GenerationInput, GenerationResult } from '../../contracts/temporal.ts';
import { archiveActivityId, GENERATE_VIDEO, TASK_QUEUE } from '../../contracts/temporal.ts';
import { createFolderStore } from '../../outbound/index.ts';
import type { CrashSite, WorkerProcess } from '../harness/support/crashes.ts';
import { namespaceOf, openCrashSite, spawnWorker } from '../harness/support/crashes.ts';
import { admit, openTenant, PRICE } from '../harness/support/database.ts';

/** A worker that is killed while a long download is under way; the other points are in crash-points.test.ts. */

const POINT = 'archive:before';
const namespace = namespaceOf(POINT);
const workers: WorkerProcess[] = [];
let site: CrashSite;
let slow: { server: Server; ranges: (string | undefined)[] };
let video: Buffer;

beforeAll(async () => {
  video = await readFile(new URL('../../dev/simulator/assets/video.mp4', import.meta.url));
  site = await openCrashSite([POINT]);
  slow = await serveSlowly(site.simulatorUrl);
});
afterAll(async () => {
  for (const worker of workers) worker.kill();
  slow.server.closeAllConnections();
  slow.server.close();
  await site.close();
});

/** The simulator, but for the video's content: the first answer stands still after a half, later ones know Range. */
async function serveSlowly(behind: string): Promise<typeof slow> {
  const ranges: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    if (request.url?.endsWith('/content') !== true) {
      void forward(behind, request, response);
      return;
    }
    const { range } = request.headers;
    ranges.push(range);
    const start = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
    const about = { 'content-type': 'video/mp4', 'content-length': video.length - start };
    if (ranges.length === 1) response.writeHead(200, about).write(video.subarray(0, video.length / 2));
    else if (range === undefined) response.writeHead(200, about).end(video);
    else {
      const part = `bytes ${start}-${video.length - 1}/${video.length}`;
      response.writeHead(206, { ...about, 'content-range': part }).end(video.subarray(start));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, ranges };
}

async function forward(behind: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method = 'GET', url, headers } = request;
  const body = method === 'GET' ? {} : { body: request as unknown as ReadableStream, duplex: 'half' as const };
  const answer = await fetch(`${behind}${url}`, {
    method,
    headers: { authorization: headers.authorization ?? '', 'content-type': headers['content-type'] ?? '' },
    ...body,
  });
  response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' });
  await pipeline(answer.body ?? [], response);
}

async function startWorker(): Promise<WorkerProcess> {
  const { port } = slow.server.address() as AddressInfo;
  const worker = spawnWorker({
    ...site.environment(namespace),
    OPENAI_BASE_URL: `http://127.0.0.1:${port}/v1`,
  });
  workers.push(worker);
  await worker.ready;
  return worker;
}

it('goes on, in another worker, from where the killed one was', { timeout: 120_000 }, async () => {
  const first = await startWorker();
  const tenant = await openTenant(site.database, PRICE);
  const generationId = await admit(site.database, tenant, 'a long one');
  const generation = await site
    .client(namespace)
    .workflow.start<(input: GenerationInput) => Promise<GenerationResult>>(GENERATE_VIDEO, {
      workflowId: generationId,
      taskQueue: TASK_QUEUE.workflowsAndLedger,
      args: [{ generationId, accountId: tenant.accountId }],
    });
  const folder = site.environment(namespace)['ARCHIVE_DIR'] ?? '';
  const store = createFolderStore(folder);
  const key = contentKey(generationId, 'video');
  const half = video.length / 2;
  await vi.waitFor(async () => expect(await store.kept(key)).toBe(half), { timeout: 40_000, interval: 50 });
  // Charged long before.
  expect(await site.database.ledger.getBalance(tenant.accountId)).toMatchObject({ heldMicrocredits: 0 });
  expect(await store.read(key)).toBeUndefined();
  first.kill();
  expect(await first.ended).toBe('SIGKILL');

  await startWorker();
  expect(await generation.result()).toMatchObject({ outcome: 'captured' });
  const copy = site.client(namespace).activity.getHandle(archiveActivityId(generationId));
  expect(await copy.result()).toEqual({ outcome: 'archived' });
  expect(slow.ranges).toEqual([undefined, `bytes=${half}-`]);
  const content = await site.database.ledger.getContent(tenant.accountId, generationId, 'video');
  expect(content).toMatchObject({ state: 'archived', bytes: video.length, location: key });
  expect((await readFile(join(folder, key))).equals(video)).toBe(true);
});

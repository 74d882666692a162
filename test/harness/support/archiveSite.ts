import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { afterAll, beforeAll, beforeEach, expect } from 'vitest';
import { createOutboundActivities } from '../../../activities/outboundActivities.ts';
import type { ActivityDependencies } from '../../../activities/index.ts';
import type { Archived } from '../../../contracts/activities.ts';
import { createFolderStore } from '../../../outbound/index.ts';
import { type Provider, providersOf } from '../../../provider/index.ts';
import { COPY_LIMITS } from './copyLimits.ts';
import type { TestDatabase, Tenant } from './database.ts';
import { admit, createTestDatabase, openTenant, PRICE } from './database.ts';
import { mp4 } from './mp4.ts';
import { closeServers, provider as providerAt, serve } from '../../unit/provider-server.ts';

/** The activity that archives, against a provider whose answers each test writes itself. */

export const CONTENT = mp4(200_000);
export const HALF = 100_000;
/** Errors thrown here are examined by the tests. */
export const QUIET = new DefaultLogger('ERROR');
export type Answer = (response: ServerResponse, request: IncomingMessage) => void;

export let db: TestDatabase;
export let tenant: Tenant;
export let folder: string;
export let provider: Provider;
export const requests: { url: string; range: string | undefined }[] = [];
/** The provider's answers to successive requests for a video; afterwards it serves the whole video. */
export const answers: Answer[] = [];

/** Opens the site for the tests of a file. This module is loaded once for several files, so each of them asks for it. */
export function useArchiveSite(): void {
  beforeAll(async () => {
    [db, folder] = await Promise.all([createTestDatabase(), mkdtemp(join(tmpdir(), 'holdfast-archive-'))]);
    tenant = await openTenant(db, 1000 * PRICE);
    const server = await serve((response, request) => {
      requests.push({ url: request.url ?? '', range: request.headers.range });
      const isVideo = request.url?.endsWith('/content') === true;
      (isVideo ? (answers.shift() ?? whole()) : status(404))(response, request);
    });
    provider = providerAt(server.baseUrl);
  });
  beforeEach(() => {
    requests.length = 0;
    answers.length = 0;
  });
  afterAll(async () => {
    await closeServers();
    await db.drop();
    await rm(folder, { recursive: true });
  });
}

export function status(code: number, headers: Record<string, string> = {}): Answer {
  return (response) => response.writeHead(code, headers).end('{}');
}

export function whole(headers: Record<string, string> = {}, content = CONTENT): Answer {
  const length = String(content.length);
  return (response) =>
    response.writeHead(200, { 'content-type': 'video/mp4', 'content-length': length, ...headers }).end(content);
}

/** Announces the full length and sends half. */
export function cut(headers: Record<string, string> = {}, content = CONTENT): Answer {
  return (response) => {
    response.writeHead(200, { 'content-type': 'video/mp4', 'content-length': content.length, ...headers });
    response.write(content.subarray(0, content.length / 2), () => setTimeout(() => response.destroy(), 50));
  };
}

/** The requested rest, with these headers. */
export function rest(headers: Record<string, string> = {}, from?: number, content = CONTENT): Answer {
  return (response, request) => {
    const start = from ?? Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1]);
    const range = `bytes ${start}-${CONTENT.length - 1}/${CONTENT.length}`;
    response
      .writeHead(206, { 'content-type': 'video/mp4', 'content-range': range, ...headers })
      .end(content.subarray(start));
  };
}

export async function charged(at = provider.identity): Promise<string> {
  const id = await admit(db, tenant);
  await db.ledger.placeHold(id, 3600);
  await db.ledger.beginAttempt(id, [{ identity: at }]);
  const video = randomUUID();
  await db.ledger.endAttempt(id, 1, { outcome: 'created', providerVideoId: video, providerCreatedAt: null });
  const completed = { verdict: 'completed', status: 'completed', progress: 100, completedAt: null } as const;
  await db.ledger.recordLook(id, video, { ...completed, errorCode: null, errorMessage: null });
  await db.ledger.settleGeneration(id, 'completed');
  return id;
}

export const age = (id: string, interval: string) =>
  db.admin.query('UPDATE generations SET last_look_at = last_look_at - $2::interval WHERE id = $1', [id, interval]);

export let alarms: string[] = [];
export const archiveAt = () => createFolderStore(folder);

/** One try of the activity; `details` are the last heartbeat of the one before. Returns its result and its heartbeat. */
export async function once(generationId: string, details?: unknown, changes: Partial<ActivityDependencies> = {}) {
  alarms = [];
  const heartbeats: unknown[] = [];
  const env = new MockActivityEnvironment(details === undefined ? {} : { heartbeatDetails: details }, {
    logger: QUIET,
  });
  env.on('heartbeat', (beat: unknown) => heartbeats.push(structuredClone(beat)));
  const activities = createOutboundActivities({
    ledger: db.ledger,
    store: db.ledger,
    providers: providersOf([provider]),
    archive: archiveAt(),
    copyLimits: COPY_LIMITS,
    count: (alarm: string) => alarms.push(alarm),
    ...changes,
  } as unknown as ActivityDependencies);
  const end = await (
    env.run(activities.archiveContent, { generationId, accountId: tenant.accountId }) as Promise<Archived>
  ).then(
    ({ outcome }) => outcome,
    (error: Error & { nextRetryDelay?: unknown }) => error,
  );
  return { end, details: heartbeats.at(-1) };
}

export async function expectWhole(id: string): Promise<void> {
  const { rows } = await db.pool.query<{ bytes: number; sum: Buffer; location: string }>(
    `SELECT bytes, encode(sha256, 'hex') AS sum, location FROM contents WHERE generation_id = $1 AND variant = 'video'`,
    [id],
  );
  expect(rows).toMatchObject([{ bytes: CONTENT.length }]);
  expect((await readFile(join(folder, rows[0]?.location ?? ''))).equals(CONTENT)).toBe(true);
}

export const onRecord = async (id: string) =>
  (await db.pool.query('SELECT variant FROM contents WHERE generation_id = $1', [id])).rows;
export const ranges = () => requests.filter(({ url }) => url.endsWith('/content')).map(({ range }) => range);

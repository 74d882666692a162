import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import type { Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import { createApp } from '../../../api/app.ts';
import type { ApiDependencies } from '../../../api/http/deps.ts';
import { createServer } from '../../../api/server.ts';
import { createFolderStore } from '../../../outbound/index.ts';
import { type Provider, providersOf } from '../../../provider/index.ts';
import type { TestDatabase, Tenant } from './database.ts';
import { addKey, admit, createTestDatabase, openTenant, PRICE } from './database.ts';
import { mp4 } from './mp4.ts';
import { rawRequests } from './rawHttp.ts';
import { closeServers, provider as providerAt, serveTcp } from '../../unit/provider-server.ts';

/**
 * The content of a charged video before it is archived: bare sockets on both sides of the real API, so that every byte that the
 * provider sends, and every one that a client gets, is seen.
 */

export const CONTENT = mp4(100_000);

interface Site {
  db: TestDatabase;
  tenant: Tenant;
  key: string;
  folder: string;
  port: number;
  server: Server;
  provider: Provider;
  /** In place of the archive's own removal. */
  removing: (() => Promise<void>) | undefined;
  logged: unknown[];
  /** What the provider sends to the next request, head and body, before it hangs up; with the request that it got. */
  answer: (socket: Socket, request: string) => void;
}

/** What a test file has opened by `useSite`. */
export const site = { logged: [] } as unknown as Site;

/** Opens the site for a test file, and closes it after its tests. */
export function useSite(): void {
  beforeAll(openSite);
  afterAll(closeSite);
}

async function openSite(): Promise<void> {
  const [db, folder] = await Promise.all([createTestDatabase(), mkdtemp(join(tmpdir(), 'holdfast-pass-'))]);
  const tenant = await openTenant(db, 1000 * PRICE);
  const key = `hf_${randomUUID()}`;
  await addKey(db, tenant.accountId, { sha256: createHash('sha256').update(key).digest() });
  const providerPort = await serveTcp((socket) => {
    let request = '';
    socket.on('data', (chunk: Buffer) => {
      request += chunk.toString('latin1');
      if (request.endsWith('\r\n\r\n')) site.answer(socket, request);
    });
  });
  const provider = providerAt(`http://127.0.0.1:${providerPort}/v1`);
  const log = (...entry: unknown[]) => site.logged.push(entry);
  const store = createFolderStore(folder);
  const app = createApp({
    ledger: db.ledger,
    store: db.ledger,
    providers: providersOf([provider]),
    archive: { ...store, remove: (group: string) => site.removing?.() ?? store.remove(group) },
    adminKey: undefined,
    requestsPerMinute: 1_000_000,
    streamLimits: { ofOneKey: 1, inAll: 1 },
    log: { error: log, warn: log, info: log },
  } as unknown as ApiDependencies);
  const server = createServer(app);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  Object.assign(site, { db, tenant, key, folder, port, server, provider, removing: undefined, logged: [] });
}

async function closeSite(): Promise<void> {
  const { db, folder, server } = site;
  server.closeAllConnections();
  server.close();
  await closeServers();
  await db.drop();
  await rm(folder, { recursive: true });
}

export async function charged(): Promise<string> {
  const id = await admit(site.db, site.tenant);
  await site.db.ledger.placeHold(id, 3600);
  await site.db.ledger.beginAttempt(id, [site.provider]);
  const video = randomUUID();
  await site.db.ledger.endAttempt(id, 1, { outcome: 'created', providerVideoId: video, providerCreatedAt: null });
  const completed = { verdict: 'completed', status: 'completed', progress: 100, completedAt: null } as const;
  await site.db.ledger.recordLook(id, video, { ...completed, errorCode: null, errorMessage: null });
  await site.db.ledger.settleGeneration(id, 'completed');
  return id;
}

export function sends(status: string, headers: readonly string[], body: Buffer | string): void {
  site.answer = (socket) => socket.end(Buffer.concat([headOf(status, headers), Buffer.from(body)]));
}

export function headOf(status: string, headers: readonly string[]): Buffer {
  return Buffer.from(`HTTP/1.1 ${status}\r\n${headers.map((line) => `${line}\r\n`).join('')}Connection: close\r\n\r\n`);
}

const request = (id: string, headers: readonly string[]) =>
  `GET /v1/videos/${id}/content HTTP/1.1\r\nHost: holdfast\r\nAuthorization: Bearer ${site.key}\r\n${headers.map((line) => `${line}\r\n`).join('')}\r\n`;
/** A second request behind the first one: bytes too many would be read as its answer. */
const behind = 'GET /healthz HTTP/1.1\r\nHost: holdfast\r\nConnection: close\r\n\r\n';

export const fetched = (id: string, init: RequestInit = {}, query = '') =>
  fetch(`http://127.0.0.1:${site.port}/v1/videos/${id}/content${query}`, {
    headers: { authorization: `Bearer ${site.key}` },
    ...init,
  });

export async function get(id: string, headers: readonly string[] = []) {
  site.logged = [];
  const [first, second, ...more] = await rawRequests(site.port, request(id, headers) + behind, 2);
  expect(more).toEqual([]);
  if (first === undefined) throw new Error('no answer');
  return { ...first, second };
}

export const servedOf = async (id: string) =>
  (await site.db.pool.query(`SELECT FROM generation_events WHERE generation_id = $1 AND kind = 'content_served'`, [id]))
    .rowCount;
export const LENGTH = `Content-Length: ${CONTENT.length}`;
export const VIDEO = 'Content-Type: video/mp4';

export function expectUnavailable(answered: Awaited<ReturnType<typeof get>>): void {
  expect(answered).toMatchObject({ status: 503, headers: { 'retry-after': '5', 'content-type': 'application/json' } });
  expect(JSON.parse(answered.body.toString())).toMatchObject({ error: { code: 'temporarily_unavailable' } });
  expect(answered.second).toMatchObject({ status: 200 });
}

/** A provider that answers every range, and the whole. */
export function servesRanges(content = CONTENT): void {
  site.answer = (socket, text) => {
    const [, start, end] = /^range: bytes=(\d+)-(\d+)\r$/im.exec(text) ?? [];
    if (start === undefined)
      return socket.end(Buffer.concat([headOf('200 OK', [VIDEO, `Content-Length: ${content.length}`]), content]));
    const range = `Content-Range: bytes ${start}-${end}/${content.length}`;
    const part = content.subarray(Number(start), Number(end) + 1);
    return socket.end(Buffer.concat([headOf('206 Partial Content', [VIDEO, range]), part]));
  };
}

export const goneLater = async (id: string) => {
  await site.db.admin.query(`UPDATE generations SET last_look_at = last_look_at - interval '1 hour' WHERE id = $1`, [
    id,
  ]);
  return site.db.ledger.recordContentGone(id);
};

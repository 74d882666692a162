import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createApp } from '../../api/app.ts';
import { newApiKey, sha256 } from '../../api/http/auth.ts';
import type { ApiDependencies } from '../../api/http/deps.ts';
import { apiKeyId } from '../../contracts/ids.ts';
import { LedgerUnavailable, openDatabase, type Pool } from '../../store/index.ts';
import { inTransaction } from '../../store/transaction.ts';
import type { TestDatabase } from '../harness/support/database.ts';
import { createTestDatabase, openBooks, openTenant } from '../harness/support/database.ts';
import { ledgerSteps } from '../harness/support/ledgerSteps.ts';

/** Two processes of the API on one database: a key's rate, its end, and what a read costs. */

let db: TestDatabase;
let pools: Pool[];
let apps: ReturnType<typeof createApp>[];
const ignore = () => undefined;
/** The statements that were sent, by the names that they are prepared by. */
const sent: string[] = [];

beforeAll(async () => {
  db = await createTestDatabase(8);
  pools = [db.openPool(), db.openPool()];
  apps = pools.map((pool) => {
    const opened = openDatabase(pool);
    const query = ((config: { name: string; text: string }) => {
      sent.push(config.name);
      return pool.query(config);
    }) as unknown as typeof opened.query;
    const books = openBooks({ ...opened, query });
    return createApp({
      ledger: books,
      store: books,
      requestsPerMinute: 600,
      streamLimits: { ofOneKey: 1, inAll: 1 },
      log: { error: ignore, warn: ignore, info: ignore },
    } as unknown as ApiDependencies);
  });
});
afterAll(async () => {
  await db.drop();
});

beforeEach(() => {
  sent.length = 0;
});

const { held } = ledgerSteps(() => db);

async function newKey(requestsPerMinute: number, accountId?: string) {
  const key = newApiKey();
  const account = accountId ?? (await openTenant(db, 0)).accountId;
  const id = apiKeyId(randomUUID());
  await db.ledger.addApiKey({ id, accountId: account, name: 'key', sha256: sha256(key), requestsPerMinute });
  return { id, accountId: account, key };
}

async function ask(process: number, { key }: { key: string }, path = '/v1/credits'): Promise<Response> {
  const app = apps[process % apps.length];
  if (app === undefined) throw new Error('there is no such process');
  return app.request(path, { headers: { authorization: `Bearer ${key}` } });
}

/** The number of each status among the answers to so many requests, sent to these processes in turn. */
async function statuses(count: number, processes: readonly number[], key: { key: string }) {
  const answers = await Promise.all(
    Array.from({ length: count }, (_, n) => ask(processes[n % processes.length] ?? 0, key)),
  );
  const number = (status: number) => answers.filter((answer) => answer.status === status).length;
  return { ok: number(200), refused: number(429), answers };
}

describe('the requests a minute of a key, in two processes', () => {
  it('are exactly its limit when that is small, and what is refused asks the database for no more', async () => {
    const key = await newKey(5);
    const { ok, refused, answers } = await statuses(14, [0, 1], key);
    expect([ok, refused]).toEqual([5, 9]);
    for (const answer of answers.filter(({ status }) => status === 429)) {
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(59);
      expect(Number(answer.headers.get('retry-after'))).toBeLessThanOrEqual(60);
    }
    sent.length = 0;
    expect(await statuses(10, [0, 1], key)).toMatchObject({ ok: 0, refused: 10 });
    expect(sent).not.toContain('lease_requests');
  });

  it('are never more than its limit and at most a block fewer, and few of them cost a round trip', async () => {
    const key = await newKey(400);
    const block = 400 / 20;
    let first = 0;
    for (let n = 0; n < 60; n += 1) first += (await statuses(1, [0], key)).ok;
    expect(first).toBe(60);
    // One lease for the first request, then as many as were used before, up to a block.
    expect(sent.filter((name) => name === 'lease_requests').length).toBeLessThanOrEqual(9);
    const { ok } = await statuses(400, [1], key);
    expect(first + ok).toBeGreaterThanOrEqual(400 - block);
    // What the first process had leased ahead is still its own.
    const rest = await statuses(2 * block, [0], key);
    expect(first + ok + rest.ok).toBe(400);
  });
});

describe('a GET of a video', () => {
  const newCustomer = async () => {
    const { tenant, id } = await held();
    return { path: `/v1/videos/${id}`, key: await newKey(600, tenant.accountId) };
  };

  it('reads key and video in one round trip', async () => {
    const { path, key } = await newCustomer();
    for (let n = 0; n < 2; n += 1) expect((await ask(0, key, path)).status).toBe(200);
    sent.length = 0;
    const answer = await ask(0, key, path);
    expect(await answer.json()).toMatchObject({ object: 'video', status: 'queued' });
    expect(sent.filter((name) => name !== 'lease_requests')).toEqual(['get_video_by_key']);
  });

  it('is 404 for the key of another account', async () => {
    const { path } = await newCustomer();
    expect((await ask(0, await newKey(600), path)).status).toBe(404);
  });

  it('is 401 in every process from the moment at which its key is revoked', async () => {
    const { path, key } = await newCustomer();
    for (const process of [0, 1]) expect((await ask(process, key, path)).status).toBe(200);
    await db.ledger.revokeApiKey(key.accountId, key.id);
    for (const process of [0, 1]) {
      for (const read of [path, `${path}/timeline`, `${path}/content`, '/v1/videos']) {
        const answer = await ask(process, key, read);
        expect([answer.status, await answer.text()]).toEqual([401, expect.stringContaining('was revoked')]);
      }
    }
  });
});

describe('an upgrade that changes the type of a column under a running process', () => {
  const change = (type: string) => db.admin.query(`ALTER TABLE api_keys ALTER COLUMN requests_per_minute TYPE ${type}`);

  it('fails no request', async () => {
    const { tenant, id } = await held();
    const key = await newKey(600, tenant.accountId);
    const everywhere = async () => {
      // More at once than one connection answers.
      const reads = [0, 1, 0, 1].flatMap((process) => [ask(process, key, `/v1/videos/${id}`), ask(process, key)]);
      return new Set((await Promise.all(reads)).map(({ status }) => status));
    };
    expect(await everywhere()).toEqual(new Set([200]));
    for (const type of ['bigint', 'integer']) {
      await change(type);
      expect(await everywhere()).toEqual(new Set([200]));
    }
  });

  it('ends a transaction as if the database were away, so that it is tried again', async () => {
    const key = await newKey(600);
    const pool = db.openPool();
    const find = () =>
      inTransaction(
        openDatabase(pool),
        ['BEGIN'],
        () => undefined,
        (inside) => openBooks(inside).findCaller(sha256(key.key)),
      );
    expect(await find()).toMatchObject({ standing: 'valid' });
    await change('bigint');
    await expect(find()).rejects.toBeInstanceOf(LedgerUnavailable);
    expect(await find()).toMatchObject({ standing: 'valid' });
    await change('integer');
  });
});

import { randomUUID } from 'node:crypto';
import { Hono } from 'hono';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApp } from '../../api/app.ts';
import { guardData } from '../../api/console/guards.ts';
import { newApiKey, sha256 } from '../../api/http/auth.ts';
import type { ApiDependencies, Env } from '../../api/http/deps.ts';
import { apiKeyId } from '../../contracts/ids.ts';
import type { TestDatabase } from '../harness/support/database.ts';
import { createTestDatabase, openTenant } from '../harness/support/database.ts';
import { tablesWith } from '../harness/support/erasure.ts';

/** Sessions of the console: what opens one, what it opens, and when it ends. */

const ADMIN_KEY = 'the-admin-key-of-these-tests';
let db: TestDatabase;
let app: ReturnType<typeof createApp>;
const logged: string[] = [];

/** An API on the database, and no more: enough for whoever signs in. */
function apiWith(adminKey: string) {
  const log = (fields: object, message: string) => logged.push(`${message} ${JSON.stringify(fields)}`);
  return createApp({
    ...{ database: db.database, ledger: db.ledger, store: db.ledger, adminKey },
    ...{ requestsPerMinute: 10_000, streamLimits: { ofOneKey: 1, inAll: 1 } },
    log: { error: log, warn: log, info: log },
  } as unknown as ApiDependencies);
}

beforeAll(async () => {
  db = await createTestDatabase(8);
  app = apiWith(ADMIN_KEY);
});
afterAll(async () => {
  await db.drop();
});

async function newKey(scopes?: string[]) {
  const key = newApiKey();
  const { accountId } = await openTenant(db, 5_000_000);
  const id = apiKeyId(randomUUID());
  await db.ledger.addApiKey({ id, accountId, name: 'key', sha256: sha256(key), ...(scopes && { scopes }) });
  return { id, accountId, key };
}

const OWN_PAGE = { 'sec-fetch-site': 'same-origin' };

type Headers = Record<string, string>;

async function post(path: string, fields: Headers = {}, headers: Headers = OWN_PAGE, at = app) {
  const type = { 'content-type': 'application/x-www-form-urlencoded' };
  return at.request(path, { method: 'POST', body: new URLSearchParams(fields), headers: { ...type, ...headers } });
}

const setCookie = (answer: Response) => answer.headers.get('set-cookie') ?? '';
/** The cookie as the browser sends it back. */
const cookieOf = (answer: Response) => setCookie(answer).split(';')[0] ?? '';

/** Signs in by a process of its own, so that its tries are not counted with those of other tests. */
async function signIn(key: string, headers: Headers = {}): Promise<Headers> {
  const answer = await post('/console/sign-in', { key }, { ...OWN_PAGE, ...headers }, apiWith(ADMIN_KEY));
  expect(answer.status).toBe(303);
  return { cookie: cookieOf(answer) };
}

const read = async (path: string, headers: Headers, at = app) => (await at.request(path, { headers })).status;

describe('signing in', () => {
  it('gives a cookie that no script reads and no other site sends, with nothing of the key in it, in a page, the database or the log', async () => {
    const { key, accountId } = await newKey();
    const answer = await post('/console/sign-in', { key });
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/']);
    expect(setCookie(answer)).toMatch(
      /^holdfast_console=k_[\w-]{43}; Max-Age=43200; Path=\/; HttpOnly; SameSite=Strict$/,
    );
    const token = cookieOf(answer).split('=')[1] ?? '';
    expect(await tablesWith(db.admin, key)).toEqual([]);
    expect(await tablesWith(db.admin, token)).toEqual([]);
    const page = await (await app.request('/console/credits', { headers: { cookie: cookieOf(answer) } })).text();
    expect(page).toContain('Statement');
    expect([page.includes(key), page.includes(token), page.includes(accountId)]).toEqual([false, false, false]);
    expect(logged.join('\n')).not.toContain(key);
  });

  it('by HTTPS gives a cookie that is bound to this host, and knows no other', async () => {
    const { key } = await newKey();
    const https = { 'x-forwarded-proto': 'https' };
    const answer = await post('/console/sign-in', { key }, { ...OWN_PAGE, ...https });
    expect(setCookie(answer)).toMatch(/^__Host-holdfast_console=.*; Path=\/; HttpOnly; Secure; SameSite=Strict$/);
    expect(await read('/console/v1/credits', { ...https, cookie: cookieOf(answer) })).toBe(200);
    const renamed = cookieOf(answer).replace('__Host-', '');
    expect(await read('/console/v1/credits', { ...https, cookie: renamed })).toBe(401);
  });

  it('is refused for a key that is unknown or was revoked, and says so', async () => {
    const revoked = await newKey();
    await db.ledger.revokeApiKey(revoked.accountId, revoked.id);
    for (const [key, why] of [
      [newApiKey(), 'This key is unknown.'],
      [revoked.key, 'This API key was revoked.'],
    ] as const) {
      const answer = await post('/console/sign-in', { key });
      expect([answer.status, setCookie(answer)]).toEqual([401, '']);
      expect(await answer.text()).toContain(why);
    }
  });

  it('is tried twenty times a minute by one address at most, which keeps out no API key', async () => {
    const own = apiWith(ADMIN_KEY);
    const tries = async (key: string) => post('/console/sign-in', { key }, OWN_PAGE, own);
    for (let n = 0; n < 20; n += 1) expect((await tries(`guess ${n}`)).status).toBe(401);
    const refused = await tries(ADMIN_KEY);
    expect([refused.status, setCookie(refused)]).toEqual([429, '']);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await tries((await newKey()).key)).status).toBe(303);
  });

  it('is a request of its key, and counts towards its rate', async () => {
    const { id, key } = await newKey();
    await db.admin.query('UPDATE api_keys SET requests_per_minute = 1 WHERE id = $1', [id]);
    expect((await post('/console/sign-in', { key })).status).toBe(303);
    expect((await post('/console/sign-in', { key })).status).toBe(429);
  });
});

describe('a session', () => {
  it('may do what its key may, on the routes of the console, and is not asked for by a key', async () => {
    const { key } = await newKey(['credits:read']);
    const session = await signIn(key);
    expect(await read('/console/v1/credits', session)).toBe(200);
    expect(await read('/console/v1/videos', session)).toBe(403);
    expect(await read('/console/v1/credits', { authorization: `Bearer ${key}` })).toBe(401);
    expect(await read('/console/admin/overview', session)).toBe(401);
  });

  it('opens neither /v1 nor /admin', async () => {
    const sessions = [await signIn((await newKey()).key), await signIn(ADMIN_KEY)];
    for (const session of sessions) {
      expect(await read('/v1/credits', session)).toBe(401);
      expect(await read('/admin/overview', session)).toBe(401);
    }
  });

  it('of one account never reads what is another’s', async () => {
    const [one, other] = [await newKey(), await newKey()];
    const seen = async ({ key }: { key: string }) =>
      (await (await app.request('/console/v1/credits', { headers: await signIn(key) })).json()) as object;
    expect([await seen(one), await seen(other)]).toMatchObject([
      { account_id: one.accountId },
      { account_id: other.accountId },
    ]);
  });

  it('ends at once when its key is revoked or expires', async () => {
    const [revoked, expired] = [await newKey(), await newKey()];
    const sessions = [await signIn(revoked.key), await signIn(expired.key)];
    await db.ledger.revokeApiKey(revoked.accountId, revoked.id);
    await db.admin.query(`UPDATE api_keys SET expires_at = now() WHERE id = $1`, [expired.id]);
    for (const session of sessions) expect(await read('/console/v1/credits', session)).toBe(401);
  });

  it('of an operator reads /console/admin, has no account, and ends when the admin key is another', async () => {
    const session = await signIn(ADMIN_KEY);
    expect(await read('/console/admin/overview', session)).toBe(200);
    expect(await read('/console/v1/credits', session)).toBe(401);
    expect(await read('/console/admin/overview', session, apiWith('another-admin-key-than-that'))).toBe(401);
  });

  it('is gone after signing out', async () => {
    const { id, key } = await newKey();
    const session = await signIn(key);
    const left = await post('/console/sign-out', {}, { ...OWN_PAGE, ...session });
    expect([left.status, setCookie(left)]).toEqual([303, expect.stringContaining('Max-Age=0')]);
    expect(await read('/console/v1/credits', session)).toBe(401);
    expect(await countOf(id)).toBe(0);
  });
});

async function countOf(keyId: string): Promise<number> {
  const sql = 'SELECT count(*)::int AS n FROM console_sessions WHERE api_key_id = $1';
  return (await db.admin.query<{ n: number }>(sql, [keyId])).rows[0]!.n;
}

describe('a link', () => {
  const make = async (key: string) => {
    const answer = await app.request('/console/links', { method: 'POST', headers: { authorization: `Bearer ${key}` } });
    const { url } = (await answer.json()) as { url: string };
    return new URL(url);
  };
  const enter = (link: URL) => post('/console/enter', { token: link.hash.slice(1) }, OWN_PAGE, apiWith(ADMIN_KEY));

  it('opens one session of its key, once, even if it is followed twice at once', async () => {
    const { key } = await newKey();
    const link = await make(key);
    expect([link.pathname, link.search, link.href.includes(key)]).toEqual(['/console/enter', '', false]);
    const both = await Promise.all([enter(link), enter(link)]);
    expect(both.map(({ status }) => status).toSorted()).toEqual([303, 401]);
    const session = { cookie: cookieOf(both.find(({ status }) => status === 303)!) };
    expect(await read('/console/v1/credits', session)).toBe(200);
    expect((await enter(link)).status).toBe(401);
  });

  it('opens nothing when its time is over or its key was revoked, and is itself no session', async () => {
    const [late, revoked] = [await newKey(), await newKey()];
    const links = [await make(late.key), await make(revoked.key)] as const;
    expect(await read('/console/v1/credits', { cookie: `holdfast_console=${links[0].hash.slice(1)}` })).toBe(401);
    await db.admin.query(`UPDATE console_sessions SET expires_at = now() WHERE api_key_id = $1`, [late.id]);
    await db.ledger.revokeApiKey(revoked.accountId, revoked.id);
    expect((await enter(links[0])).status).toBe(401);
    const cookie = cookieOf(await enter(links[1]));
    expect(await read('/console/v1/credits', { cookie })).toBe(401);
  });

  it('is made with a key only, never with a session', async () => {
    const session = await signIn((await newKey()).key);
    expect((await post('/console/links', {}, { ...OWN_PAGE, ...session })).status).not.toBe(200);
  });
});

describe('a request of another site', () => {
  it.each<[string, Headers]>([
    ['another site', { 'sec-fetch-site': 'cross-site' }],
    ['another subdomain', { 'sec-fetch-site': 'same-site' }],
    ['a browser that names only its origin', { origin: 'https://evil.example', host: 'console.test' }],
    ['nobody who says so', {}],
  ])('by %s changes nothing', async (_, headers) => {
    const { id, key } = await newKey();
    const session = await signIn(key);
    for (const path of ['/console/sign-out', '/console/sign-in', '/console/enter', '/console/v1/videos']) {
      expect((await post(path, { key }, { ...session, ...headers })).status).toBe(403);
    }
    expect(await countOf(id)).toBe(1);
    expect(await read('/console/v1/credits', session)).toBe(200);
  });

  it('is told from one of our own pages by its origin where the browser says no more', async () => {
    const session = await signIn((await newKey()).key);
    const own = { origin: 'http://console.test:3000', host: 'console.test:3000' };
    expect((await post('/console/sign-out', {}, { ...session, ...own })).status).toBe(303);
  });
});

describe('an answer', () => {
  it('forbids a page what it does not need, and is not kept', async () => {
    const session = await signIn((await newKey()).key);
    for (const path of ['/console/sign-in', '/console/credits', '/console/nothing', '/console/videos/video_1']) {
      const { headers } = await app.request(path, { headers: session });
      expect(Object.fromEntries(headers)).toMatchObject({
        'content-security-policy':
          "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cache-control': 'no-store',
      });
    }
  });

  it('with data runs nowhere: it is sandboxed, and what is no known type is a file to save', async () => {
    const { headers } = await app.request('/console/v1/credits', { headers: await signIn((await newKey()).key) });
    expect(headers.get('content-security-policy')).toBe("sandbox; default-src 'none'; frame-ancestors 'none'");
    for (const type of ['image/svg+xml', 'text/html; charset=utf-8', 'application/xhtml+xml', 'video/mp4x']) {
      const serving = new Hono<Env>().use(guardData).get('/', (c) => c.body('<script>', 200, { 'content-type': type }));
      const answer = await serving.request('/');
      expect([answer.headers.get('content-type'), answer.headers.get('content-disposition')]).toEqual([
        'application/octet-stream',
        'attachment',
      ]);
    }
  });
});

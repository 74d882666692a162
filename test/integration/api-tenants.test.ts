import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApp } from '../../api/app.ts';
import type { ApiDependencies } from '../../api/http/deps.ts';
import { SCOPES } from '../../contracts/scopes.ts';
import { ask, booksOf, expectNoDrift, untilRow, untilSettled } from '../harness/support/generations.ts';
import type { TestAccount, TestStack } from '../harness/support/stack.ts';
import { ADMIN_KEY, openAccount, startStack } from '../harness/support/stack.ts';

/**
 * No account sees, changes or learns of what is another's. Every route of the running API's own description is tried, so
 * a new one is covered as soon as it is there.
 */

interface Route {
  readonly method: string;
  readonly path: string;
  /** The names of what is variable in its path. */
  readonly variables: readonly string[];
  readonly query: readonly string[];
  readonly hasBody: boolean;
}

let stack: TestStack;
let mine: TestAccount;
let other: TestAccount;
let routes: readonly Route[];
/** Ids of the other account, by the name of the variable that they stand for. A new kind of id needs a line here. */
let foreign: Record<string, readonly string[]>;
/** A body that a route takes, where one is needed for the request to be looked at at all. */
const BODIES: Record<string, object> = {
  'POST /v1/videos/{video_id}/remix': { prompt: 'a remix' },
  'POST /v1/videos/{video_id}/claim': {},
};

beforeAll(async () => {
  stack = await startStack();
  mine = await openAccount(stack, 10_000_000);
  other = await openAccount(stack, 10_000_000);
  const [charged, released, held] = await Promise.all([
    ask(other, 'a fox'),
    ask(other, 'blocked [[fail:moderation_blocked]]'),
    ask(other, 'for ever [[never]]'),
  ]);
  await Promise.all([ask(mine, 'mine, for ever [[never]]'), ask(mine, 'mine too [[never]]')]);
  await untilSettled(stack, [charged, released]);
  await untilRow(stack, held, 'provider_video_id IS NOT NULL');
  const [script, thread] = [await written('/v1/scripts'), await written('/v1/threads')];
  const { id: endpoint } = await post('/v1/webhook_endpoints', { url: 'http://127.0.0.1:9/' });
  await untilSettled(stack, [await ask(other, 'told of')]);
  const deliveries = await other.fetch(`/v1/webhook_endpoints/${endpoint}/deliveries`);
  const { data } = (await deliveries.json()) as { data: { id: string }[] };
  foreign = {
    video_id: [charged, released, held],
    script_id: [script],
    thread_id: [thread],
    endpoint_id: [endpoint],
    delivery_id: data.map(({ id }) => id),
  };
  routes = await readRoutes();
});
afterAll(async () => {
  await expectNoDrift(stack);
  await stack.stop();
});

async function post(path: string, body: object): Promise<{ id: string }> {
  const answer = await other.fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return (await answer.json()) as { id: string };
}
const written = async (path: string) => (await post(path, { topic: 'a fox' })).id;

async function readRoutes(): Promise<Route[]> {
  const document = (await (await fetch(`${stack.url}/openapi.json`)).json()) as {
    paths: Record<string, Record<string, { parameters?: { in: string; name: string }[]; requestBody?: object }>>;
  };
  return Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, { parameters = [], requestBody }]) => ({
      method: method.toUpperCase(),
      path,
      variables: [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name),
      query: parameters.filter((parameter) => parameter.in === 'query').map(({ name }) => name),
      hasBody: requestBody !== undefined,
    })),
  );
}

const below = (prefix: string) => routes.filter(({ path }) => path.startsWith(prefix));
/** The routes with an account's id in their path. Models are the same for everyone. */
const withIdsOf = () => below('/v1/').filter(({ variables }) => variables.length > 0 && !variables.includes('model'));
const nameOf = ({ method, path }: Route) => `${method} ${path}`;

function send(route: Route, ids: Record<string, string>, key: string | undefined): Promise<Response> {
  const path = route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => ids[name] ?? 'unknown');
  const body = BODIES[nameOf(route)];
  return fetch(`${stack.url}${path}`, {
    method: route.method,
    headers: {
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

async function codeOf(answer: Response): Promise<[number, string]> {
  const { error } = (await answer.json()) as { error: { code: string } };
  return [answer.status, error.code];
}

/** All that is kept of an account, but for what changes by itself: the held video goes on. */
async function keptOf(account: TestAccount): Promise<unknown> {
  const { rows } = await stack.database.admin.query(
    `SELECT to_jsonb(g) - 'last_look_at' - 'provider_progress' - 'provider_status' - 'event_sequence' AS generation,
       (SELECT count(*) FROM generation_events e WHERE e.generation_id = g.id AND e.kind NOT IN ('seen', 'archived')) AS events
     FROM generations g WHERE g.account_id = $1 ORDER BY g.id`,
    [account.id],
  );
  return { rows, books: await booksOf(stack, account) };
}

describe("another account's ids", () => {
  // MR-89
  it('are 404 at every route with an id in its path, and nothing of them changes', async () => {
    const withIds = withIdsOf();
    expect(withIds.length).toBeGreaterThanOrEqual(6);
    const before = await keptOf(other);
    for (const route of withIds) {
      const [variable = '', ...more] = route.variables;
      for (const name of route.variables) {
        expect(foreign[name]?.length, `${nameOf(route)}: what is another account's ${name}?`).toBeGreaterThan(0);
      }
      const rest = Object.fromEntries(more.map((name) => [name, foreign[name]?.[0] ?? '']));
      expect(!route.hasBody || nameOf(route) in BODIES, `${nameOf(route)}: which body does it take?`).toBe(true);
      for (const id of foreign[variable] ?? []) {
        const answer = await send(route, { ...rest, [variable]: id }, mine.key);
        expect([nameOf(route), id, ...(await codeOf(answer))]).toEqual([nameOf(route), id, 404, 'not_found']);
      }
    }
    expect(await keptOf(other)).toEqual(before);
  });

  it('are found by their own account at the same routes, so the 404 is not for another reason', async () => {
    for (const route of withIdsOf().filter(({ method }) => method === 'GET')) {
      const [variable = ''] = route.variables;
      const [id = ''] = foreign[variable] ?? [];
      const answer = await send(route, { [variable]: id }, other.key);
      expect([nameOf(route), answer.ok]).toEqual([nameOf(route), true]);
      await answer.body?.cancel();
    }
  });

  it('show nothing of theirs as the `after` of any list', async () => {
    const lists = below('/v1/').filter(
      ({ method, query, variables }) => method === 'GET' && query.includes('after') && variables.length === 0,
    );
    expect(lists.length).toBeGreaterThanOrEqual(3);
    const listed = async (account: TestAccount, path: string, query: string) =>
      ((await (await account.fetch(`${path}?limit=100${query}`)).json()) as { data: { id: string }[] }).data.map(
        ({ id }) => id,
      );
    for (const { path } of lists) {
      const own = await listed(mine, path, '');
      const theirs = await listed(other, path, '');
      expect(own.filter((id) => theirs.includes(id))).toEqual([]);
      for (const after of theirs) {
        for (const order of ['asc', 'desc']) {
          const shown = await listed(mine, path, `&order=${order}&after=${after}`);
          expect(shown.filter((id) => !own.includes(id))).toEqual([]);
        }
      }
    }
  });
});

describe('every route of /v1', () => {
  const everyRoute = async (key: string | undefined, status: number, code: string) => {
    expect(below('/v1/').length).toBeGreaterThanOrEqual(12);
    for (const route of below('/v1/')) {
      const answer = await send(route, {}, key);
      expect([nameOf(route), ...(await codeOf(answer))]).toEqual([nameOf(route), status, code]);
    }
  };
  const keyThat = async (is: string) => {
    const { id, key } = await openAccount(stack, 0);
    await stack.database.admin.query(`UPDATE api_keys SET ${is} WHERE account_id = $1`, [id]);
    return key;
  };

  it('is 401 without a key, and with one that is unknown', async () => {
    await everyRoute(undefined, 401, 'invalid_api_key');
    await everyRoute('hf_unknown', 401, 'invalid_api_key');
    await everyRoute(ADMIN_KEY, 401, 'invalid_api_key');
  });

  it('is 401 with a key that was revoked', async () => {
    await everyRoute(await keyThat('revoked_at = now()'), 401, 'invalid_api_key');
  });

  it('is 401 with a key that has expired', async () => {
    await everyRoute(await keyThat("expires_at = now() - interval '1 ms'"), 401, 'invalid_api_key');
  });

  it('is 403 with a key of no scope', async () => {
    await everyRoute(await keyThat("scopes = '{}'"), 403, 'forbidden');
  });

  it('says in the description which scope it needs, and opens with that one alone', async () => {
    const { paths } = (await (await fetch(`${stack.url}/openapi.json`)).json()) as {
      paths: Record<string, Record<string, { description: string; security: { bearerAuth: string[] }[] }>>;
    };
    for (const route of below('/v1/')) {
      const operation = paths[route.path]?.[route.method.toLowerCase()];
      const scope = operation?.security[0]?.bearerAuth[0] ?? '';
      expect(operation?.description).toContain(`\`${scope}\``);
      const only = await send(route, {}, await keyThat(`scopes = '{${scope}}'`));
      expect([nameOf(route), only.status]).not.toEqual([nameOf(route), 403]);
      await only.body?.cancel();
      const others = SCOPES.filter((one) => one !== scope);
      expect(others).toHaveLength(SCOPES.length - 1);
      const allBut = await keyThat(`scopes = '{${others.join(',')}}'`);
      expect(await codeOf(await send(route, {}, allBut))).toEqual([403, 'forbidden']);
    }
  });
});

describe('every route of /admin', () => {
  it('is 401 without the admin key, also with the key of a customer', async () => {
    expect(below('/admin/').length).toBeGreaterThanOrEqual(10);
    for (const route of below('/admin/')) {
      for (const key of [undefined, mine.key, `${ADMIN_KEY}x`]) {
        expect([nameOf(route), ...(await codeOf(await send(route, {}, key)))]).toEqual([
          nameOf(route),
          401,
          'invalid_api_key',
        ]);
      }
    }
  });

  it('is 404 when there is no admin key', async () => {
    // Nothing is asked of what the app is made from.
    const app = createApp({
      adminKey: undefined,
      requestsPerMinute: 1,
      streamLimits: { ofOneKey: 1, inAll: 1 },
      log: console,
    } as unknown as ApiDependencies);
    for (const route of below('/admin/')) {
      for (const authorization of ['', 'Bearer ', 'Bearer undefined', `Bearer ${ADMIN_KEY}`]) {
        const { method, path } = route;
        const answer = await app.request(path.replaceAll(/[{}]/g, ''), { method, headers: { authorization } });
        expect([nameOf(route), ...(await codeOf(answer))]).toEqual([nameOf(route), 404, 'not_found']);
      }
    }
  });
});

it('every unique key of what belongs to an account carries it, or is of what nobody can choose', async () => {
  const { rows } = await stack.database.admin.query<{ name: string }>(
    `SELECT i.indrelid::regclass || '.' || c.relname AS name FROM pg_index i
     JOIN pg_class c ON c.oid = i.indexrelid AND c.relnamespace = 'holdfast'::regnamespace
     JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attname = 'account_id'
     WHERE i.indisunique AND NOT i.indisprimary AND NOT a.attnum = ANY (i.indkey) ORDER BY 1`,
  );
  expect(rows.map(({ name }) => name)).toEqual([
    'account_operations.account_operations_transaction_id_key',
    // A key is found by its hash, before it is known whose it is.
    'api_keys.api_keys_key_sha256_key',
    // A claim is only made of the account's own generation.
    'generations.generations_claimed_once',
    // A video at the provider belongs to one generation of all.
    'generations.generations_provider_video',
    'holds.holds_generation_id_key',
    // Made of the generation's id, or of the account's and the caller's key.
    'journal_transactions.journal_transactions_key',
  ]);
});

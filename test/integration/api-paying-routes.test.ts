import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectRefused, jsonPost } from '../harness/support/answers.ts';
import { PRICE } from '../harness/support/database.ts';
import { ask, booksOf, expectNoDrift, untilSettled } from '../harness/support/generations.ts';
import { bendHold, loseVideo, reconcile, untilProviderEnds } from '../harness/support/reconciling.ts';
import type { TestAccount, TestStack } from '../harness/support/stack.ts';
import { ADMIN_KEY, openAccount, startStack } from '../harness/support/stack.ts';

/** Every POST that may cost money, as the OpenAPI document lists them: what it does not know is refused, never passed over. */

interface Schema {
  $ref?: string;
  anyOf?: Schema[];
  example?: object;
}
interface Operation {
  operationId: string;
  requestBody?: { content: Record<string, { schema: Schema; example?: object }> };
  responses: Record<string, unknown>;
}
interface Document {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
}
interface Route {
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
  /** The document's own example of a JSON body. */
  readonly example: object | undefined;
}

let stack: TestStack;
let account: TestAccount;
let document: Document;
/** Videos of this account that a remix and a claim may be paid for. */
let original: string;
let late: string;

beforeAll(async () => {
  stack = await startStack();
  document = (await (await fetch(`${stack.url}/openapi.json`)).json()) as Document;
  account = await openAccount(stack, 50_000_000);
  original = await ask(account, 'an original');
  const lost = await loseVideo(stack, `late [[after:1s]] ${randomUUID()}`, account);
  late = lost.id;
  await untilSettled(stack, [original]);
  await bendHold(stack, late, -1);
  await stack.database.ledger.settleGeneration(late, 'expired');
  await untilProviderEnds(stack, lost);
  await reconcile(stack);
}, 60_000);
afterAll(async () => {
  await expectNoDrift(stack);
  await stack.stop();
});

function exampleOf({ requestBody }: Operation): object | undefined {
  const media = requestBody?.content['application/json'];
  const name = media?.schema.$ref?.split('/').at(-1) ?? '';
  return media?.example ?? media?.schema.example ?? document.components.schemas[name]?.example;
}

const routes = (): Route[] =>
  Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ method, path, operation, example: exampleOf(operation) })),
  );
/** A POST that may answer 402 is one that may begin something for money. */
const paying = () =>
  routes().filter(({ method, path, operation }) => {
    return method === 'post' && path.startsWith('/v1/') && '402' in operation.responses;
  });
const urlOf = ({ path }: Route) =>
  path.replace('{video_id}', path.endsWith('/claim') ? late : original).replaceAll(/\{\w+\}/g, 'unknown');
/** Nothing was made, nothing moved. */
const expectNothing = async (act: () => Promise<void>) => {
  const count = async () =>
    (await stack.database.pool.query('SELECT id FROM generations WHERE account_id = $1', [account.id])).rowCount;
  const before = { books: await booksOf(stack, account), generations: await count() };
  await act();
  expect({ books: await booksOf(stack, account), generations: await count() }).toEqual(before);
};

describe('each POST that may cost money', () => {
  it('is known to this test', () => {
    const ids = paying().map(({ operation }) => operation.operationId);
    expect(ids.toSorted()).toEqual(['claimVideo', 'createScript', 'createThread', 'createVideo', 'remixVideo']);
  });

  it('refuses an unknown query parameter, and makes nothing', async () => {
    await expectNothing(async () => {
      for (const route of paying()) {
        for (const unknown of ['surprise', 'dryRun', 'max_credits']) {
          const answer = await account.fetch(`${urlOf(route)}?${unknown}=true`, jsonPost(route.example));
          expect(await expectRefused(answer, 400, 'invalid_request', unknown)).toMatch(/Nothing was held/);
        }
        for (const wrong of ['dry_run=yes', 'dry_run=true&dry_run=false', 'dry_run=']) {
          const answer = await account.fetch(`${urlOf(route)}?${wrong}`, jsonPost(route.example));
          await expectRefused(answer, 400, 'invalid_request', 'dry_run');
        }
      }
    });
  });

  // MR-93
  it('refuses an unknown field in its body, and makes nothing', async () => {
    await expectNothing(async () => {
      for (const route of paying()) {
        for (const unknown of ['surprise', 'dry_run']) {
          const answer = await account.fetch(urlOf(route), jsonPost({ ...route.example, [unknown]: true }));
          expect(await expectRefused(answer, 400, 'invalid_request', unknown)).toMatch(/Nothing was held/);
        }
        const asked = await account.fetch(urlOf(route), jsonPost({ ...route.example, dry_run: true }));
        expect(await expectRefused(asked, 400, 'invalid_request', 'dry_run')).toBe(
          'dry_run must be a query parameter: ?dry_run=true. Nothing was held.',
        );
      }
      const form = new FormData();
      form.set('prompt', 'a fox');
      form.set('surprise', 'true');
      const answer = await account.fetch('/v1/videos', { method: 'POST', body: form });
      await expectRefused(answer, 400, 'invalid_request', 'surprise');
    });
  });

  it('refuses a body of a type that it does not read, and makes nothing', async () => {
    await expectNothing(async () => {
      for (const route of paying()) {
        for (const type of ['text/plain', 'application/x-www-form-urlencoded', '']) {
          const body = new Blob([JSON.stringify({ ...route.example, dry_run: true })]);
          const headers = type === '' ? {} : { 'content-type': type };
          const answer = await account.fetch(urlOf(route), { method: 'POST', body, headers });
          expect([urlOf(route), type, answer.status]).toEqual([urlOf(route), type, expect.toBeOneOf([400, 415])]);
        }
      }
    });
  });

  it('tells its price in a dry run, and whether it would be accepted, and makes nothing', async () => {
    await expectNothing(async () => {
      for (const route of paying()) {
        const dry = async (body: object) => {
          const answer = await account.fetch(`${urlOf(route)}?dry_run=true`, jsonPost(body));
          return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
        };
        const kind = route.path.includes('scripts') ? 'script' : route.path.includes('threads') ? 'thread' : 'video';
        const body = { ...route.example, max_credits: '5' };
        const amount = kind === 'video' ? PRICE : (expect.any(Number) as number);
        expect(await dry(body)).toMatchObject({
          status: 200,
          body: { object: `${kind}.quote`, would_be_accepted: true, amount_microcredits: amount, error: null },
        });
        expect(await dry({ ...body, max_credits: '0.000001' })).toMatchObject({
          status: 200,
          body: { would_be_accepted: false, error: { code: 'invalid_request' } },
        });
      }
    });
  });

  it('tells in a dry run why it would be refused', async () => {
    const poor = await openAccount(stack, 0);
    const answer = await poor.fetch('/v1/scripts?dry_run=true', jsonPost({ topic: 'a fox' }));
    expect(await answer.json()).toMatchObject({ would_be_accepted: false, error: { code: 'insufficient_credits' } });
    const claim = await account.fetch(`/v1/videos/${original}/claim?dry_run=true`, { method: 'POST' });
    expect(await claim.json()).toMatchObject({ would_be_accepted: false, error: { code: 'not_claimable' } });
  });

  it('refuses what costs more than max_credits, and makes nothing that holds credits', async () => {
    const before = await booksOf(stack, account);
    for (const route of paying()) {
      const answer = await account.fetch(urlOf(route), jsonPost({ ...route.example, max_credits: '0.000001' }));
      expect(await expectRefused(answer, 400, 'invalid_request', 'max_credits')).toMatch(/Nothing was held/);
    }
    expect(await booksOf(stack, account)).toEqual(before);
  });

  it('begins what it was asked for without all that, and costs it', async () => {
    for (const route of paying()) {
      const before = (await account.credits()).available_microcredits;
      const answer = await account.fetch(urlOf(route), jsonPost({ ...route.example, max_credits: '5' }));
      expect([urlOf(route), answer.status]).toEqual([urlOf(route), 200]);
      expect((await account.credits()).available_microcredits).toBeLessThan(before);
    }
    // What is claimed costs nothing more.
    const again = await account.fetch(`/v1/videos/${late}/claim?dry_run=true`, { method: 'POST' });
    expect(await again.json()).toMatchObject({ would_be_accepted: true, amount_microcredits: 0 });
  });
});

describe('each request that changes something', () => {
  const writing = () => routes().filter(({ method, path }) => method !== 'get' && /^\/(v1|admin)\//.test(path));

  it('refuses an unknown query parameter: a dry run is never passed over', async () => {
    expect(writing().length).toBeGreaterThan(15);
    for (const route of writing()) {
      const key = route.path.startsWith('/admin/') ? ADMIN_KEY : account.key;
      const answer = await fetch(`${stack.url}${urlOf(route)}?surprise=true`, {
        ...jsonPost(route.example ?? {}),
        method: route.method.toUpperCase(),
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'idempotency-key': 'x' },
      });
      expect([route.operation.operationId, answer.status]).toEqual([route.operation.operationId, 400]);
      expect(await answer.json()).toMatchObject({ error: { param: 'surprise' } });
    }
  });
});

import { describe, expect, it } from 'vitest';
import { ADMIN_KEY, post, send } from '../harness/support/fakedApi.ts';

/** Which paths and methods there are, however they are spelled. */

const admin = { authorization: `Bearer ${ADMIN_KEY}` };
const stranger = { authorization: 'Bearer unknown' };
const ledger = {
  getSales: () => Promise.resolve({ open: true, reason: null, changedAt: null }),
  admitGeneration: () => Promise.resolve({ outcome: 'account_frozen', amountMicrocredits: 571_429 }),
};

describe('a trailing slash', () => {
  it.each([
    ['GET', '/v1/credits', 200],
    ['GET', '/admin/sales', 200],
    ['GET', '/healthz', 200],
    ['GET', '/docs', 200],
    ['GET', '/openapi.json', 200],
  ])('%s %s is answered like without, and is no redirect', async (method, path, status) => {
    const headers = path.startsWith('/admin') ? admin : {};
    const [without, slashed] = [
      await send(path, { method, headers }, { ledger }),
      await send(`${path}/`, { method, headers, redirect: 'manual' }, { ledger }),
    ];
    expect([without.status, slashed.status]).toEqual([status, status]);
    expect(slashed.body).toEqual(without.body);
  });

  it('POST /v1/videos/ with a body is served: its bounds, types and refusals are those of /v1/videos', async () => {
    const [without, slashed] = [
      await send('/v1/videos', post({ prompt: 'a fox' }), { ledger }),
      await send('/v1/videos/', post({ prompt: 'a fox' }), { ledger }),
    ];
    expect(slashed.status).toBe(403);
    expect(slashed.body).toEqual(without.body);
    const form = new FormData();
    form.set('prompt', 'a fox');
    expect((await send('/v1/videos/', { method: 'POST', body: form }, { ledger })).status).toBe(403);
  });

  it.each(['/v1/videos/', '/v1/', '/v1', '/admin/', '/admin', '/admin/accounts/', '/admin/sales/'])(
    '%s is guarded by its key',
    async (path) => {
      expect((await send(path, { headers: stranger })).status).toBe(401);
      expect((await send(path, post({}, stranger))).status).toBe(401);
    },
  );

  it.each(['/v1/videos/', '/v1/credits/'])('%s counts towards the rate of the key', async (path) => {
    const hasOne = { requestsPerMinute: 1 };
    expect((await send(path, { method: 'PATCH' }, hasOne)).status).toBe(405);
    expect((await send(path, { method: 'PATCH' }, { ...hasOne, requestsBefore: 1 })).status).toBe(429);
  });

  it.each(['//v1/videos', '/v1//videos', '/v1/videos//', '//admin/sales', '/admin//sales', '/healthz//'])(
    '%s, with a slash more, is no route',
    async (path) => {
      const headers = path.includes('admin') ? admin : {};
      expect((await send(path, { headers }, { ledger })).status).toBe(404);
    },
  );
});

describe('a wrong base URL', () => {
  it.each([
    ['POST', '/videos'],
    ['GET', '/models'],
    ['GET', '/videos/video_1'],
    ['DELETE', '/videos/video_1/'],
    ['PUT', '/credits/holds'],
    ['POST', '/api/v1/videos'],
    ['GET', '/openai/api/v1/videos/video_1/content'],
    ['POST', '/v1/v1/videos'],
    ['GET', '/v1/v1/models'],
    ['GET', '/v1/videos/videos/video_1'],
  ])('%s %s is 404, and its message says what is missing', async (method, path) => {
    const headers = path.startsWith('/v1/') ? {} : stranger;
    const { status, body } = await send(path, { method, headers });
    const { message } = (body as { error: { message: string } }).error;
    expect([status, message]).toEqual([
      404,
      expect.stringMatching(
        /^This route was not found\. .*Use a base URL that ends in \/v1, right after the address of this server\.$/,
      ),
    ]);
  });

  it('that goes on after /v1 makes a 405, whose message says so', async () => {
    const { status, headers, body } = await send('/v1/videos/videos', post({ prompt: 'x' }));
    expect([status, headers.get('allow')]).toEqual([405, 'DELETE, GET, HEAD']);
    expect((body as { error: { message: string } }).error.message).toBe(
      'This route has no method POST. Nothing was changed. Use a base URL that ends in /v1, right after the address of this server.',
    );
  });

  it.each(['/accounts', '/chat/completions', '/sales', '/v1/v1/sales', '/v1/videos/chat/completions'])(
    'is not guessed for %s, which is no route below /v1',
    async (path) => {
      const { body } = await send(path, {});
      expect((body as { error: { message: string } }).error.message).toBe(
        'This route was not found. GET /openapi.json lists the routes.',
      );
    },
  );
});

describe('a method that a route does not have', () => {
  it.each([
    ['PUT', '/v1/videos', 'GET, HEAD, POST', 'Use GET or POST.'],
    ['POST', '/v1/videos/video_1', 'DELETE, GET, HEAD', 'Use DELETE or GET.'],
    ['GET', '/v1/videos/video_1/cancel', 'POST', 'Use POST.'],
    ['DELETE', '/v1/credits', 'GET, HEAD', 'Use GET.'],
    ['OPTIONS', '/v1/videos', 'GET, HEAD, POST', 'Use GET or POST.'],
    ['DELETE', '/admin/sales', 'GET, HEAD, POST', 'Use GET or POST.'],
    ['GET', '/admin/reconcile/', 'POST', 'Use POST.'],
    ['POST', '/healthz', 'GET, HEAD', 'Use GET.'],
    ['GET', '/webhooks/openai', 'POST', 'Use POST.'],
    ['POST', '/docs/swagger-ui.css', 'GET, HEAD', 'Use GET.'],
  ])('%s %s is 405, and Allow names those that it has', async (method, path, allow, advice) => {
    const headers = path.startsWith('/admin') ? admin : {};
    const { status, headers: answered, body } = await send(path, { method, headers });
    expect({ status, allow: answered.get('allow'), body }).toMatchObject({
      status: 405,
      allow,
      body: { error: { code: 'method_not_allowed', type: 'invalid_request_error' } },
    });
    expect((body as { error: { message: string } }).error.message).toContain(advice);
  });

  it('is told before the body is looked at, and only to who has a key', async () => {
    const body = { method: 'PUT', body: 'x'.repeat(100), headers: { 'content-type': 'text/plain' } };
    expect((await send('/v1/videos', body)).status).toBe(405);
    expect((await send('/v1/videos', { method: 'PUT', headers: stranger })).status).toBe(401);
    expect((await send('/admin/sales', { method: 'PUT' })).status).toBe(401);
  });

  it('is not told of a path that does not exist', async () => {
    expect((await send('/v1/videos/video_1/unknown', { method: 'PUT' })).status).toBe(404);
  });
});

import { afterEach, expect, test } from 'vitest';
import { checkProvider } from '../../api/admin/doctor/providerChecks.ts';
import { closedPort, closeServers, json, provider, serve } from './provider-server.ts';

/** What the doctor says of a provider, by what it answers to a list: what happened, what it means for credits, what to do. */

afterEach(closeServers);

const LIST = { object: 'list', data: [], has_more: false };
const found = (baseUrl: string) => checkProvider(provider(baseUrl));

const MEANS = /keep their credits reserved and are tried again; those whose time ends before are refunded\./;

test('a provider that answers is well, and is asked for one video of its list and nothing else', async () => {
  const { baseUrl, requests } = await serve(json(200, LIST));
  expect(await found(baseUrl)).toEqual({
    ok: true,
    message: expect.stringMatching(
      /^The provider openai at http:.* (answers in \d+ ms|is slow).* It is read as auto; its list may not show every video\.$/,
    ) as string,
  });
  expect(requests.map(({ method, url }) => [method, url])).toEqual([['GET', '/v1/videos?limit=1&order=desc']]);
});

test('one that takes a second is well, and is called slow', async () => {
  const { baseUrl } = await serve((response, request) => {
    setTimeout(() => json(200, LIST)(response, request), 1050);
  });
  expect(await found(baseUrl)).toEqual({
    ok: true,
    message: expect.stringMatching(
      /is slow: it took 1\.\d s to answer\. .* no credits are lost by it\. It is read as auto/,
    ) as string,
  });
});

test('one that gives no answer is away, and the doctor waits no longer than it has time', async () => {
  const { baseUrl } = await serve(() => undefined);
  const beganMs = performance.now();
  const { ok, message } = await found(baseUrl);
  expect(performance.now() - beganMs).toBeLessThan(2900);
  expect(ok).toBe(false);
  expect(message).toMatch(/gives no answer within 2\.5 s\./);
  expect(message).toMatch(MEANS);
  expect(message).toMatch(/New requests are refused once the workers’ probes find it down too/);
});

test.each([
  [503, {}, /is away \(HTTP 503\)\./],
  [
    401,
    { code: 'invalid_api_key' },
    /refuses our key \(HTTP 401 invalid_api_key\)\. .*Set its key.*api_key_file.*\{"model":"…","for_sale":false\}/,
  ],
  [403, {}, /refuses our key \(HTTP 403\)/],
  [
    402,
    {},
    /refuses us over a bill, a quota or a limit \(HTTP 402\)\. .*Pay its bill.*withdraw the offers of its models/,
  ],
  [429, { code: 'insufficient_quota' }, /refuses us over a bill, a quota or a limit \(HTTP 429 insufficient_quota\)/],
  [403, { code: 'billing_not_active' }, /refuses us over a bill, a quota or a limit \(HTTP 403 billing_not_active\)/],
  [400, { type: 'budget_exceeded' }, /refuses us over a bill, a quota or a limit \(HTTP 400 budget_exceeded\)/],
  [429, { code: 'rate_limit_exceeded' }, /does not answer as it should \(HTTP 429 rate_limit_exceeded\)/],
])('one that answers %i %j is ill, and it says so, what that means and what to do', async (status, error, says) => {
  const { baseUrl } = await serve(json(status, { error }));
  const { ok, message } = await found(baseUrl);
  expect(ok).toBe(false);
  expect(message).toMatch(says);
  expect(message).toMatch(MEANS);
});

test('one that is not there is away', async () => {
  const { ok, message } = await found(`http://127.0.0.1:${await closedPort()}/v1`);
  expect(ok).toBe(false);
  expect(message).toMatch(/is away \(connection refused \(ECONNREFUSED\)\)\. .*Look at its status page/);
});

test('one that has nothing below its base URL is ill: every attempt would be refused', async () => {
  const { baseUrl } = await serve(json(404, { error: {} }));
  const { ok, message } = await found(baseUrl);
  expect(ok).toBe(false);
  expect(message).toMatch(/has neither videos nor models there \(HTTP 404\).*usually ends with \/v1/);
  expect(message).toMatch(MEANS);
});

test('one without a list is well, and it says what that costs', async () => {
  const { baseUrl } = await serve((response, request) =>
    json(request.url === '/v1/models' ? 200 : 404, { data: [] })(response, request),
  );
  expect(await found(baseUrl)).toMatchObject({ ok: true, message: expect.stringMatching(/lists no videos/) as string });
});

import { afterEach, describe, expect, it } from 'vitest';
import { createProbe } from '../../provider/index.ts';
import { closedPort, closeServers, json, KEY, serve } from './provider-server.ts';

/** What our probe of a provider takes for an answer (MR-76). */

afterEach(closeServers);

const LIST = { object: 'list', data: [], has_more: false };
const probe = (baseUrl: string) =>
  createProbe({ name: 'openai', baseUrl, apiKey: KEY, createEncoding: 'json', callTimeoutMs: 300 })();
/** A server that answers its list with the first status, and a look at a video with the second. */
const answering = (list: number, look: number) =>
  serve((response, request) => {
    const isList = request.url?.startsWith('/v1/videos?') === true;
    json(isList ? list : look, list === 200 ? LIST : { error: {} })(response, request);
  });

describe('our probe of a provider', () => {
  it('asks for one video of its list, creates nothing, and looks at no customer’s video', async () => {
    const [well, ill] = [await answering(200, 404), await answering(500, 500)];
    expect(await probe(well.baseUrl)).toBeUndefined();
    expect(well.requests.map(({ method, url }) => [method, url])).toEqual([['GET', '/v1/videos?limit=1&order=desc']]);
    expect(await probe(ill.baseUrl)).toBe('HTTP 500');
    expect(ill.requests.map(({ method, url }) => [method, url])).toEqual([
      ['GET', '/v1/videos?limit=1&order=desc'],
      ['GET', '/v1/videos/video_probe_of_holdfast'],
    ]);
  });

  it.each([400, 401, 402, 403, 404, 405, 429, 501])('takes %i for an answer: the provider is there', async (status) => {
    const { baseUrl } = await answering(status, 500);
    expect(await probe(baseUrl)).toBeUndefined();
  });

  it('is not decided by a list that fails over somebody’s video: a video that does not exist is looked at too', async () => {
    const { baseUrl } = await answering(500, 404);
    expect(await probe(baseUrl)).toBeUndefined();
  });

  it.each([
    [200, undefined],
    [401, undefined],
    [500, 'HTTP 500'],
  ])('of LiteLLM asks for its models, because its list asks somebody else: %i', async (status, why) => {
    const { baseUrl, requests } = await serve((response, request) =>
      json(request.url === '/v1/models' ? status : 500, { data: [] })(response, request),
    );
    const asked = createProbe({ name: 'gateway', baseUrl, apiKey: KEY, dialect: 'litellm', callTimeoutMs: 300 });
    expect(await asked()).toBe(why);
    expect(requests.map(({ url }) => url)).toEqual(['/v1/models']);
  });

  it.each([500, 502, 503, 504])('takes %i for no answer', async (status) => {
    const { baseUrl } = await answering(status, status);
    expect(await probe(baseUrl)).toBe(`HTTP ${status}`);
  });

  it('takes a server that is not there, and one that says nothing in time, for no answer', async () => {
    expect(await probe(`http://127.0.0.1:${await closedPort()}/v1`)).toMatch(/^connection refused/);
    const { baseUrl } = await serve(() => undefined);
    expect(await probe(baseUrl)).toBe('no answer within 0.3 s');
  });
});

import { afterEach, describe, expect, test } from 'vitest';
import { inputBoundTokens } from '../../provider/index.ts';
import { closeServers, COMPLETION, json, PROMPT, provider, serve } from './provider-server.ts';

afterEach(closeServers);

const REQUEST = { prompt: PROMPT, model: 'sora-2', seconds: 16, size: '1280x720' };
const IMAGE = { bytes: Uint8Array.from([0, 255, 13, 10, 45, 45]), contentType: 'image/png', filename: 'kite.png' };
const QUEUED = { id: 'video_1', object: 'video', status: 'queued' };

describe('the customer’s own references', () => {
  const labels = { user: 'user-1234', metadata: { project: 'winter', scene: '1' } };
  const none = { user: null, metadata: {} };
  const calls = {
    json: { createEncoding: 'json', request: {} },
    multipart: { createEncoding: 'multipart', request: {} },
    'with a file, in json': { createEncoding: 'json', request: { images: [{ ...IMAGE, role: 'input_reference' }] } },
    remix: { createEncoding: 'multipart', request: { remixedFrom: 'video_1' } },
  } as const;
  const sent = async (call: keyof typeof calls, given: typeof labels | typeof none, sendLabels?: boolean) => {
    const { baseUrl, requests } = await serve(json(200, QUEUED));
    const { createEncoding, request } = calls[call];
    const settings = { createEncoding, ...(sendLabels !== undefined && { sendLabels }) };
    await provider(baseUrl, settings).createVideo({ ...REQUEST, ...request, labels: given });
    return requests[0] ?? expect.fail('nothing was sent');
  };
  const every = Object.keys(calls) as (keyof typeof calls)[];

  // MR-80
  test.each(every)('are not sent unless that is configured (%s)', async (call) => {
    for (const sendLabels of [undefined, false]) {
      const body = String((await sent(call, labels, sendLabels)).body);
      expect(body).not.toMatch(/user|metadata|winter/);
    }
  });

  test.each(every.filter((call) => call !== 'multipart'))('are fields of the body (%s)', async (call) => {
    expect(JSON.parse(String((await sent(call, labels, true)).body))).toMatchObject({ ...labels, prompt: PROMPT });
  });

  test('are two fields of a form, the pairs as JSON', async () => {
    const { body, headers } = await sent('multipart', labels, true);
    const form = await new Response(new Uint8Array(body), {
      headers: { 'content-type': headers['content-type'] ?? '' },
      // eslint-disable-next-line @typescript-eslint/no-deprecated -- it is deprecated for bodies without a limit
    }).formData();
    const fields = { ...REQUEST, seconds: '16', user: labels.user, metadata: JSON.stringify(labels.metadata) };
    expect(Object.fromEntries(form)).toEqual(fields);
  });

  test.each(every)('are left out where there are none (%s)', async (call) => {
    expect(String((await sent(call, none, true)).body)).not.toMatch(/user|metadata/);
  });

  test('of a text are sent under the same setting, and cost nothing', async () => {
    for (const sendLabels of [false, true]) {
      const { baseUrl, requests } = await serve(json(400, { error: {} }));
      await provider(baseUrl, { sendLabels }).writeText({ ...COMPLETION, labels }, () => Promise.resolve(true));
      const { user, metadata } = JSON.parse(String(requests[0]?.body)) as Partial<typeof labels>;
      expect({ user, metadata }).toEqual(sendLabels ? labels : {});
    }
    expect(inputBoundTokens({ ...COMPLETION, labels })).toBe(inputBoundTokens(COMPLETION));
  });
});

describe('the parameters of a request', () => {
  const asked = {
    ...REQUEST,
    lengthField: 'duration',
    sizeField: 'resolution',
    size: '720p',
    parameters: { rng: 7, generate_audio: true, negative_prompt: 'no "quotes"\n', model: 'another', n: 4 },
  } as const;

  test('are typed fields of JSON, and none replaces a field of the request', async () => {
    const { baseUrl, requests } = await serve(json(200, QUEUED));
    await provider(baseUrl, { createEncoding: 'json' }).createVideo(asked);
    expect(JSON.parse(String(requests[0]?.body))).toEqual({
      ...{ prompt: PROMPT, model: 'sora-2', duration: 16, resolution: '720p' },
      ...{ rng: 7, generate_audio: true, negative_prompt: 'no "quotes"\n', n: 4 },
    });
  });

  test('are text in a form', async () => {
    const { baseUrl, requests } = await serve(json(200, QUEUED));
    await provider(baseUrl, { createEncoding: 'multipart' }).createVideo(asked);
    const { body, headers } = requests[0] ?? expect.fail('nothing was sent');
    const form = await new Response(new Uint8Array(body), {
      headers: { 'content-type': headers['content-type'] ?? '' },
      // eslint-disable-next-line @typescript-eslint/no-deprecated -- it is deprecated for bodies without a limit
    }).formData();
    expect(Object.fromEntries(form)).toMatchObject({
      ...{ model: 'sora-2', duration: '16', resolution: '720p', rng: '7', generate_audio: 'true' },
    });
  });
});

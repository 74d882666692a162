import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import { retryAfterMs } from '../../provider/errors.ts';
import type { CreateResult } from '../../provider/index.ts';
import { REFUSAL_CODES } from '../../provider/refusalCodes.ts';
import { closedPort, closeServers, json, KEY, PROMPT, provider, serve, serveTcp } from './provider-server.ts';

afterEach(closeServers);

const REQUEST = { prompt: PROMPT, model: 'sora-2', seconds: 8, size: '1280x720' };

async function createAgainst(handler: Parameters<typeof serve>[0], settings = {}): Promise<CreateResult> {
  const { baseUrl } = await serve(handler);
  return provider(baseUrl, settings).createVideo(REQUEST);
}

// MR-12, MR-13, MR-77
describe('a refused attempt is sorted by what the answer proves', () => {
  test.each([
    [400, { code: 'moderation_blocked' }, 'clients_fault'],
    [413, {}, 'clients_fault'],
    [415, {}, 'clients_fault'],
    [422, {}, 'clients_fault'],
    [401, { code: 'invalid_api_key' }, 'operators_fault'],
    [402, {}, 'operators_fault'],
    [403, {}, 'operators_fault'],
    [404, { code: 'model_not_found' }, 'operators_fault'],
    [429, { code: 'rate_limit_exceeded' }, 'not_made'],
    [429, { code: 'insufficient_quota' }, 'operators_fault'],
    [429, { code: null, type: 'insufficient_quota' }, 'operators_fault'],
    [400, { code: 'billing_hard_limit_reached' }, 'operators_fault'],
    [400, { code: 'billing_not_active' }, 'operators_fault'],
    [400, { code: '400', type: 'budget_exceeded' }, 'operators_fault'],
    [400, { code: 'account_deactivated' }, 'operators_fault'],
    [422, { code: 'organization_must_be_verified' }, 'operators_fault'],
    [500, { code: 'insufficient_user_quota' }, 'operators_fault'],
    [503, { code: 'insufficient_balance' }, 'operators_fault'],
    [400, { code: 'model_not_found' }, 'operators_fault'],
    [400, { code: 'invalid_model', type: 'invalid_request_error' }, 'operators_fault'],
    [403, { code: 'content_policy_violation' }, 'clients_fault'],
    [403, { code: '403', type: 'ContentPolicyViolationError' }, 'clients_fault'],
    [451, { code: 'content_policy_violation' }, 'clients_fault'],
    [500, { code: 'moderation_blocked' }, 'clients_fault'],
    [500, { code: 'InputTextSensitiveContentDetected' }, 'clients_fault'],
    [503, { code: 'moderation_unavailable' }, 'ambiguous'],
    [401, { code: null, type: 'invalid_request_error' }, 'operators_fault'],
    [500, { code: null, type: 'invalid_request_error' }, 'ambiguous'],
    [403, { code: 'invalid_image' }, 'clients_fault'],
    [409, { code: 'invalid_image' }, 'ambiguous'],
    [500, { code: 'invalid_value' }, 'ambiguous'],
    [200, { code: 'moderation_blocked' }, 'clients_fault'],
    [200, { code: 'insufficient_user_quota' }, 'operators_fault'],
    [200, { code: 'server_error' }, 'ambiguous'],
    [451, {}, 'ambiguous'],
    [500, { code: 'server_error' }, 'ambiguous'],
    [502, {}, 'ambiguous'],
    [503, {}, 'ambiguous'],
    [504, {}, 'ambiguous'],
    [408, {}, 'ambiguous'],
    [409, {}, 'ambiguous'],
    [405, {}, 'ambiguous'],
    [302, {}, 'ambiguous'],
    [418, {}, 'ambiguous'],
  ])('HTTP %i with %j is %s', async (status, error, outcome) => {
    expect((await createAgainst(json(status, { error }))).outcome).toBe(outcome);
  });

  const seen = REFUSAL_CODES.flatMap(({ about, seen: each }) =>
    each.map(([status, code]) => ({ about, status, code })),
  );
  test.each(seen)('HTTP $status with $code is about $about, as the table has it', async ({ about, status, code }) => {
    const outcome = about === 'content' || about === 'input' ? 'clients_fault' : 'operators_fault';
    for (const error of [{ code }, { code: String(status), type: code }]) {
      expect((await createAgainst(json(status, { error }))).outcome).toBe(outcome);
    }
  });

  test("the client's fault keeps the provider's code and message", async () => {
    const error = { code: 'moderation_blocked', message: 'Your request was blocked by our moderation system.' };
    expect(await createAgainst(json(400, { error }))).toEqual({ outcome: 'clients_fault', ...error });
  });

  test.each([
    ['a gateway without envelope', { code: 'bad_size', message: 'No such size.' }, 'bad_size', 'No such size.'],
    ["FastAPI's sentence", { detail: 'prompt is empty' }, 'invalid_request', 'prompt is empty'],
    ["FastAPI's list", { detail: [{ msg: 'Field required', loc: ['body'] }] }, 'invalid_request', 'Field required'],
    ['a bare string', { error: 'too long' }, 'invalid_request', 'too long'],
    ['a numeric code', { error: { code: 1301, message: 'no' } }, '1301', 'no'],
    ['the status as code', { error: { code: '422', type: 'bad_seconds', message: 'no' } }, 'bad_seconds', 'no'],
    ['nothing', {}, 'invalid_request', 'The provider refused the request (HTTP 422).'],
  ])('a refusal in the shape of %s is understood', async (_shape, body, code, message) => {
    expect(await createAgainst(json(422, body))).toEqual({ outcome: 'clients_fault', code, message });
  });

  test("a quota code outside of the envelope is the operator's fault", async () => {
    const result = await createAgainst(json(400, { code: 'insufficient_user_quota', message: 'pay' }));
    expect(result).toMatchObject({
      outcome: 'operators_fault',
      why: 'HTTP 400 insufficient_user_quota',
      retryAfterMs: null,
    });
  });
});

// MR-40
describe('a refusal that LiteLLM passes on', () => {
  const upstream = (code: string, message: string) =>
    JSON.stringify({ error: { message, type: 'invalid_request_error', param: null, code } });
  const after = "\n\nLiteLLM: model group 'sora-2' failed with the error above. No fallback was attempted.";
  const around = (inner: string) => `litellm.BadRequestError: OpenAIException - ${inner}${after}`;
  const policy = `litellm.BadRequestError: litellm.ContentPolicyViolationError: ContentPolicyViolationError: OpenAIException - `;
  const sent = (status: number, message: string) =>
    createAgainst(json(status, { error: { message, type: 'permission_error', param: null, code: String(status) } }));

  test.each([
    [403, `${policy}${upstream('content_policy_violation', 'No such pictures.')}${after}`, 'content_policy_violation'],
    [403, `${policy}Blocked.`, 'content_policy_violation'],
    [400, around(upstream('invalid_prompt', 'No such {pictures}.')), 'invalid_prompt'],
  ])('is known by what the upstream said: HTTP %i %s', async (status, message, code) => {
    expect(await sent(status, message)).toMatchObject({ outcome: 'clients_fault', code });
  });

  test.each([
    [429, around(upstream('insufficient_quota', 'no money'))],
    [400, '/videos: Invalid model name passed in model=nosuch. Call `/v1/models` to view available models.'],
    [400, "Model mismatch: request specifies 'other' but server is running 'sora-2'."],
  ])('is the operator’s where it is about their bill or their models: HTTP %i %s', async (status, message) => {
    expect(await sent(status, message)).toMatchObject({ outcome: 'operators_fault' });
  });

  test('has the upstream’s message, and not the gateway’s', async () => {
    expect(await sent(400, around(upstream('invalid_prompt', 'No such pictures.')))).toMatchObject({
      message: 'No such pictures.',
    });
  });

  test.each([
    ['quoted in a sentence', `The prompt "${around(upstream('content_policy_violation', ''))}" was lost.`],
    ['cut off', around(upstream('content_policy_violation', 'No').slice(0, -3))],
    ['endless', around(`{"a":"${'}'.repeat(200_000)}`)],
  ])('proves nothing where it is %s', async (_, message) => {
    expect(await sent(500, message)).toMatchObject({ outcome: 'ambiguous' });
  });
});

describe('an attempt without an answer is "not sent" only where that is proven', () => {
  test('a refused connection proves that nothing was sent', async () => {
    const result = await provider(`http://127.0.0.1:${await closedPort()}/v1`).createVideo(REQUEST);
    expect(result).toMatchObject({ outcome: 'not_sent', why: 'connection refused (ECONNREFUSED)', retryAfterMs: null });
  });

  test('connections refused at every address of a name (AggregateError) prove it too', async () => {
    const result = await provider(`http://localhost:${await closedPort()}/v1`).createVideo(REQUEST);
    expect(result).toMatchObject({ outcome: 'not_sent', why: 'connection refused (ECONNREFUSED)' });
  });

  test('a name that does not resolve proves it', async () => {
    const result = await provider('http://holdfast-test.invalid/v1', { connectTimeoutMs: 2000 }).createVideo(REQUEST);
    expect(result.outcome).toBe('not_sent');
  });

  test('a connection that is not ready in time proves it: here TLS never answers', async () => {
    const port = await serveTcp(() => undefined);
    const result = await provider(`https://127.0.0.1:${port}/v1`, { connectTimeoutMs: 60 }).createVideo(REQUEST);
    expect(result).toMatchObject({ outcome: 'not_sent', why: 'no connection within 0.06 s', retryAfterMs: null });
  });

  test('a reset during the TLS handshake proves it, though its code is that of a lost answer', async () => {
    const port = await serveTcp((socket) => socket.once('data', () => socket.resetAndDestroy()));
    const result = await provider(`https://127.0.0.1:${port}/v1`).createVideo(REQUEST);
    expect(result).toMatchObject({ outcome: 'not_sent', why: 'connection reset (ECONNRESET)' });
  });

  test('a reset after the request was read is ambiguous', async () => {
    const result = await createAgainst((_response, request) => request.socket.resetAndDestroy());
    expect(result).toEqual({ outcome: 'ambiguous', why: 'connection reset (ECONNRESET)' });
  });

  test('a connection closed without an answer is ambiguous', async () => {
    const result = await createAgainst((_response, request) => request.socket.end());
    expect(result).toMatchObject({ outcome: 'ambiguous', why: 'connection closed by the provider (UND_ERR_SOCKET)' });
  });

  test('no answer in time is ambiguous', async () => {
    const result = await createAgainst(() => undefined, { callTimeoutMs: 80 });
    expect(result).toEqual({ outcome: 'ambiguous', why: 'no answer within 0.08 s' });
  });

  test.each([200, 400])(
    'a body that never ends after HTTP %i is ambiguous, for its words are unknown',
    async (status) => {
      const hang = (response: ServerResponse) => {
        response.writeHead(status, { 'content-type': 'application/json' }).write('{"id":');
      };
      expect(await createAgainst(hang, { callTimeoutMs: 80 })).toEqual({
        outcome: 'ambiguous',
        why: 'no answer within 0.08 s',
      });
    },
  );

  test('a body that trickles on for ever is cut off too', async () => {
    const trickle = (response: ServerResponse) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      const timer = setInterval(() => response.write(' '), 5);
      response.on('close', () => clearInterval(timer));
    };
    expect((await createAgainst(trickle, { callTimeoutMs: 80 })).outcome).toBe('ambiguous');
  });

  test('a body without end does not fill the memory', async () => {
    const chunk = Buffer.alloc(1 << 20, ' ');
    const flood = (response: ServerResponse) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      const more = () => {
        while (!response.destroyed && response.write(chunk));
      };
      response.on('drain', more);
      more();
    };
    expect(await createAgainst(flood)).toEqual({ outcome: 'ambiguous', why: 'connection lost' });
  });

  test.each([
    ['HTML', '<html>ok</html>', 'text/html'],
    ['broken JSON', '{"id":', 'application/json'],
    ['no id', '{"status":"queued"}', 'application/json'],
    ['nothing', '', 'application/json'],
  ])('HTTP 200 with %s is ambiguous', async (_what, body, type) => {
    const result = await createAgainst((response) => response.writeHead(200, { 'content-type': type }).end(body));
    expect(result).toEqual({ outcome: 'ambiguous', why: 'HTTP 200 with an unreadable body' });
  });
});

describe('Retry-After', () => {
  const now = Date.parse('2026-10-01T12:00:00Z');

  test.each([
    [{ 'retry-after': '7' }, 7000],
    [{ 'retry-after': '0' }, 0],
    [{ 'retry-after': '1.5' }, 1500],
    [{ 'retry-after': '3600' }, 60_000],
    [{ 'retry-after': 'Thu, 01 Oct 2026 12:00:20 GMT' }, 20_000],
    [{ 'retry-after': 'Thu, 01 Oct 2026 13:00:00 GMT' }, 60_000],
    [{ 'retry-after': 'Thu, 01 Oct 2026 11:00:00 GMT' }, 0],
    [{ 'retry-after-ms': '250', 'retry-after': '7' }, 250],
    [{ 'retry-after': '-5' }, null],
    [{ 'retry-after': 'soon' }, null],
    [{ 'retry-after': '' }, null],
    [{}, null],
  ])('%j means %s ms', (headers, expected) => {
    expect(retryAfterMs(new Headers(headers as Record<string, string>), now)).toBe(expected);
  });

  test('is handed on from a refused create and from a failed look', async () => {
    const { baseUrl } = await serve(json(429, { error: { code: 'rate_limit_exceeded' } }, { 'retry-after': '3' }));
    const why = 'HTTP 429 rate_limit_exceeded';
    expect(await provider(baseUrl).createVideo(REQUEST)).toMatchObject({
      outcome: 'not_made',
      why,
      retryAfterMs: 3000,
    });
    const look = await provider(baseUrl).retrieveVideo('video_1');
    expect(look).toMatchObject({ outcome: 'transient', why, status: 429, retryAfterMs: 3000 });
  });
});

describe('secrets', () => {
  test.each([400, 401, 500])('the key, the address and the prompt are in no text after HTTP %i', async (status) => {
    const { baseUrl } = await serve((response, request) => {
      const { host, authorization } = request.headers;
      const told = `${authorization} at http://${host}/v1, sk-upstream-key-123456, sent: ${'x'.repeat(980)} ${KEY}`;
      json(status, { error: { code: `bad_${KEY}`, message: told } })(response, request);
    });
    const text = JSON.stringify(await provider(baseUrl).createVideo(REQUEST));
    expect(text).toContain('removed');
    expect(text).not.toContain('0123456789');
    expect(text).not.toContain(new URL(baseUrl).host);
    expect(text).not.toContain('upstream');
    expect(text).not.toContain(PROMPT);
  });

  test("a failed video's message is cleared of the key too", async () => {
    const error = { code: 'oops', message: `worker used ${KEY}` };
    const { baseUrl } = await serve(json(200, { id: 'v', status: 'failed', error }));
    const look = await provider(baseUrl).retrieveVideo('v');
    expect(look).toMatchObject({ video: { errorCode: 'oops', errorMessage: 'worker used [removed]' } });
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectRefused } from '../harness/support/answers.ts';
import { PRICE } from '../harness/support/database.ts';
import { ask, untilSettled } from '../harness/support/generations.ts';
import { PNG } from '../harness/support/png.ts';
import type { TestAccount, TestStack } from '../harness/support/stack.ts';
import { ADMIN_KEY, adminPost, openAccount, startStack } from '../harness/support/stack.ts';

/** Bodies as HTTP clients of every language send them. */

let stack: TestStack;
let account: TestAccount;
beforeAll(async () => {
  stack = await startStack();
  account = await openAccount(stack, 100_000_000);
});
afterAll(async () => {
  await stack.stop();
});

const QUOTE = '/v1/videos?dry_run=true';

const send = (
  path: string,
  type: string | undefined,
  body: NonNullable<RequestInit['body']> | null,
  headers: Record<string, string> = {},
) =>
  account.fetch(path, {
    method: 'POST',
    headers: { ...(type !== undefined && { 'content-type': type }), ...headers },
    body,
  });

/** One part; the lines after the first are its further headers. */
const part = (boundary: string, content: string | Buffer, disposition: string, ...more: string[]) =>
  Buffer.concat([
    Buffer.from([`--${boundary}`, `Content-Disposition: form-data; ${disposition}`, ...more, '', ''].join('\r\n')),
    Buffer.from(content),
    Buffer.from('\r\n'),
  ]);
const form = (boundary: string, ...parts: Buffer[]) => Buffer.concat([...parts, Buffer.from(`--${boundary}--\r\n`)]);

/** Without a body's type, as `fetch` would add one. */
const bytesOf = (text: string) => new Blob([text]);

describe('a form is read', () => {
  it.each([
    ['multipart/form-data; boundary=abc', 'abc'],
    ['Multipart/Form-Data; Boundary=abc', 'abc'],
    ['multipart/form-data; charset=utf-8; boundary=abc', 'abc'],
    ['multipart/form-data;boundary=abc;charset=UTF-8', 'abc'],
    ['multipart/form-data ; boundary="abc"', 'abc'],
    ['multipart/form-data; boundary="a b=c/d:e?(f)"', 'a b=c/d:e?(f)'],
    ["multipart/form-data; boundary=----a'b+c_d,e-f.g", "----a'b+c_d,e-f.g"],
    [`multipart/form-data; boundary=${'x'.repeat(70)}`, 'x'.repeat(70)],
  ])('of the type %s', async (type, boundary) => {
    const answer = await send(QUOTE, type, form(boundary, part(boundary, 'a fox', 'name="prompt"')));
    expect(await answer.json()).toMatchObject({ would_be_accepted: true });
  });

  it.each([
    ['names without quotes', part('b', 'a fox', 'name=prompt')],
    [
      'headers in another case, with more of them',
      part('b', 'a fox', 'NAME="prompt"', 'Content-Type: text/plain', 'X: y'),
    ],
    [
      'space after its delimiters',
      Buffer.from('--b \t\r\ncontent-disposition:form-data;name="prompt"\r\n\r\na fox\r\n'),
    ],
    ['a preamble', Buffer.concat([Buffer.from('for old readers\r\n'), part('b', 'a fox', 'name="prompt"')])],
  ])('with %s', async (_what, parts) => {
    const answer = await send(QUOTE, 'multipart/form-data; boundary=b', form('b', parts));
    expect(await answer.json()).toMatchObject({ would_be_accepted: true });
  });

  it.each([
    ['with its name', 'name="input_reference"; filename="fox.png"'],
    ['with a name by RFC 5987', `name="input_reference"; filename*=UTF-8''fuchs.png`],
    ['without a name, as curl’s -F input_reference=<file sends it', 'name="input_reference"'],
  ])('with a file %s', async (_what, disposition) => {
    const { id } = await openAccount(stack, 0);
    const parts = [
      part('b', `a fox for ${id}`, 'name="prompt"'),
      part('b', PNG, disposition, 'Content-Type: image/png'),
    ];
    const answer = await send('/v1/videos', 'multipart/form-data; boundary=b', form('b', ...parts));
    expect(answer.status).toBe(200);
    const { rows } = await stack.database.pool.query<{ bytes: Buffer }>(
      `SELECT images[1] AS bytes FROM inputs WHERE prompt = $1`,
      [`a fox for ${id}`],
    );
    expect(rows[0]?.bytes.equals(PNG)).toBe(true);
  });

  it('with a file without a name that is no image: 400, and nothing is held', async () => {
    const parts = [
      part('b', 'a fox', 'name="prompt"'),
      part('b', Buffer.from([0xff, 0xfe, 1]), 'name="input_reference"'),
    ];
    const answer = await send('/v1/videos', 'multipart/form-data; boundary=b', form('b', ...parts));
    expect(await expectRefused(answer, 400, 'invalid_request', 'input_reference')).toBe(
      'input_reference must be a JPEG, PNG or WebP image. Nothing was held.',
    );
  });

  it.each([
    ['that ends before its last delimiter', part('b', 'a fox', 'name="prompt"')],
    ['whose part has no name', form('b', part('b', 'a fox', 'filename="x"'))],
    ['whose part has no headers', Buffer.from('--b\r\n\r\na fox\r\n--b--')],
    [
      'with more in the line of a delimiter',
      Buffer.from('--bc\r\nContent-Disposition: form-data; name="prompt"\r\n\r\nx\r\n--bc--'),
    ],
    ['that is empty', Buffer.from('--b--')],
  ])('and refused: one %s', async (what, body) => {
    const answer = await send(QUOTE, 'multipart/form-data; boundary=b', body);
    const param = what === 'that is empty' ? 'prompt' : undefined;
    await expectRefused(answer, 400, 'invalid_request', param);
  });
});

describe('JSON is read', () => {
  it.each([
    'application/json; charset=utf-8',
    'application/JSON',
    'Application/Json;charset="UTF-8"',
    'application/json;',
  ])('as %s', async (type) => {
    expect((await send(QUOTE, type, bytesOf('{"prompt":"a fox"}'))).status).toBe(200);
  });

  it.each([
    ['/v1/videos', undefined, 'multipart/form-data or application/json'],
    ['/v1/videos', 'text/plain', 'multipart/form-data or application/json'],
    ['/v1/videos', 'application/json; charset=iso-8859-1', 'multipart/form-data or application/json'],
    ['/v1/videos', 'application/jsonp', 'multipart/form-data or application/json'],
    ['/v1/videos', 'application/x-www-form-urlencoded', 'multipart/form-data or application/json'],
    ['/v1/videos/video_1/remix', undefined, 'multipart/form-data or application/json'],
    ['/v1/videos/video_1/claim', undefined, 'application/json'],
    ['/v1/videos/video_1/cancel', 'text/plain', 'application/json'],
    ['/v1/scripts', undefined, 'application/json'],
    ['/v1/threads', 'multipart/form-data; boundary=b', 'application/json'],
    ['/v1/webhook_endpoints', undefined, 'application/json'],
  ])('%s with the type %s is 415 and says which types are taken', async (path, type, taken) => {
    const answer = await send(path, type, bytesOf('{"prompt":"a fox"}'));
    const message = await expectRefused(answer, 415, 'unsupported_media_type');
    expect(message).toContain(`This route takes only bodies of the type ${taken}, in UTF-8.`);
  });

  it('without its type is 415 for an operator too', async () => {
    for (const path of ['/admin/accounts', '/admin/reconcile', '/admin/sales', '/admin/prices']) {
      const headers = { authorization: 'Bearer the-admin-key-of-the-tests' };
      const answer = await fetch(stack.url + path, { method: 'POST', headers, body: bytesOf('{"name":"x"}') });
      expect(await expectRefused(answer, 415, 'unsupported_media_type')).toContain('Nothing was changed.');
    }
  });

  it('is not missed where a body may be left out, with a type or without', async () => {
    for (const type of [undefined, 'application/json', 'text/plain']) {
      for (const act of ['claim', 'cancel']) {
        await expectRefused(await send(`/v1/videos/video_1/${act}`, type, null), 404, 'not_found');
      }
      await expectRefused(await send('/v1/videos', type, null), 400, 'invalid_request', 'prompt');
    }
  });

  it('may be left out by an operator where every field is optional; elsewhere the answer names what is missing', async () => {
    const withoutBody = (path: string) =>
      fetch(`${stack.url}/admin${path}`, { method: 'POST', headers: { authorization: `Bearer ${ADMIN_KEY}` } });
    const reconciled = await withoutBody('/reconcile');
    expect([reconciled.status, await reconciled.json()]).toMatchObject([200, { dry_run: false }]);
    const { id } = await openAccount(stack, 0);
    const made = await adminPost(stack, `/accounts/${id}/keys`, { name: 'to be rotated' });
    const old = (await made.json()) as { id: string; key: string };
    const rotated = await withoutBody(`/accounts/${id}/keys/${old.id}/rotate`);
    expect([rotated.status, await rotated.json()]).toMatchObject([
      200,
      { key: expect.stringMatching(/^hf_/) as string },
    ]);
    const ended = await fetch(`${stack.url}/v1/credits`, { headers: { authorization: `Bearer ${old.key}` } });
    await expectRefused(ended, 401, 'invalid_api_key');
    for (const [path, param] of [
      ['/accounts', 'name'],
      ['/prices', 'model'],
      [`/accounts/${id}/freeze`, 'reason'],
    ] as const) {
      await expectRefused(await withoutBody(path), 400, 'invalid_request', param);
    }
  });
});

describe('a field that is null', () => {
  it('is a field that was not sent: at any depth, on every route', async () => {
    const bodies: [string, object][] = [
      [QUOTE, { prompt: 'a fox', model: null, seconds: null, size: null, max_credits: null, input_reference: null }],
      ['/v1/scripts?dry_run=true', { topic: 'a fox', tone: null, length: null, stream: null }],
      ['/v1/threads?dry_run=true', { topic: 'a fox', posts: null, max_credits: null }],
      [QUOTE, { prompt: 'a fox', user: null, metadata: null }],
      [QUOTE, { prompt: 'a fox', metadata: { kept: 'a', left: null } }],
    ];
    for (const [path, body] of bodies) {
      const answer = await send(path, 'application/json', bytesOf(JSON.stringify(body)));
      expect(await answer.json()).toMatchObject({ would_be_accepted: true });
    }
  });

  it('is missed where it is required, and an item of a list is not removed', async () => {
    const missing = await send('/v1/videos', 'application/json', bytesOf('{"prompt":null}'));
    expect(await expectRefused(missing, 400, 'invalid_request', 'prompt')).toBe(
      'prompt is required. Nothing was held.',
    );
    const nested = await send(
      '/v1/videos',
      'application/json',
      bytesOf('{"prompt":"x","input_reference":{"image_url":null}}'),
    );
    await expectRefused(nested, 400, 'invalid_request', 'input_reference.image_url');
    const item = await send(
      '/v1/webhook_endpoints',
      'application/json',
      bytesOf('{"url":"https://a.test","events":[null]}'),
    );
    await expectRefused(item, 400, 'invalid_request', 'events.0');
  });

  it('is refused of an operator: JSON has null for NaN, and a refund of NaN is none of all', async () => {
    const bodies: [string, object, string][] = [
      [`/videos/video_${'0'.repeat(32)}/refund`, { amount_microcredits: NaN, reason: 'r' }, 'amount_microcredits'],
      [`/accounts/${account.id}/keys`, { name: 'k', daily_limit_microcredits: NaN }, 'daily_limit_microcredits'],
      ['/reconcile', { dry_run: null }, 'dry_run'],
    ];
    for (const [path, body, param] of bodies) {
      const answer = await adminPost(stack, path, body, { 'idempotency-key': 'nan' });
      await expectRefused(answer, 400, 'invalid_request', param);
    }
  });

  // MR-90
  it('makes no other request of it: the Idempotency-Key replays the answer', async () => {
    const key = { 'idempotency-key': 'with-nulls' };
    const first = await send('/v1/videos', 'application/json', bytesOf('{"prompt":"nulls [[never]]"}'), key);
    const body = '{"prompt":"nulls [[never]]","seconds":null,"input_reference":null}';
    const again = await send('/v1/videos', 'application/json', bytesOf(body), key);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(await again.json()).toEqual(await first.json());
  });
});

describe('a remix', () => {
  it('is read as JSON and as a form, which are the same request', async () => {
    const original = await ask(account, 'an original');
    await untilSettled(stack, [original]);
    const path = `/v1/videos/${original}/remix`;
    const key = { 'idempotency-key': 'remix-as-form' };
    const sent = form('b', part('b', 'at night [[never]]', 'name="prompt"'), part('b', '0.6', 'name="max_credits"'));
    const first = await send(path, 'multipart/form-data; boundary=b', sent, key);
    expect(await first.clone().json()).toMatchObject({
      remixed_from_video_id: original,
      prompt: 'at night [[never]]',
      credits: { state: 'held', amount_microcredits: PRICE },
    });
    const json = '{"prompt":"at night [[never]]","max_credits":0.6}';
    const again = await send(path, 'application/json', bytesOf(json), key);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(await again.json()).toEqual(await first.json());
  });

  it('as a form refuses what it does not know, and a megabyte', async () => {
    const file = form('b', part('b', 'x', 'name="prompt"'), part('b', PNG, 'name="input_reference"; filename="a.png"'));
    const path = '/v1/videos/video_1/remix';
    await expectRefused(
      await send(path, 'multipart/form-data; boundary=b', file),
      400,
      'invalid_request',
      'input_reference',
    );
    const large = form('b', part('b', 'x'.repeat(1024 * 1024), 'name="prompt"'));
    await expectRefused(await send(path, 'multipart/form-data; boundary=b', large), 413, 'body_too_large');
  });
});

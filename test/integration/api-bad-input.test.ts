import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectRefused, jsonPost } from '../harness/support/answers.ts';
import type { TestStack } from '../harness/support/stack.ts';
import { openAccount, startStack } from '../harness/support/stack.ts';

/** Requests that no SDK sends: refused by the contract, with nothing held. */

let stack: TestStack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(async () => {
  await stack.stop();
});

/** As many as may stand in a row. */
const MARKS = '\u0301\u0316'.repeat(50);

describe('bad input', () => {
  const cases: [string, RequestInit, number, string, string?][] = [
    ['no prompt', jsonPost({}), 400, 'invalid_request', 'prompt'],
    ['an empty prompt', jsonPost({ prompt: '' }), 400, 'invalid_request', 'prompt'],
    ['a blank prompt', jsonPost({ prompt: ' \n ' }), 400, 'invalid_request', 'prompt'],
    ['a prompt that is no text', jsonPost({ prompt: 7 }), 400, 'invalid_request', 'prompt'],
    ['a prompt of 32,001 characters', jsonPost({ prompt: 'a'.repeat(32_001) }), 400, 'invalid_request', 'prompt'],
    ['a NUL in the prompt', jsonPost({ prompt: 'a\u0000b' }), 400, 'invalid_request', 'prompt'],
    ['over 100 marks in a row', jsonPost({ prompt: `e${MARKS}\u0301` }), 400, 'invalid_request', 'prompt'],
    ['half a surrogate pair', jsonPost({ prompt: 'a\ud800b' }), 400, 'invalid_request', 'prompt'],
    ['an unknown model', jsonPost({ prompt: 'x', model: 'sora-9' }), 400, 'invalid_request', 'model'],
    ['an unknown size', jsonPost({ prompt: 'x', size: '1x1' }), 400, 'invalid_request', 'size'],
    ['a size of another model', jsonPost({ prompt: 'x', size: '1792x1024' }), 400, 'invalid_request', 'size'],
    ['unknown seconds', jsonPost({ prompt: 'x', seconds: '5' }), 400, 'invalid_request', 'seconds'],
    ['seconds as a number', jsonPost({ prompt: 'x', seconds: 4 }), 400, 'invalid_request', 'seconds'],
    ['an unknown field', jsonPost({ prompt: 'x', colour: 'red' }), 400, 'invalid_request', 'colour'],
    [
      'a field that JavaScript would lose',
      { ...jsonPost({}), body: '{"prompt":"x","__proto__":{"n":2}}' },
      400,
      'invalid_request',
      '__proto__',
    ],
    [
      'a file id',
      jsonPost({ prompt: 'x', input_reference: { file_id: 'f' } }),
      400,
      'invalid_request',
      'input_reference.file_id',
    ],
    [
      'an address to fetch',
      jsonPost({ prompt: 'x', input_reference: { image_url: 'http://169.254.169.254/' } }),
      400,
      'invalid_request',
      'input_reference.image_url',
    ],
    ['a list', jsonPost(['x']), 400, 'invalid_request'],
    ['broken JSON', { ...jsonPost({}), body: '{"prompt":' }, 400, 'invalid_request'],
    [
      'broken multipart',
      { method: 'POST', headers: { 'content-type': 'multipart/form-data; boundary=x' }, body: '--y\r\nnothing' },
      400,
      'invalid_request',
    ],
    [
      'multipart without a boundary',
      { method: 'POST', headers: { 'content-type': 'multipart/form-data' }, body: 'x' },
      400,
      'invalid_request',
    ],
    [
      'a wrong content type',
      { method: 'POST', headers: { 'content-type': 'text/plain' }, body: 'x' },
      415,
      'unsupported_media_type',
    ],
    ['no body', { method: 'POST' }, 400, 'invalid_request', 'prompt'],
  ];

  // MR-89
  it.each(cases)("%s: the contract's error, nothing held", async (_what, init, status, code, param) => {
    const account = await openAccount(stack, 1_000_000);
    await expectRefused(await account.fetch('/v1/videos', init), status, code, param);
    expect(await account.credits()).toMatchObject({ available_microcredits: 1_000_000, held_microcredits: 0 });
  });

  it('is not what only looks like it: 100 marks in a row, and as many again after a letter', async () => {
    const account = await openAccount(stack, 1_000_000);
    const quote = await account.fetch('/v1/videos?dry_run=true', jsonPost({ prompt: `e${MARKS}e${MARKS}` }));
    expect(quote.status).toBe(200);
    expect(await quote.json()).toMatchObject({ would_be_accepted: true });
  });

  const formCases: [string, (form: FormData) => void, number, string, string?][] = [
    [
      'a binary prompt',
      (form) => form.set('prompt', new File([new Uint8Array([0, 255, 1])], 'p')),
      400,
      'invalid_request',
      'prompt',
    ],
    ['a field that JavaScript would lose', (form) => form.set('__proto__', 'x'), 400, 'invalid_request', '__proto__'],
    ['two prompts', (form) => form.append('prompt', 'another'), 400, 'invalid_request', 'prompt'],
    [
      'a reference that only calls itself an image',
      (form) => form.set('input_reference', new File([new Uint8Array(1000)], 'x.png', { type: 'image/png' })),
      400,
      'invalid_request',
      'input_reference',
    ],
    [
      'a reference that is no image',
      (form) => form.set('input_reference', new File(['x'], 'x.txt', { type: 'text/plain' })),
      400,
      'invalid_request',
      'input_reference',
    ],
    ['a reference as text', (form) => form.set('input_reference', 'x'), 400, 'invalid_request', 'input_reference'],
    [
      'a file over 10 MB',
      (form) =>
        form.set('input_reference', new File([new Uint8Array(10 * 1024 * 1024 + 1)], 'x.png', { type: 'image/png' })),
      413,
      'body_too_large',
    ],
  ];

  it.each(formCases)("%s in a form: the contract's error, nothing held", async (_what, change, status, code, param) => {
    const account = await openAccount(stack, 1_000_000);
    const form = new FormData();
    form.set('prompt', 'fine');
    change(form);
    await expectRefused(await account.fetch('/v1/videos', { method: 'POST', body: form }), status, code, param);
    expect(await account.credits()).toMatchObject({ available_microcredits: 1_000_000, held_microcredits: 0 });
  });

  it('a 200 MB upload is refused before it is read, with and without a length', async () => {
    const account = await openAccount(stack, 1_000_000);
    const headers = { 'content-type': 'multipart/form-data; boundary=x', 'content-length': String(200 * 1024 * 1024) };
    const told = await rawPost(stack.url, account.key, headers, 1024);
    expect(told).toContain('413');
    const chunked = await rawPost(
      stack.url,
      account.key,
      { 'content-type': 'multipart/form-data; boundary=x', 'transfer-encoding': 'chunked' },
      200 * 1024 * 1024,
    );
    expect(chunked).toContain('413');
    expect(chunked).toContain('body_too_large');
  });

  it('an unknown, missing or malformed key is 401 and its body is not read', async () => {
    for (const authorization of [undefined, 'Bearer hf_unknown', 'Basic x', 'Bearer ', `Bearer ${'x'.repeat(5000)}`]) {
      const answer = await fetch(`${stack.url}/v1/videos`, {
        ...jsonPost({ prompt: 'x' }),
        headers: { 'content-type': 'application/json', ...(authorization === undefined ? {} : { authorization }) },
      });
      await expectRefused(answer, 401, 'invalid_api_key');
    }
  });

  it('nothing that is secret is logged by any of it', () => {
    expect(stack.logged.filter((line) => /hf_|fox|the-admin-key/.test(line))).toEqual([]);
  });
});

/** A POST over a bare socket, so that its length can lie and its body can be cut short; answers with what came back. */
async function rawPost(url: string, key: string, headers: Record<string, string>, bytes: number): Promise<string> {
  const { connect } = await import('node:net');
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname);
    let answer = '';
    socket.on('data', (data) => (answer += data.toString()));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(answer));
    const lines = Object.entries({ host: hostname, authorization: `Bearer ${key}`, ...headers }).map(
      ([name, value]) => `${name}: ${value}`,
    );
    socket.write(`POST /v1/videos HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
    const chunk = Buffer.alloc(64 * 1024, 97);
    const framed = Buffer.concat([Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n')]);
    let sent = 0;
    const send = (): void => {
      // As clients do: what is answered is not sent on.
      if (sent >= bytes || answer !== '' || socket.destroyed) {
        socket.end();
        return;
      }
      sent += chunk.length;
      socket.write(framed, send);
    };
    send();
  });
}
